//! Tries values in a column: what is read back of each, and which of them the
//! database holds equal.

use std::marker::PhantomData;

use bulk_sync::{BulkSyncTrait, SyncError, WholeTable};
use bulk_sync_tests::oracle::{Absent, Kept, Model};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, JoinType, QueryResult, TransactionTrait, Value,
    sea_query::{Expr, ExprTrait, Query},
};

use crate::{
    agreement::{Disagreement, read},
    drawn::DrawnSlot,
    mixed::{Mixed, TABLE},
    subject::active,
};

/// The values of a type in a table.
pub struct Values {
    /// In the column.
    pub kept: Vec<Kept>,
    /// In the column that can be NULL.
    pub kept_or_null: Vec<Kept>,
    /// Whether the database can say that two are equal.
    pub have_equality: bool,
}

/// What a value is stored as, in the column and in the one that can be NULL.
struct Tried {
    given: Value,
    as_is: Option<Value>,
    or_null: Option<Value>,
}

/// The columns of one type in an empty table.
pub struct Trial<'a, E> {
    db: &'a DatabaseConnection,
    slot: &'a DrawnSlot,
    slots: &'a [DrawnSlot],
    position: usize,
    entity: PhantomData<E>,
}

impl<'a, E: Mixed> Trial<'a, E> {
    /// Of a type in a table of these types, whose column is at the position.
    pub fn new(
        db: &'a DatabaseConnection,
        slots: &'a [DrawnSlot],
        slot: &'a DrawnSlot,
        position: usize,
    ) -> Self {
        Self { db, slot, slots, position, entity: PhantomData }
    }

    /// Tries all values.
    pub async fn values(&self) -> Result<Values, Disagreement> {
        let stored = self.stored().await?;
        let distinct: Vec<Value> = stored.iter().filter_map(|tried| tried.as_is.clone()).collect();
        let pairs = self.equal_pairs(&distinct).await?;
        // the first of those that are equal stands for all of them
        let standing_for = |value: &Value| {
            let equal = pairs.iter().flatten().filter(|(_, right)| distinct[*right] == *value);
            let first = equal.map(|(left, _)| *left).min();
            first.map_or(value, |first| &distinct[first]).clone()
        };
        let kept = |given: &Value, stored: &Option<Value>| Kept {
            equal: standing_for(stored.as_ref().unwrap_or(given)),
            given: given.clone(),
            stored: stored.clone(),
        };
        Ok(Values {
            kept: stored.iter().map(|tried| kept(&tried.given, &tried.as_is)).collect(),
            kept_or_null: stored.iter().map(|tried| kept(&tried.given, &tried.or_null)).collect(),
            have_equality: pairs.is_some(),
        })
    }

    /// What each value is stored as. What is stored is a value to give, too.
    async fn stored(&self) -> Result<Vec<Tried>, Disagreement> {
        let mut stored: Vec<Tried> = Vec::new();
        let mut waiting = [&self.slot.plain[..], &self.slot.values].concat();
        while let Some(given) = waiting.pop() {
            if stored.iter().any(|tried| tried.given == given) {
                continue;
            }
            let as_is = self.store(self.position, &given).await?;
            let or_null = self.store(self.position + 1, &given).await?;
            waiting.extend(as_is.clone().into_iter().chain(or_null.clone()));
            stored.push(Tried { given, as_is, or_null });
        }
        Ok(stored)
    }

    /// What becomes of the column when it is left out: MySQL takes the first of
    /// an enum's values.
    pub async fn absent(&self) -> Result<Absent, Disagreement> {
        let mut row = self.row(1, self.position, &self.slot.plain[0]);
        row[self.position] = None;
        Ok(self.create(self.position, &row).await?.map_or(Absent::Refused, Absent::Default))
    }

    /// What is read back of a value; `None` where it is refused.
    async fn store(&self, position: usize, value: &Value) -> Result<Option<Value>, Disagreement> {
        self.create(position, &self.row(1, position, value)).await
    }

    /// Creates a row, and reads one of its columns back.
    async fn create(&self, position: usize, row: &Model) -> Result<Option<Value>, Disagreement> {
        let transaction = self.db.begin().await?;
        let model = active::<E>(row);
        let stored = match E::bulk_sync([model], WholeTable, None).exec(&transaction).await {
            Ok(_) => {
                let mut rows = read::<E, _>(&transaction).await?;
                rows.pop().map(|mut row| row.swap_remove(position))
            }
            Err(SyncError::InvalidInput { .. } | SyncError::Statement { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        transaction.rollback().await?;
        Ok(stored)
    }

    /// Which of these values the database holds equal, in both orders; `None`
    /// where it does not compare values of the type.
    async fn equal_pairs(
        &self,
        values: &[Value],
    ) -> Result<Option<Vec<(usize, usize)>>, Disagreement> {
        let transaction = self.db.begin().await?;
        let models = (0..)
            .zip(values)
            .map(|(number, value)| active::<E>(&self.row(number, self.position, value)));
        E::bulk_sync(models.collect::<Vec<_>>(), WholeTable, None).exec(&transaction).await?;
        let column = E::column(self.position);
        let equal = Expr::col(("l", column)).equals(("r", column));
        let select = Query::select()
            .column(("l", "number"))
            .column(("r", "number"))
            .from_as(TABLE, "l")
            .join_as(JoinType::InnerJoin, TABLE, "r", equal)
            .to_owned();
        let rows = transaction.query_all(&select).await;
        transaction.rollback().await?;
        let Ok(rows) = rows else { return Ok(None) };
        let index = |row: &QueryResult, at| {
            row.try_get_by_index::<i32>(at).map(|i| i.unsigned_abs() as usize)
        };
        let pairs: Result<_, DbErr> =
            rows.iter().map(|row| Ok((index(row, 0)?, index(row, 1)?))).collect();
        Ok(Some(pairs?))
    }

    /// A row with a value in a column of the type, and plain ones in the others.
    fn row(&self, number: i32, position: usize, value: &Value) -> Model {
        let first = [None, Some(Value::from(1)), Some(number.into()), Some(Value::Int(None))];
        let plain = |slot: &DrawnSlot| [Some(slot.plain[0].clone()), Some(slot.plain[0].as_null())];
        let mut row: Model = first.into_iter().chain(self.slots.iter().flat_map(plain)).collect();
        row[position] = Some(value.clone());
        row
    }
}

//! Tables whose columns are drawn from the table of types: what each is
//! declared as, and a few of the values to try in it. What a column makes of a
//! value is not computed: a single row with it is created in the empty table,
//! and read back.

use std::marker::PhantomData;

use bulk_sync::{BulkSyncTrait, SyncError, WholeTable};
use bulk_sync_tests::{
    database::{Server, TestDatabase},
    oracle::{Absent, Column, Kept, Model, Role},
};
use libtest_mimic::Failed;
use proptest::{
    sample::subsequence,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, IdenStatic,
    Iterable, JoinType, QueryResult, Schema, TransactionTrait, Value,
    sea_query::{ColumnDef, Expr, ExprTrait, Index, Query, Table, extension::postgres::Type},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    agreement::{Disagreement, agree_in_transaction, read},
    left_out::{Part, left_out},
    mixed::{Mixed, TABLE},
    runner::{Settings, Tally, open},
    slot::Slot,
    subject::{Layout, active, column},
};

/// How many tables are drawn of an entity: as many as there are types that a
/// column is declared as.
const TABLES: usize = 4;

/// How many of the values of a type a table has.
const VALUES: usize = 7;

/// The syncs of drawn tables agree with the oracle.
pub fn run<E: Mixed>(server: Server) -> Result<(), Failed> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let database = runtime.block_on(TestDatabase::create(server))?;
    let outcome = run_all::<E>(&runtime, &database);
    runtime.block_on(database.close())?;
    outcome
}

fn run_all<E: Mixed>(runtime: &Runtime, database: &TestDatabase) -> Result<(), Failed> {
    let usual = if database.backend() == DbBackend::Sqlite { 400 } else { 160 };
    let settings = Settings::of_call(usual)?;
    let mut tally = Tally::default();
    runtime.block_on(create_enums(database, &E::slots()))?;
    let mut failures = Vec::new();
    for turn in 0..TABLES {
        // statements of one text on tables of two types: no connection may see both
        let db = runtime.block_on(open(database))?;
        let settings = settings.turn(turn as u64, TABLES as u32);
        let mut runner = settings.runner();
        let draw = |slot| DrawnSlot::draw(slot, database.backend(), turn, &mut runner);
        let slots: Vec<_> = E::slots().iter().map(draw).collect();
        let layout = runtime.block_on(prepare::<E>(&db, &slots, turn))?;
        let agree = |case: &_| runtime.block_on(agree_in_transaction::<E>(&db, &layout, case));
        let outcome = settings.check(&layout, &mut tally, agree);
        failures.extend(outcome.err().and_then(|failure| failure.message().map(str::to_owned)));
        runtime.block_on(db.execute(&Table::drop().table(TABLE).to_owned()))?;
        runtime.block_on(db.close())?;
    }
    if !failures.is_empty() {
        return Err(failures.join("\n\n").into());
    }
    tally.finish(&[Ok(true), Ok(false)])
}

/// A column type in a table.
struct DrawnSlot {
    name: &'static str,
    backend: DbBackend,
    declared: ColumnType,
    declared_text: String,
    plain: Vec<Value>,
    values: Vec<Value>,
}

impl DrawnSlot {
    fn draw(slot: &Slot, backend: DbBackend, turn: usize, runner: &mut TestRunner) -> Self {
        let number = VALUES.min(slot.hostile.len());
        let values = subsequence(slot.hostile.clone(), number).new_tree(runner);
        let text = |declared: &ColumnType| format!("{declared:?}");
        let mut declared = slot.declared(backend, turn);
        if left_out(backend, slot.name, &text(&declared), Part::Type).is_some() {
            declared = slot.declared(backend, 0);
        }
        Self {
            name: slot.name,
            backend,
            declared_text: text(&declared),
            declared,
            plain: slot.plain.clone(),
            values: values.map(|tree| tree.current()).unwrap_or_default(),
        }
    }

    /// The type, for people.
    fn about(&self) -> String {
        let mut text = format!("{} as {}", self.name, self.declared_text);
        for part in [Part::Type, Part::Rounded, Part::Key] {
            if let Some(reason) = self.left_out(part) {
                text.push_str(&format!(" (without {part:?}: {reason})"));
            }
        }
        text
    }

    fn left_out(&self, part: Part) -> Option<&'static str> {
        left_out(self.backend, self.name, &self.declared_text, part)
    }
}

/// Creates the table, and tries the values.
async fn prepare<E: Mixed>(
    db: &DatabaseConnection,
    slots: &[DrawnSlot],
    turn: usize,
) -> Result<Layout, Disagreement> {
    create_table::<E>(db, slots).await?;
    let (columns, keys) = fixed_columns();
    let mut layout = Layout::new(columns).keys(keys).key_percent(60);
    let mut keyable = Vec::new();
    for slot in slots {
        let position = layout.table.columns.len();
        let trial = Trial::<E> { db, slot, slots, position, entity: PhantomData };
        let values = trial.values().await?;
        let absent = trial.absent().await?;
        let null = || Absent::Default(slot.plain[0].as_null());
        let nulls = vec![slot.plain[0].as_null(); 2];
        layout.push(E::column(position).as_str(), absent, Vec::new(), values.kept);
        layout.push(E::column(position + 1).as_str(), null(), nulls, values.kept_or_null);
        if values.have_equality && slot.left_out(Part::Key).is_none() {
            layout.keys.extend([vec![position], vec![1, position], vec![2, position + 1]]);
            layout.keys.extend(keyable.iter().map(|&before| vec![before, position]));
            keyable.push(position);
        }
    }
    // some tables have a unique column; of those types that can be
    if turn % 2 == 1 && !keyable.is_empty() {
        let position = keyable[turn / 2 % keyable.len()];
        if create_unique_index::<E>(db, position).await {
            layout.table.unique.push(position);
        }
    }
    layout.about = slots.iter().map(DrawnSlot::about).collect::<Vec<_>>().join(", ");
    Ok(layout.primary_key(&["id"]))
}

/// The columns beside those that are drawn, and what rows can be matched by.
fn fixed_columns() -> (Vec<(Column, Vec<Value>)>, &'static [&'static [&'static str]]) {
    let columns = vec![
        // ids below zero never meet those that the database gives
        column("id", Role::Value, Absent::Generated, (1..=12).map(|id: i64| -id)),
        column("company", Role::Key, Absent::Refused, [1, 2, 3]),
        column("number", Role::Key, Absent::Refused, [1, 2, 3]),
        column(
            "level",
            Role::Value,
            Absent::Default(Value::Int(None)),
            [None, Some(1), Some(2), Some(3)],
        ),
    ];
    (columns, &[&["id"], &["number"]])
}

/// Declares the columns as what was drawn.
async fn create_table<E: Mixed>(db: &DatabaseConnection, slots: &[DrawnSlot]) -> Result<(), DbErr> {
    let schema = Schema::new(db.get_database_backend());
    let mut table = Table::create().table(TABLE).to_owned();
    for (position, column) in E::Column::iter().enumerate() {
        let mut definition = schema.get_column_def::<E>(column);
        if let Some(slot) = position.checked_sub(4).map(|drawn| &slots[drawn / 2]) {
            definition = ColumnDef::new_with_type(column, slot.declared.clone());
            if !column.def().is_null() {
                definition.not_null();
            }
        }
        table.col(definition);
    }
    db.execute(&table).await.map(drop)
}

/// Whether a unique index of the column could be created: not each type has one.
async fn create_unique_index<E: Mixed>(db: &DatabaseConnection, position: usize) -> bool {
    let column = E::column(position);
    let mut index = Index::create();
    index.unique().name(format!("unique_{}", column.as_str())).table(TABLE).col(column);
    db.execute(&index).await.is_ok()
}

/// Creates the types that the database has to know.
async fn create_enums(db: &TestDatabase, slots: &[Slot; 3]) -> Result<(), DbErr> {
    for slot in slots {
        if let ColumnType::Enum { name, variants } = slot.declared(db.backend(), 0)
            && db.backend() == DbBackend::Postgres
        {
            let variants = variants.iter().map(|variant| variant.to_string());
            let create =
                Type::create().as_enum(name).values(variants.collect::<Vec<_>>()).to_owned();
            db.pool.execute(&create).await?;
        }
    }
    Ok(())
}

/// The values of a type in a table.
struct Values {
    kept: Vec<Kept>,
    kept_or_null: Vec<Kept>,
    /// Whether the database can say that two are equal.
    have_equality: bool,
}

/// The columns of one type in an empty table.
struct Trial<'a, E> {
    db: &'a DatabaseConnection,
    slot: &'a DrawnSlot,
    slots: &'a [DrawnSlot],
    position: usize,
    entity: PhantomData<E>,
}

impl<E: Mixed> Trial<'_, E> {
    /// Tries all values.
    async fn values(&self) -> Result<Values, Disagreement> {
        let mut stored: Vec<(Value, Option<Value>, Option<Value>)> = Vec::new();
        let mut waiting = [&self.slot.plain[..], &self.slot.values].concat();
        while let Some(given) = waiting.pop() {
            let as_is = self.store(self.position, &given).await?;
            let as_optional = self.store(self.position + 1, &given).await?;
            // what is stored is a value to give, too
            for value in [&as_is, &as_optional].into_iter().flatten() {
                if *value != given && !stored.iter().any(|(given, ..)| given == value) {
                    waiting.push(value.clone());
                }
            }
            let is_rounded = as_is.as_ref().is_some_and(|value| *value != given);
            if !stored.iter().any(|(other, ..)| *other == given)
                && !(is_rounded && self.slot.left_out(Part::Rounded).is_some())
            {
                stored.push((given, as_is, as_optional));
            }
        }
        let distinct: Vec<Value> =
            stored.iter().filter_map(|(_, value, _)| value.clone()).collect();
        let pairs = self.equal_pairs(&distinct).await?;
        let standing_for = |value: &Value| {
            let equal =
                |(left, right): &&(usize, usize)| distinct[*right] == *value && left < right;
            let pair = pairs.iter().flatten().find(equal);
            pair.map_or(value, |(left, _)| &distinct[*left]).clone()
        };
        let kept = |given: &Value, stored: &Option<Value>| Kept {
            equal: standing_for(stored.as_ref().unwrap_or(given)),
            given: given.clone(),
            stored: stored.clone(),
        };
        Ok(Values {
            kept: stored.iter().map(|(given, value, _)| kept(given, value)).collect(),
            kept_or_null: stored.iter().map(|(given, _, value)| kept(given, value)).collect(),
            have_equality: pairs.is_some(),
        })
    }

    /// What becomes of the column when it is left out: MySQL takes the first of
    /// an enum's values.
    async fn absent(&self) -> Result<Absent, Disagreement> {
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

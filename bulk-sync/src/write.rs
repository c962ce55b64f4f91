//! Carries out a plan: deletes, then updates, then creates, so that a key or a
//! unique value that one of them frees can be used by the next.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, SqlErr, StatementBuilder, Value};

use crate::{
    batch::{batches, rows_per_statement},
    columns::{Columns, Position},
    desired::RowList,
    dialect::Dialect,
    error::{Action, SyncError},
    field::Row,
    key_text::row_text,
    plan::{SyncPlan, Update},
    statement::Statements,
};

/// What a value that is not text takes in a statement, in bytes, about.
const VALUE_BYTES: usize = 16;

/// Writes the rows of plans.
pub(crate) struct Writer<'a, E: EntityTrait, C> {
    plan: &'a SyncPlan<E>,
    statements: Statements<'a, E>,
    db: &'a C,
}

impl<'a, E: EntityTrait, C: ConnectionTrait> Writer<'a, E, C> {
    pub fn new(plan: &'a SyncPlan<E>, db: &'a C) -> Self {
        let dialect = Dialect::of(db.get_database_backend());
        let statements = Statements { dialect, columns: &plan.task.columns };
        Self { plan, statements, db }
    }

    /// Writes the rows of the plan. Nothing is rolled back here.
    ///
    /// # Errors
    ///
    /// The first statement that fails, and `StalePlan` where a row is gone.
    pub async fn write(&self) -> Result<(), SyncError> {
        self.delete().await?;
        self.update().await?;
        self.create().await
    }

    async fn delete(&self) -> Result<(), SyncError> {
        let primary_key = &self.columns().primary_key;
        let limit = self.limit(primary_key.len());
        for batch in batches(&self.plan.deleted, limit, |_| VALUE_BYTES) {
            let rows = || batch.iter().map(Row::Active);
            let keys = rows().map(|row| values(self.columns(), primary_key, row)).collect();
            self.execute(Action::Delete, self.statements.delete(keys), rows()).await?;
        }
        Ok(())
    }

    async fn update(&self) -> Result<(), SyncError> {
        let columns = self.columns();
        let settable = |update: &&Update<E>| {
            let desired = self.plan.desired.row(update.desired);
            set_positions(columns, columns.compared.iter().chain(&columns.touched), desired)
        };
        for (settable, updates) in group(&self.plan.updated, settable) {
            let widest = [&columns.primary_key[..], &settable].concat();
            let limit = self.limit(self.statements.parameters_per_row(&widest));
            let size = |update: &&Update<E>| {
                size(columns, &settable, self.plan.desired.row(update.desired))
            };
            for batch in batches(&updates, limit, size) {
                let set = columns_to_set(columns, &settable, batch);
                let row = |update: &&Update<E>| {
                    let mut row =
                        values(columns, &columns.primary_key, Row::Active(&update.current));
                    row.extend(values(columns, &set, self.plan.desired.row(update.desired)));
                    row
                };
                let statement = self.statements.update(&set, batch.iter().map(row).collect());
                let rows = batch.iter().map(|update| Row::Active(&update.current));
                self.execute(Action::Update, statement, rows).await?;
            }
        }
        Ok(())
    }

    async fn create(&self) -> Result<(), SyncError> {
        let columns = self.columns();
        let desired = |index: &usize| self.plan.desired.row(*index);
        let insertable = |index: &&usize| {
            let row = desired(index);
            let all: Vec<_> = columns.all().collect();
            let mut set = set_positions(columns, &all, row);
            let given = |position: Position| columns.field(position).is_explicit(row);
            set.retain(|&position| Some(position) != columns.generated || given(position));
            set
        };
        for (set, indices) in group(&self.plan.created, insertable) {
            let limit = self.limit(self.statements.parameters_per_row(&set));
            for batch in batches(&indices, limit, |index| size(columns, &set, desired(index))) {
                let rows = || batch.iter().map(|index| desired(index));
                let values = rows().map(|row| values(columns, &set, row)).collect();
                self.execute(Action::Create, self.statements.insert(&set, values), rows()).await?;
            }
        }
        Ok(())
    }

    fn columns(&self) -> &'a Columns<E> {
        &self.plan.task.columns
    }

    fn limit(&self, parameters_per_row: usize) -> usize {
        let requested = self.plan.task.settings.batch_size;
        rows_per_statement(self.statements.dialect, requested, 0, parameters_per_row)
    }

    /// Runs a statement that must write exactly these rows.
    async fn execute<'r, S: StatementBuilder>(
        &self,
        action: Action,
        statement: S,
        rows: impl ExactSizeIterator<Item = Row<'r, E>>,
    ) -> Result<(), SyncError> {
        let expected = rows.len() as u64;
        match self.db.execute(&statement).await {
            Ok(result) if result.rows_affected() == expected => Ok(()),
            Ok(result) => Err(SyncError::StalePlan {
                table: self.plan.task.table.clone(),
                rows: vec![format!(
                    "{action} it reached {} rows, not {expected}",
                    result.rows_affected()
                )],
            }),
            Err(error) => Err(self.refused(action, error, rows)),
        }
    }

    fn refused<'r>(
        &self,
        action: Action,
        source: DbErr,
        rows: impl Iterator<Item = Row<'r, E>>,
    ) -> SyncError {
        let table = self.plan.task.table.clone();
        match source.sql_err() {
            Some(
                SqlErr::UniqueConstraintViolation(constraint)
                | SqlErr::ForeignKeyConstraintViolation(constraint),
            ) => {
                let key = &self.columns().key;
                let keys = rows.map(|row| row_text(self.columns(), key, row)).collect();
                SyncError::Constraint { table, action, constraint, keys, source }
            }
            _ => SyncError::Statement { table, action, source },
        }
    }
}

/// The values of a row that are set, in the order of the positions.
pub(crate) fn values<E: EntityTrait>(
    columns: &Columns<E>,
    positions: &[Position],
    row: Row<'_, E>,
) -> Vec<Value> {
    positions.iter().filter_map(|&position| columns.field(position).value(row)).collect()
}

fn set_positions<'p, E: EntityTrait>(
    columns: &Columns<E>,
    positions: impl IntoIterator<Item = &'p Position>,
    row: Row<'_, E>,
) -> Vec<Position> {
    positions.into_iter().copied().filter(|&position| columns.field(position).is_set(row)).collect()
}

/// The columns in which any of the rows differs, and those to touch. Where a
/// row of the batch does not differ, it is set to the value that it has.
fn columns_to_set<E: EntityTrait>(
    columns: &Columns<E>,
    settable: &[Position],
    updates: &[&Update<E>],
) -> Vec<Position> {
    let is_set = |position: &Position| {
        columns.touched.contains(position)
            || updates.iter().any(|update| update.changed.contains(position))
    };
    settable.iter().copied().filter(is_set).collect()
}

fn size<E: EntityTrait>(columns: &Columns<E>, positions: &[Position], row: Row<'_, E>) -> usize {
    positions.iter().map(|&position| columns.field(position).size(row) + VALUE_BYTES).sum()
}

/// Groups rows that set the same columns: a column that one row leaves to its
/// default cannot be in the same statement as one that has a value.
fn group<'r, T>(
    rows: &'r [T],
    set: impl Fn(&&'r T) -> Vec<Position>,
) -> Vec<(Vec<Position>, Vec<&'r T>)> {
    let mut groups: Vec<(Vec<Position>, Vec<&'r T>)> = Vec::new();
    let mut of_columns: HashMap<Vec<Position>, usize> = HashMap::new();
    for row in rows {
        let set = set(&row);
        match of_columns.get(&set) {
            Some(&group) => groups[group].1.push(row),
            None => {
                of_columns.insert(set.clone(), groups.len());
                groups.push((set, vec![row]));
            }
        }
    }
    groups
}

//! Carries out a plan: deletes, then updates, then creates, so that a key or a
//! unique value that one of them frees can be used by the next.

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, Iterable, RelationTrait, SqlErr, StatementBuilder,
    TransactionSession, TransactionTrait, Value,
};

use crate::{
    batch::{batches, group, rows_per_statement},
    columns::{Columns, Position},
    desired::RowList,
    dialect::Dialect,
    error::{Action, SyncError},
    field::Row,
    key_text::row_text,
    plan::{SyncPlan, Update},
    statement::Statements,
    swap::{contested, parking_value},
};

/// What a value that is not text takes in a statement, in bytes, about.
const VALUE_BYTES: usize = 16;

/// Writes the rows of a plan. Nothing is rolled back here.
///
/// # Errors
///
/// The first statement that fails, and `StalePlan` where a row is gone.
pub(crate) async fn write<E, C>(plan: &SyncPlan<E>, db: &C) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait + TransactionTrait,
{
    if plan.deleted.is_empty() || plan.updated.is_empty() || !refers_to_itself::<E>() {
        delete_first(plan, db).await?;
    } else {
        delete_first_or_last(plan, db).await?;
    }
    Writer::new(plan, db).create().await
}

async fn delete_first<E, C>(plan: &SyncPlan<E>, db: &C) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait + TransactionTrait,
{
    let writer = Writer::new(plan, db);
    writer.delete().await?;
    update(plan, db).await?;
    writer.revive().await
}

/// In a table that refers to itself, a row to delete can still be the parent of
/// one to update, which the delete would take along or be refused for: then
/// the updates come first.
async fn delete_first_or_last<E, C>(plan: &SyncPlan<E>, db: &C) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait + TransactionTrait,
{
    let savepoint = db.begin().await?;
    let error = match delete_first(plan, &savepoint).await {
        Ok(()) => return Ok(savepoint.commit().await?),
        Err(error) => error,
    };
    savepoint.rollback().await?;
    if !matches!(error, SyncError::Constraint { .. } | SyncError::StalePlan { .. }) {
        return Err(error);
    }
    update(plan, db).await?;
    let writer = Writer::new(plan, db);
    writer.revive().await?;
    writer.delete().await
}

fn refers_to_itself<E: EntityTrait>() -> bool {
    let table = E::default().table_ref();
    E::Relation::iter().any(|relation| relation.def().to_tbl == table)
}

/// Updates rows; where a unique value moves between them, in two phases.
async fn update<E, C>(plan: &SyncPlan<E>, db: &C) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait + TransactionTrait,
{
    let contested = contested(plan);
    if contested.is_empty() {
        return Writer::new(plan, db).update().await;
    }
    // most columns are not unique: only an error tells, and PostgreSQL goes on
    // after one only from a savepoint
    let savepoint = db.begin().await?;
    let error = match Writer::new(plan, &savepoint).update().await {
        Ok(()) => return Ok(savepoint.commit().await?),
        Err(error) => error,
    };
    savepoint.rollback().await?;
    let writer = Writer::new(plan, db);
    if error.is_unique_violation() && writer.park(contested).await? {
        return writer.update().await;
    }
    Err(error)
}

/// Writes the rows of plans.
struct Writer<'a, E: EntityTrait, C> {
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

    async fn delete(&self) -> Result<(), SyncError> {
        let stamps = self.plan.task.soft_delete.as_ref().map(|soft| soft.stamped(self.columns()));
        let fixed = stamps.clone().map_or(0, |stamps| self.statements.assign_parameters(stamps));
        let limit = self.limit_beside(fixed, self.columns().primary_key.len());
        for batch in batches(&self.plan.deleted, limit, |_| VALUE_BYTES) {
            let rows = || batch.iter().map(Row::Active);
            let keys = self.primary_keys(rows());
            match stamps.clone() {
                None => self.execute(Action::Delete, self.statements.delete(keys), rows()).await?,
                Some(stamps) => {
                    let statement = self.statements.assign(stamps, keys);
                    self.execute(Action::Delete, statement, rows()).await?;
                }
            }
        }
        Ok(())
    }

    async fn revive(&self) -> Result<(), SyncError> {
        let Some(soft_delete) = &self.plan.task.soft_delete else { return Ok(()) };
        let revived: Vec<_> = self.plan.updated.iter().filter(|update| update.revived).collect();
        // FALSE is a parameter
        let fixed = self.columns().stamps.len();
        let limit = self.limit_beside(fixed, self.columns().primary_key.len());
        for batch in batches(&revived, limit, |_| VALUE_BYTES) {
            let rows = || batch.iter().map(|update| Row::Active(&update.current));
            let cleared = soft_delete.cleared(self.columns());
            let statement = self.statements.assign(cleared, self.primary_keys(rows()));
            self.execute(Action::Update, statement, rows()).await?;
        }
        Ok(())
    }

    async fn update(&self) -> Result<(), SyncError> {
        let columns = self.columns();
        let changed = self.plan.updated.iter().filter(|update| {
            !update.changed.is_empty() || (update.revived && !columns.touched.is_empty())
        });
        // a column that a model leaves unset is not written back either
        let settable = |update: &&Update<E>| {
            let all = columns.key.iter().chain(&columns.compared).chain(&columns.touched);
            set_positions(columns, all, self.plan.desired.row(update.desired))
        };
        for (settable, updates) in group(changed, settable) {
            let limit = self.update_limit(&settable);
            let size = |update: &&Update<E>| {
                size(columns, &update.changed, self.plan.desired.row(update.desired))
            };
            for batch in batches(&updates, limit, size) {
                let set = columns_to_set(columns, &settable, batch);
                if set.is_empty() {
                    continue;
                }
                let rows = batch.iter().map(|update| (*update, self.new_values(update, &set)));
                self.set(&set, rows.collect()).await?;
            }
        }
        Ok(())
    }

    /// The values that a row gets in these columns: those of its model where it
    /// differs, else those that it has.
    fn new_values(&self, update: &Update<E>, set: &[Position]) -> Vec<Value> {
        let (current, desired) =
            (Row::Active(&update.current), self.plan.desired.row(update.desired));
        let value = |&position: &Position| {
            let is_new =
                update.changed.contains(&position) || self.columns().touched.contains(&position);
            self.columns().field(position).value(if is_new { desired } else { current })
        };
        set.iter().filter_map(value).collect()
    }

    /// Sets unique values that are in the way of others to values of nobody's.
    /// Returns whether it could.
    async fn park(&self, contested: Vec<(usize, Vec<Position>)>) -> Result<bool, SyncError> {
        for (set, members) in group(&contested, |(_, positions)| positions.clone()) {
            for batch in members.chunks(self.update_limit(&set)) {
                let rows = batch.iter().map(|&&(number, _)| {
                    let update = &self.plan.updated[number];
                    let held = values(self.columns(), &set, Row::Active(&update.current));
                    let fields = set.iter().map(|&position| self.columns().field(position));
                    let parked: Option<Vec<Value>> = fields
                        .zip(&held)
                        .map(|(field, held)| parking_value(field.is_option(), held, number))
                        .collect();
                    Some((update, parked?))
                });
                let Some(rows) = rows.collect() else { return Ok(false) };
                self.set(&set, rows).await?;
            }
        }
        Ok(true)
    }

    /// Runs one UPDATE that gives rows these values.
    async fn set(
        &self,
        set: &[Position],
        rows: Vec<(&Update<E>, Vec<Value>)>,
    ) -> Result<(), SyncError> {
        let columns = self.columns();
        let mut written = Vec::with_capacity(rows.len());
        let rows = rows.into_iter().map(|(update, values_to_set)| {
            let current = Row::Active(&update.current);
            written.push(current);
            let mut row = values(columns, &columns.primary_key, current);
            row.extend(values_to_set);
            row
        });
        let rows = rows.collect();
        self.execute(Action::Update, self.statements.update(set, rows), written.into_iter()).await
    }

    async fn create(&self) -> Result<(), SyncError> {
        let columns = self.columns();
        let desired = |index: &usize| self.plan.desired.row(*index);
        let insertable = |index: &usize| {
            let row = desired(index);
            let all: Vec<_> = columns.all().collect();
            let mut set = set_positions(columns, &all, row);
            let given = |position: Position| columns.field(position).is_explicit(row);
            set.retain(|&position| Some(position) != columns.generated || given(position));
            set
        };
        for (set, indices) in group(self.plan.created.iter().copied(), insertable) {
            let limit = self.limit(self.statements.parameters_per_row(&set));
            for batch in batches(&indices, limit, |index| size(columns, &set, desired(index))) {
                let rows = || batch.iter().map(&desired);
                let values = rows().map(|row| values(columns, &set, row)).collect();
                self.execute(Action::Create, self.statements.insert(&set, values), rows()).await?;
            }
        }
        Ok(())
    }

    fn primary_keys<'r>(&self, rows: impl Iterator<Item = Row<'r, E>>) -> Vec<Vec<Value>> {
        rows.map(|row| values(self.columns(), &self.columns().primary_key, row)).collect()
    }

    fn update_limit(&self, set: &[Position]) -> usize {
        let positions = [&self.columns().primary_key[..], set].concat();
        self.limit(self.statements.parameters_per_row(&positions))
    }

    fn columns(&self) -> &'a Columns<E> {
        &self.plan.task.columns
    }

    fn limit(&self, parameters_per_row: usize) -> usize {
        self.limit_beside(0, parameters_per_row)
    }

    fn limit_beside(&self, fixed: usize, parameters_per_row: usize) -> usize {
        let requested = self.plan.task.settings.batch_size;
        rows_per_statement(self.statements.dialect, requested, fixed, parameters_per_row)
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
            // a parent's delete may have taken a row along; what must be there
            // is counted in the end
            Ok(result) if action == Action::Delete && result.rows_affected() < expected => Ok(()),
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
        match constraint(&source) {
            Some(constraint) => {
                let key = &self.columns().key;
                let keys = rows.map(|row| row_text(self.columns(), key, row)).collect();
                SyncError::Constraint { table, action, constraint, keys, source: Box::new(source) }
            }
            None => SyncError::Statement { table, action, source: Box::new(source) },
        }
    }
}

/// What the database says of a unique index or a foreign key that it refuses for.
fn constraint(error: &DbErr) -> Option<String> {
    match error.sql_err() {
        Some(
            SqlErr::UniqueConstraintViolation(message)
            | SqlErr::ForeignKeyConstraintViolation(message),
        ) => Some(message),
        // SQLite has a code of its own for ON DELETE RESTRICT, which SeaORM does not know
        _ => {
            let message = error.to_string();
            message.contains("FOREIGN KEY constraint failed").then_some(message)
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

/// The columns in which any of the rows differs, and those to touch.
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

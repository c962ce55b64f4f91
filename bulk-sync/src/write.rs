//! Carries out a plan: deletes, then updates, then creates, so that a key or a
//! unique value that one of them frees can be used by the next.

use futures_util::future::join;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, SqlErr, StatementBuilder, TransactionSession,
    TransactionTrait, Value, sea_query::UpdateStatement,
};

use crate::{
    batch::{VALUE_BYTES, batches, group, rows_per_insert, rows_per_statement},
    columns::{Columns, Position},
    connection::ReadRows,
    desired::RowList,
    dialect::Dialect,
    error::{Action, SyncError},
    field::Row,
    key_text::row_text,
    plan::{SyncPlan, Update},
    progress::{Meter, Phase},
    self_reference::{give_back, lock_children},
    send::{Outgoing, Sender},
    statement::Statements,
    swap::{Park, contested, free_and_blocked, null_or_parking_value, parking_value},
    trace::Step,
};

/// Longer values are not written back with those that another row of the
/// statement changes.
const LONG: usize = 1 << 10;

/// Writes the rows of a plan. Nothing is rolled back here.
///
/// # Errors
///
/// The first statement that fails, and `StalePlan` where a row is gone.
pub(crate) async fn write<E, C>(plan: &SyncPlan<E>, db: &C) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ReadRows,
{
    let children = lock_children(plan, db).await?;
    let refers_to_itself = !plan.task.columns.self_references.is_empty();
    if plan.deleted.is_empty() || plan.updated.is_empty() || !refers_to_itself {
        delete_first(plan, db).await?;
    } else {
        delete_first_or_last(plan, db).await?;
    }
    Writer::new(plan, db).create().await?;
    give_back(plan, &children, db).await
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
    let tried = delete_first(plan, &savepoint).await;
    if end(savepoint, tried, is_refusal).await?.is_some() {
        return Ok(());
    }
    update(plan, db).await?;
    let writer = Writer::new(plan, db);
    writer.revive().await?;
    writer.delete().await
}

/// Whether the order of the statements can be why the database refused.
fn is_refusal(error: &SyncError) -> bool {
    matches!(error, SyncError::Constraint { .. } | SyncError::StalePlan { .. })
}

/// Ends the savepoint of what was tried: keeps it where it is done; `None` where it is
/// rolled back, and can be tried otherwise.
pub(crate) async fn end<T: TransactionSession, R>(
    savepoint: T,
    tried: Result<R, SyncError>,
    can_be_otherwise: impl FnOnce(&SyncError) -> bool,
) -> Result<Option<R>, SyncError> {
    let error = match tried {
        Ok(done) => {
            savepoint.commit().await?;
            return Ok(Some(done));
        }
        Err(error) => error,
    };
    // after a deadlock there is no savepoint left on MySQL
    let rolled_back = savepoint.rollback().await;
    if !can_be_otherwise(&error) {
        return Err(error);
    }
    rolled_back?;
    Ok(None)
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
    let tried = Writer::new(plan, &savepoint).update().await;
    if end(savepoint, tried, SyncError::is_unique_violation).await?.is_some() {
        return Ok(());
    }
    // NULL would reach the rows that refer to them, and stay there; but a column that
    // refers to others itself takes nothing else
    let savepoint = db.begin().await?;
    let tried = Writer::new(plan, &savepoint).park(&contested, parking_value).await;
    let writer = Writer::new(plan, db);
    let in_turns = match end(savepoint, tried, |error| !error.is_retryable()).await? {
        Some(in_turns) => in_turns,
        None => writer.park(&contested, null_or_parking_value).await?,
    };
    if in_turns.is_empty() {
        writer.update().await
    } else {
        writer.update_in_turns(&in_turns).await
    }
}

/// Rows that one statement writes.
struct Batch<S, R> {
    /// The statement, where there is anything to write.
    statement: Option<Outgoing<S>>,
    /// The rows.
    rows: R,
    /// How many of them are done with it.
    done: usize,
}

/// Writes the rows of plans.
pub(crate) struct Writer<'a, E: EntityTrait, C> {
    plan: &'a SyncPlan<E>,
    statements: Statements<'a, E>,
    sender: Sender<'a, E, C>,
}

impl<'a, E: EntityTrait, C: ConnectionTrait> Writer<'a, E, C> {
    pub fn new(plan: &'a SyncPlan<E>, db: &'a C) -> Self {
        let dialect = Dialect::of(db.get_database_backend());
        let statements = Statements { dialect, columns: &plan.task.columns };
        Self { plan, statements, sender: Sender::new(statements, db) }
    }

    async fn delete(&self) -> Result<(), SyncError> {
        let stamps = self.plan.task.soft_delete.as_ref().map(|soft| soft.stamped(self.columns()));
        // LIMIT is a parameter on MySQL
        let fixed = stamps.clone().map_or(1, |stamps| self.statements.assign_parameters(stamps));
        let limit = self.list_limit(fixed);
        let mut meter = self.meter(Phase::Deleting, self.plan.deleted.len());
        let deleted = batches(&self.plan.deleted, limit, |_| VALUE_BYTES);
        let rows = |batch: &'a [E::ActiveModel]| batch.iter().map(Row::Active);
        if let Some(stamps) = stamps {
            let statements = deleted.map(|batch| {
                let keys = self.primary_keys(rows(batch));
                let statement = self.statements.assign(stamps.clone(), keys);
                self.batch(statement, rows(batch), batch.len())
            });
            self.execute_each(Action::Delete, statements, &mut meter).await
        } else {
            let statements = deleted.map(|batch| {
                let statement = self.statements.delete(self.primary_keys(rows(batch)));
                self.batch(statement, rows(batch), batch.len())
            });
            self.execute_each(Action::Delete, statements, &mut meter).await
        }
    }

    async fn revive(&self) -> Result<(), SyncError> {
        let Some(soft_delete) = &self.plan.task.soft_delete else { return Ok(()) };
        let revived: Vec<_> = self.plan.updated.iter().filter(|update| update.revived).collect();
        // FALSE is a parameter
        let fixed = self.columns().stamps.len();
        let limit = self.list_limit(fixed);
        let all = self.plan.updated.len();
        let settings = &self.plan.task.settings;
        let mut meter = Meter::resume(settings, Phase::Updating, all - revived.len(), all);
        let statements = batches(&revived, limit, |_| VALUE_BYTES).map(|batch| {
            let rows = || batch.iter().map(|update| Row::Active(&update.current));
            let cleared = soft_delete.cleared(self.columns());
            let statement = self.statements.assign(cleared, self.primary_keys(rows()));
            self.batch(statement, rows(), batch.len())
        });
        self.execute_each(Action::Update, statements, &mut meter).await
    }

    async fn update(&self) -> Result<(), SyncError> {
        let all = 0..self.plan.updated.len();
        let mut meter = self.meter(Phase::Updating, all.len());
        self.update_rows(all, &mut meter).await
    }

    /// Updates these rows of the plan. Those that are revived are done only
    /// when they are.
    async fn update_rows(
        &self,
        indices: impl IntoIterator<Item = usize>,
        meter: &mut Meter,
    ) -> Result<(), SyncError> {
        let columns = self.columns();
        let updates = indices.into_iter().map(|index| &self.plan.updated[index]);
        let changed = updates.filter(|update| {
            !update.changed.is_empty() || (update.revived && !columns.touched.is_empty())
        });
        // a column that a model leaves unset is not written back either
        let settable = |update: &&Update<E>| {
            let all = columns.key.iter().chain(&columns.compared).chain(&columns.touched);
            let mut set = set_positions(columns, all, self.plan.desired.row(update.desired));
            set.retain(|&position| {
                let current = columns.field(position).size(Row::Active(&update.current));
                current <= LONG || self.is_new(update, position)
            });
            set
        };
        for (settable, updates) in group(changed, settable) {
            let limit = self.update_limit(&settable);
            let set = columns_to_set(columns, &settable, &updates);
            let size = |update: &&Update<E>| {
                let size = |&p: &Position| columns.size(&[p], self.new_row(update, p));
                set.iter().map(size).sum()
            };
            let statements = batches(&updates, limit, size).map(|batch| {
                let set = columns_to_set(columns, &settable, batch);
                let rows = batch
                    .iter()
                    .map(|update| (Row::Active(&update.current), self.new_values(update, &set)));
                let (statement, rows) = self.assignment(&set, rows.collect());
                let done = batch.iter().filter(|update| !update.revived).count();
                let batch = self.batch(statement, rows, done);
                Batch { statement: batch.statement.filter(|_| !set.is_empty()), ..batch }
            });
            self.execute_each(Action::Update, statements, meter).await?;
        }
        Ok(())
    }

    /// The values that a row gets in these columns: those of its model where it
    /// differs, else those that it has.
    fn new_values(&self, update: &Update<E>, set: &[Position]) -> Vec<Value> {
        let value = |&position: &Position| {
            self.columns().field(position).value(self.new_row(update, position))
        };
        set.iter().filter_map(value).collect()
    }

    /// Where the value is that a row gets in the column.
    fn new_row<'u>(&'u self, update: &'u Update<E>, position: Position) -> Row<'u, E> {
        if self.is_new(update, position) {
            self.plan.desired.row(update.desired)
        } else {
            Row::Active(&update.current)
        }
    }

    fn is_new(&self, update: &Update<E>, position: Position) -> bool {
        update.changed.contains(&position) || self.columns().touched.contains(&position)
    }

    /// Sets unique values that are in the way of others to values of nobody's.
    /// Returns the columns that have no such values.
    async fn park(
        &self,
        contested: &[(usize, Vec<Position>)],
        value: Park,
    ) -> Result<Vec<Position>, SyncError> {
        let mut without = Vec::new();
        let mut parked = Vec::new();
        for (number, positions) in contested {
            let current = Row::Active(&self.plan.updated[*number].current);
            let (mut set, mut values) = (Vec::new(), Vec::new());
            for &position in positions {
                let field = self.columns().field(position);
                let held = field.value(current);
                if let Some(free) = held.and_then(|held| value(field.is_option(), &held, *number)) {
                    set.push(position);
                    values.push(free);
                } else if !without.contains(&position) {
                    without.push(position);
                }
            }
            parked.extend((!set.is_empty()).then_some((current, set, values)));
        }
        for (set, members) in group(&parked, |(_, set, _)| set.clone()) {
            for batch in members.chunks(self.update_limit(&set)) {
                let row = |(row, _, values): &&(Row<'a, E>, _, Vec<Value>)| (*row, values.clone());
                self.set(&set, batch.iter().map(row).collect()).await?;
            }
        }
        Ok(without)
    }

    /// Updates rows as the values that they want in these columns become free.
    async fn update_in_turns(&self, positions: &[Position]) -> Result<(), SyncError> {
        let mut waiting: Vec<usize> = (0..self.plan.updated.len()).collect();
        let mut parked = Vec::new();
        let mut meter = self.meter(Phase::Updating, waiting.len());
        while !waiting.is_empty() {
            let (free, blocked) = free_and_blocked(self.plan, positions, waiting, &parked);
            if !free.is_empty() {
                self.update_rows(free, &mut meter).await?;
            } else if let Some(&aside) = blocked.iter().find(|index| !parked.contains(index)) {
                let update = &self.plan.updated[aside];
                let changed = |position: &&Position| update.changed.contains(position);
                let set: Vec<Position> = positions.iter().filter(changed).copied().collect();
                let held = self.columns().values(&set, Row::Active(&update.current));
                let values = held.iter().map(Value::dummy_value).collect();
                self.set(&set, vec![(Row::Active(&update.current), values)]).await?;
                parked.push(aside);
            } else {
                // every row stands aside: the database says what is in the way
                return self.update_rows(blocked, &mut meter).await;
            }
            waiting = blocked;
        }
        Ok(())
    }

    /// Runs one UPDATE that gives rows these values.
    pub async fn set(
        &self,
        set: &[Position],
        rows: Vec<(Row<'_, E>, Vec<Value>)>,
    ) -> Result<(), SyncError> {
        let (statement, rows) = self.assignment(set, rows);
        self.execute(Action::Update, Outgoing::Built(statement), rows).await
    }

    /// The UPDATE that gives rows these values, and the rows.
    fn assignment<'u>(
        &self,
        set: &[Position],
        rows: Vec<(Row<'u, E>, Vec<Value>)>,
    ) -> (UpdateStatement, std::vec::IntoIter<Row<'u, E>>) {
        let mut written = Vec::with_capacity(rows.len());
        let rows = rows.into_iter().map(|(current, values_to_set)| {
            written.push(current);
            let mut row = self.columns().primary_key_values(current);
            row.extend(values_to_set);
            row
        });
        let rows = rows.collect();
        (self.statements.update(set, rows), written.into_iter())
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
        let mut meter = self.meter(Phase::Creating, self.plan.created.len());
        for (set, indices) in group(self.plan.created.iter().copied(), insertable) {
            let requested = self.plan.task.settings.batch_size;
            let per_row = self.statements.parameters_per_row(&set);
            let limit = rows_per_insert(self.statements.dialect, requested, per_row);
            let size = |index: &usize| columns.size(&set, desired(index));
            let statements = batches(&indices, limit, size).map(|batch| {
                let rows = batch.iter().map(desired);
                let values = rows.clone().map(|row| columns.values(&set, row)).collect();
                self.batch(self.statements.insert(&set, values), rows, batch.len())
            });
            self.execute_each(Action::Create, statements, &mut meter).await?;
        }
        Ok(())
    }

    fn primary_keys<'r>(&self, rows: impl Iterator<Item = Row<'r, E>>) -> Vec<Vec<Value>> {
        rows.map(|row| self.columns().primary_key_values(row)).collect()
    }

    pub fn update_limit(&self, set: &[Position]) -> usize {
        let (dialect, requested) = (self.statements.dialect, self.plan.task.settings.batch_size);
        rows_per_statement(dialect, requested, 0, self.statements.parameters_per_update(set))
    }

    /// How many rows are listed by their primary keys, beside other parameters.
    fn list_limit(&self, fixed: usize) -> usize {
        let (dialect, requested) = (self.statements.dialect, self.plan.task.settings.batch_size);
        let key = self.columns().primary_key.len().max(1);
        let requested = requested.map(|rows| rows.min(dialect.listed_values / key));
        rows_per_statement(dialect, requested, fixed, key)
    }

    fn columns(&self) -> &'a Columns<E> {
        &self.plan.task.columns
    }

    fn meter(&self, phase: Phase, rows: usize) -> Meter {
        Meter::begin(&self.plan.task.settings, phase, rows)
    }

    fn batch<S: StatementBuilder, R>(&self, statement: S, rows: R, done: usize) -> Batch<S, R> {
        Batch { statement: Some(self.sender.prepare(statement)), rows, done }
    }

    /// Runs the statements of batches. While the database is at work on one, the
    /// next is built.
    async fn execute_each<'r, S: StatementBuilder, R: ExactSizeIterator<Item = Row<'r, E>>>(
        &self,
        action: Action,
        mut batches: impl Iterator<Item = Batch<S, R>>,
        meter: &mut Meter,
    ) -> Result<(), SyncError> {
        let mut next = batches.next();
        while let Some(Batch { statement, rows, done }) = next {
            if let Some(statement) = statement {
                let run = self.execute(action, statement, rows);
                let (ran, following) = join(run, async { batches.next() }).await;
                ran?;
                next = following;
            } else {
                next = batches.next();
            }
            meter.rows(done);
        }
        Ok(())
    }

    /// Runs a statement that must write exactly these rows.
    async fn execute<'r, S: StatementBuilder>(
        &self,
        action: Action,
        statement: Outgoing<S>,
        rows: impl ExactSizeIterator<Item = Row<'r, E>>,
    ) -> Result<(), SyncError> {
        let expected = rows.len() as u64;
        let step = Step::begin(match action {
            Action::Delete => Phase::Deleting,
            Action::Create => Phase::Creating,
            _ => Phase::Updating,
        });
        let executed = self.sender.execute(statement).await;
        if executed.is_ok() {
            step.end_batch(rows.len(), &self.plan.task.trace);
        }
        match executed {
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
            Err(error) => Err(refused(self.plan, action, error, rows)),
        }
    }
}

/// The error of a statement that writes these rows.
pub(crate) fn refused<'r, E: EntityTrait>(
    plan: &SyncPlan<E>,
    action: Action,
    source: DbErr,
    rows: impl Iterator<Item = Row<'r, E>>,
) -> SyncError {
    let Some(constraint) = constraint(&source) else { return plan.task.failed(action, source) };
    let columns = &plan.task.columns;
    SyncError::Constraint {
        table: plan.task.table.clone(),
        action,
        constraint,
        keys: rows.map(|row| row_text(columns, &columns.key, row)).collect(),
        source: Box::new(source),
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

fn set_positions<'p, E: EntityTrait>(
    columns: &Columns<E>,
    positions: impl IntoIterator<Item = &'p Position>,
    row: Row<'_, E>,
) -> Vec<Position> {
    let is_writable = |position: &Position| {
        columns.field(*position).is_set(row) && !columns.is_computed(*position)
    };
    positions.into_iter().copied().filter(is_writable).collect()
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

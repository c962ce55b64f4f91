//! Whether the rows of a plan are still as the plan found them.
//!
//! The rows to update and delete are locked by the look, in the order of their
//! primary keys, so that what it finds holds until the transaction ends.

use std::collections::{HashMap, HashSet};

use futures_util::future::join;
use sea_orm::{
    DbErr, EntityTrait, QueryResult, Value,
    sea_query::{LockType, SelectStatement},
};

use crate::{
    batch::{FEW, rows_per_statement},
    cell::{Cell, RawRow},
    columns::{Columns, Position},
    connection::ReadRows,
    desired::RowList,
    dialect::Dialect,
    error::{Action, SyncError},
    field::Row,
    find::RowLock,
    key_text::row_text,
    plan::SyncPlan,
    progress::{Meter, Phase},
    scope::Scope,
    send::Sender,
    statement::Statements,
    trace::Step,
};

/// Locks the rows to update and delete, and compares them with what was read.
///
/// # Errors
///
/// `StalePlan` naming every row that another transaction has changed meanwhile.
pub(crate) async fn lock_written<E, C>(
    plan: &SyncPlan<E>,
    read: &[Position],
    db: &C,
) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ReadRows,
{
    let rows = plan.updated.len() + plan.deleted.len();
    let mut meter = Meter::begin(&plan.task.settings, Phase::Comparing, rows);
    let rows = Look::new(plan, RowLock::None, db).written_rows(read, &mut meter).await?;
    if rows.is_empty() {
        return Ok(());
    }
    Err(SyncError::StalePlan { table: plan.task.table.clone(), rows })
}

/// Compares the rows of a plan with the table, and takes note of the rows in scope, as
/// rows that the plan does not touch may have come or gone.
///
/// # Errors
///
/// `StalePlan` naming every row that is no longer as the plan has it.
pub(crate) async fn verify<E, C>(
    plan: &mut SyncPlan<E>,
    row_lock: RowLock,
    db: &C,
) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ReadRows,
{
    let look = Look::new(plan, row_lock, db);
    let all: Vec<_> = plan.task.columns.all().collect();
    let rows = plan.updated.len() + plan.deleted.len() + plan.created.len();
    let mut meter = Meter::begin(&plan.task.settings, Phase::Comparing, rows);
    let mut rows = look.written_rows(&all, &mut meter).await?;
    rows.extend(look.appeared_rows(&mut meter).await?);
    if !rows.is_empty() {
        return Err(SyncError::StalePlan { table: plan.task.table.clone(), rows });
    }
    (plan.in_scope, plan.left_alone) = look.in_scope().await?;
    Ok(())
}

struct Look<'a, E: EntityTrait, C> {
    plan: &'a SyncPlan<E>,
    statements: Statements<'a, E>,
    /// Whether rows that are only read are locked by it.
    row_lock: RowLock,
    db: &'a C,
}

impl<'a, E: EntityTrait, C: ReadRows> Look<'a, E, C> {
    fn new(plan: &'a SyncPlan<E>, row_lock: RowLock, db: &'a C) -> Self {
        let dialect = Dialect::of(db.get_database_backend());
        let statements = Statements { dialect, columns: &plan.task.columns };
        Self { plan, statements, row_lock, db }
    }

    fn columns(&self) -> &Columns<E> {
        &self.plan.task.columns
    }

    fn primary_key(&self, row: &E::ActiveModel) -> Vec<Value> {
        self.columns().primary_key_values(Row::Active(row))
    }

    /// The primary keys of the rows to update and to delete.
    fn planned_keys(&self) -> HashSet<Vec<Value>> {
        let updated = self.plan.updated.iter().map(|update| &update.current);
        updated.chain(&self.plan.deleted).map(|row| self.primary_key(row)).collect()
    }

    /// The rows to update or delete that have changed, are gone or out of scope.
    async fn written_rows(
        &self,
        read: &[Position],
        meter: &mut Meter,
    ) -> Result<Vec<String>, SyncError> {
        let columns = self.columns();
        let primary_key = &columns.primary_key;
        let updated = self.plan.updated.iter().map(|update| &update.current);
        let mut planned: Vec<&E::ActiveModel> = updated.chain(&self.plan.deleted).collect();
        planned.sort_by(|l, r| columns.compare(primary_key, Row::Active(*l), Row::Active(*r)));
        let mut stale: Vec<String> = Vec::new();
        let sender = Sender::new(self.statements, self.db);
        let mut batches = planned
            .chunks(self.limit(primary_key))
            .map(|batch| (batch, sender.prepare(self.locking_select(read, batch))));
        let mut next = batches.next();
        let mut looked_at: Option<(_, Vec<QueryResult>)> = None;
        while let Some((batch, select)) = next {
            let step = Step::begin(Phase::Comparing);
            // while the database is at work, the rows before are compared
            let meanwhile = async {
                let changed =
                    looked_at.take().map(|(batch, rows)| self.changed(read, batch, &rows));
                (changed.transpose(), batches.next())
            };
            let (rows, (changed, following)) = join(sender.query_all(select), meanwhile).await;
            looked_at = Some((batch, rows.map_err(|source| self.failed(source))?));
            stale.extend(changed?.into_iter().flatten());
            next = following;
            step.end(batch.len());
            meter.rows(batch.len());
        }
        if let Some((batch, rows)) = looked_at {
            stale.extend(self.changed(read, batch, &rows)?);
        }
        Ok(stale)
    }

    /// Reads rows by their primary keys, in the order of these, and locks them.
    fn locking_select(&self, read: &[Position], planned: &[&E::ActiveModel]) -> SelectStatement {
        let columns = self.columns();
        let keys = planned.iter().map(|row| columns.primary_key_values(Row::Active(*row)));
        let mut select = self.select(&columns.primary_key, keys.collect(), read);
        self.statements.order_by_primary_key(&mut select);
        let updates_only = self.plan.deleted.is_empty();
        let lock =
            if updates_only { self.statements.dialect.update_lock } else { LockType::Update };
        select.lock(lock).take()
    }

    /// The planned rows that are not as they were.
    fn changed(
        &self,
        read: &[Position],
        planned: &[&E::ActiveModel],
        rows: &[QueryResult],
    ) -> Result<Vec<String>, SyncError> {
        if self.are_as_planned(read, planned, rows) {
            return Ok(Vec::new());
        }
        Ok(self.changed_rows(read, planned, &self.decode(rows, read)?))
    }

    /// The planned rows that are not among those read, or not as they were.
    fn changed_rows(
        &self,
        read: &[Position],
        planned: &[&E::ActiveModel],
        rows: &[E::ActiveModel],
    ) -> Vec<String> {
        let mut current: HashMap<_, Vec<_>> = HashMap::with_capacity(rows.len());
        for row in rows {
            current.entry(self.primary_key(row)).or_default().push(row);
        }
        let changed = planned.iter().filter_map(|planned| {
            let became = match current.get(&self.primary_key(planned)).map(Vec::as_slice) {
                None | Some([]) => "is gone",
                Some([current]) if self.is_same(read, planned, current) => return None,
                Some([_]) => "has changed",
                Some(_) => "has a primary key that other rows have, too",
            };
            Some(format!("{} {became}", self.key_text(Row::Active(*planned))))
        });
        changed.collect()
    }

    /// Whether the rows are known to be the planned ones, in the same order, and
    /// as they were, without decoding them.
    fn are_as_planned(
        &self,
        read: &[Position],
        planned: &[&E::ActiveModel],
        rows: &[QueryResult],
    ) -> bool {
        let is_as_planned = |(planned, result): (&&E::ActiveModel, &QueryResult)| {
            let planned = Row::Active(*planned);
            let row = RawRow { result, is_first: true };
            read.iter().enumerate().all(|(index, &position)| {
                let field = self.columns().field(position);
                !field.is_set(planned)
                    || field.stored_cell(Cell::new(row, index, field.name()), planned) == Some(true)
            })
        };
        planned.len() == rows.len() && planned.iter().zip(rows).all(is_as_planned)
    }

    /// The rows in scope that have a key of a row to create, and others than
    /// the planned ones that have a key of a row to update.
    async fn appeared_rows(&self, meter: &mut Meter) -> Result<Vec<String>, SyncError> {
        let key = &self.columns().key;
        let mut appeared = Vec::new();
        for batch in self.plan.created.chunks(self.limit(key)) {
            let rows = batch.iter().map(|&index| self.plan.desired.row(index));
            let keys = rows.map(|row| self.columns().values(key, row)).collect();
            let mut select = self.select(key, keys, key);
            self.row_lock.apply(&mut select);
            let rows = self.fetch(&select, key).await?;
            let text = |row| format!("{} has appeared", self.key_text(Row::Active(row)));
            appeared.extend(rows.iter().map(text));
            meter.rows(batch.len());
        }
        appeared.extend(self.repeating_rows().await?);
        Ok(appeared)
    }

    async fn repeating_rows(&self) -> Result<Vec<String>, SyncError> {
        let (columns, settings) = (self.columns(), &self.plan.task.settings);
        if settings.skip_deletes && settings.delete_duplicates {
            return Ok(Vec::new());
        }
        let planned = self.planned_keys();
        let positions = [&columns.key[..], &columns.primary_key].concat();
        let live = self.statements.select(&self.plan.task.live_scope(), &positions);
        let mut repeating = Vec::new();
        for batch in self.plan.updated.chunks(self.limit(&columns.key)) {
            let current = batch.iter().map(|update| Row::Active(&update.current));
            let keys = current.map(|row| columns.key_values(row)).collect();
            let mut select = live.clone();
            select.cond_where(self.statements.among(&columns.key, keys));
            self.row_lock.apply(&mut select);
            let rows = self.fetch(&select, &positions).await?;
            let others = rows.iter().filter(|row| !planned.contains(&self.primary_key(row)));
            let text = |row| format!("{} has appeared", self.key_text(Row::Active(row)));
            repeating.extend(others.map(text));
        }
        Ok(repeating)
    }

    /// The number of rows in scope, and the primary keys of those that the plan does not
    /// write, where rows that it writes can take them out of the scope.
    async fn in_scope(&self) -> Result<(u64, Vec<E::ActiveModel>), SyncError> {
        let scope = self.plan.task.live_scope();
        // where nothing is deleted, what rows without a model do does not matter
        let can_take_others = scope.has_subquery(self.statements.dialect.backend);
        if self.plan.task.settings.skip_deletes || !can_take_others {
            return Ok((self.count_in_scope(&scope).await?, Vec::new()));
        }
        let primary_key = &self.columns().primary_key;
        let mut select = self.statements.select(&scope, primary_key);
        self.row_lock.apply(&mut select);
        let mut rows = self.fetch(&select, primary_key).await?;
        let count = rows.len() as u64;
        let planned = self.planned_keys();
        rows.retain(|row| !planned.contains(&self.primary_key(row)));
        Ok((count, rows))
    }

    async fn count_in_scope(&self, scope: &Scope) -> Result<u64, SyncError> {
        let mut count = self.statements.count(scope);
        self.row_lock.apply(&mut count);
        let row = self.db.query_one(&count).await.map_err(|source| self.failed(source))?;
        let counted = row.map(|row| row.try_get_by_index::<i64>(0)).transpose();
        Ok(counted.map_err(|source| self.failed(source))?.unwrap_or_default().unsigned_abs())
    }

    fn failed(&self, source: DbErr) -> SyncError {
        self.plan.task.failed(Action::Read, source)
    }

    /// Whether the row is the same in every column that was read of it and that
    /// the plan has: as it is stored, whatever else a call holds the same.
    fn is_same(
        &self,
        read: &[Position],
        planned: &E::ActiveModel,
        current: &E::ActiveModel,
    ) -> bool {
        let (planned, current) = (Row::Active(planned), Row::Active(current));
        read.iter()
            .map(|&position| self.columns().field(position))
            .all(|field| !field.is_set(planned) || field.value(planned) == field.value(current))
    }

    fn select(
        &self,
        by: &[Position],
        keys: Vec<Vec<Value>>,
        positions: &[Position],
    ) -> SelectStatement {
        self.statements
            .select(&self.plan.task.scope, positions)
            .cond_where(self.statements.among(by, keys))
            .to_owned()
    }

    async fn fetch(
        &self,
        select: &SelectStatement,
        positions: &[Position],
    ) -> Result<Vec<E::ActiveModel>, SyncError> {
        let rows = self.db.query_all(select).await.map_err(|source| self.failed(source))?;
        self.decode(&rows, positions)
    }

    fn decode(
        &self,
        rows: &[QueryResult],
        positions: &[Position],
    ) -> Result<Vec<E::ActiveModel>, SyncError> {
        self.columns().read_all(positions, rows).map_err(|source| self.failed(source))
    }

    fn limit(&self, key: &[Position]) -> usize {
        let fixed = self.statements.count(&self.plan.task.live_scope());
        let fixed = self.statements.parameters(&fixed);
        let dialect = self.statements.dialect;
        rows_per_statement(dialect, Some(FEW), fixed, key.len())
    }

    fn key_text(&self, row: Row<'_, E>) -> String {
        row_text(self.columns(), &self.columns().key, row)
    }
}

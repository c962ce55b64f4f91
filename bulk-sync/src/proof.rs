//! Proves, inside the transaction, that the rows in scope are the models given.
//!
//! Whether a row meets a condition is the database's to say: the proof asks
//! it, once, and only when something was written. Where membership depends on
//! the row alone, only the written rows can have left the scope or entered it,
//! so counting is enough. A condition with a subquery can move any row, so
//! there the rows in scope are compared again.
//!
//! Where other transactions can commit in between, a count that does not match
//! may be their doing: the rows are compared again, too, and where those
//! written are as they should be, the call is tried again.

use std::collections::HashSet;

use sea_orm::{ActiveModelTrait, DbErr, EntityTrait, sea_query::LockType};

use crate::{
    batch::{FEW, few, fit, rows_per_statement},
    desired::RowList,
    dialect::{Dialect, ScopeLock},
    error::{Action, InputFault, SyncError},
    field::Row,
    find::{Reading, read},
    judge::Judge,
    key_text::row_text,
    lock::Locked,
    plan::{SyncPlan, Update},
    progress::{Meter, Phase},
    reader::Reader,
    scope::Scope,
    statement::Statements,
    trace::Step,
    tries::Tries,
};

/// Proves the scope after the plan was written.
///
/// # Errors
///
/// `OutOfScope` with the rows that are in scope or out of it against the
/// models; `StalePlan` where another transaction may have moved them.
pub(crate) async fn prove<E: EntityTrait>(
    plan: &SyncPlan<E>,
    locked: Locked,
    tries: &Tries,
    db: &dyn Reader,
) -> Result<(), SyncError> {
    if plan.is_empty() {
        return Ok(());
    }
    let rows = plan.created.len() + plan.updated.len() + plan.deleted.len();
    let proving = Meter::begin(&plan.task.settings, Phase::Proving, rows);
    let step = Step::begin(Phase::Proving);
    let scope = plan.task.live_scope();
    let dialect = Dialect::of(db.get_database_backend());
    let statements = Statements { dialect, columns: &plan.task.columns };
    let has_subquery = scope.has_subquery(dialect.backend);
    let proof = Proof { plan, statements, db, scope: &scope, locked, tries, has_subquery };
    proof.wait_for_first_rows().await?;
    if !proof.count_matches().await? {
        proof.compare_again().await?;
        proof.find_equal_keys().await?;
    }
    step.end(rows);
    proving.end();
    Ok(())
}

struct Proof<'a, E: EntityTrait> {
    plan: &'a SyncPlan<E>,
    statements: Statements<'a, E>,
    db: &'a dyn Reader,
    scope: &'a Scope,
    locked: Locked,
    tries: &'a Tries,
    has_subquery: bool,
}

impl<E: EntityTrait> Proof<'_, E> {
    /// Whether a created row may have a key that the database holds equal to another's.
    fn may_have_equal_keys(&self) -> bool {
        self.statements.dialect.loose_text
            && !self.plan.created.is_empty()
            && self.plan.task.columns.may_have_equal_keys()
    }

    /// Whether rows with the key of one that is written can be in scope beside it.
    fn leaves_repeated(&self) -> bool {
        let settings = &self.plan.task.settings;
        settings.skip_deletes && settings.delete_duplicates
    }

    /// Where no row met the condition of a wider lock, waits for those who insert
    /// some at the same time, and locks all that do: who comes later takes one of
    /// them for the first.
    async fn wait_for_first_rows(&self) -> Result<(), SyncError> {
        let wider = &self.plan.task.settings.scope_lock;
        if let (Locked::NoRow, Some(wider)) = (self.locked, wider) {
            let mut count = self.statements.count(wider);
            count.lock(LockType::Update);
            self.db.query_one(&count).await.map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    /// Whether the written rows are in scope, each with a key of its own; `false`
    /// where a count cannot tell. They are counted; all rows in scope are where many
    /// were written, and where rows were deleted, as those can take others along.
    async fn count_matches(&self) -> Result<bool, SyncError> {
        let columns = &self.plan.task.columns;
        let dialect = self.statements.dialect;
        let written: Vec<usize> = self.plan.written().collect();
        let mut count = self.statements.count(self.scope);
        let fixed = self.statements.parameters(&count);
        let few = few(dialect, fixed, columns.key.len());
        let may_have_equal_keys = self.may_have_equal_keys();
        // these would be counted in place of others; and a subquery can select others now
        let tells = !(self.has_subquery || self.leaves_repeated());
        let waits = self.locked != Locked::Scope;
        if waits {
            // for those who insert into the empty scope at the same time, and counts
            // what is there now
            count.lock(LockType::Update);
        } else if !tells {
            return Ok(false);
        }
        // how many there should be is known where all were read
        let read_all = self.plan.read_all;
        let counts_all = read_all && (waits || !self.plan.deleted.is_empty());
        if self.scope.condition().is_none() && !waits && !counts_all && !may_have_equal_keys {
            return Ok(true);
        }
        let rows = written.iter().map(|&index| self.plan.desired.row(index));
        let are_few = !counts_all
            && written.len() <= few
            && fit(rows.clone().map(|row| columns.size(&columns.key, row)));
        let expected = if are_few {
            let keys = rows.map(|row| columns.key_values(row)).collect();
            count.cond_where(self.statements.among(&columns.key, keys));
            Some(written.len() as u64)
        } else {
            read_all.then(|| self.plan.expected_in_scope())
        };
        if may_have_equal_keys {
            count = self.statements.count_keys(count);
        }
        let row = self.db.query_one(&count).await.map_err(|source| self.failed(source))?;
        let number = |index| {
            let number = row.as_ref().map(|row| row.try_get_by_index::<Option<i64>>(index));
            let number = number.transpose().map_err(|source| self.failed(source))?;
            Ok::<_, SyncError>(number.flatten().unwrap_or_default().unsigned_abs())
        };
        let rows = number(0)?;
        Ok(tells && Some(rows) == expected && (!may_have_equal_keys || number(1)? == rows))
    }

    /// Names the keys of created rows that the database holds equal to others.
    async fn find_equal_keys(&self) -> Result<(), SyncError> {
        if !self.may_have_equal_keys() {
            return Ok(());
        }
        let columns = &self.plan.task.columns;
        let mut repeated = self.statements.select_repeated_keys(self.scope);
        self.locked.row_lock().apply(&mut repeated);
        let fixed = self.statements.parameters(&repeated);
        let few = rows_per_statement(self.statements.dialect, Some(FEW), fixed, columns.key.len());
        let mut faults = Vec::new();
        let mut current = <E::ActiveModel as ActiveModelTrait>::default();
        for created in self.plan.created.chunks(few) {
            let rows = created.iter().map(|&index| self.plan.desired.row(index));
            let keys = rows.map(|row| columns.key_values(row)).collect();
            let mut select = repeated.clone();
            select.cond_where(self.statements.among(&columns.key, keys));
            let rows = self.db.query_all(&select).await.map_err(|source| self.failed(source))?;
            for row in rows {
                let read = columns.read(&columns.key, &row, &mut current);
                read.map_err(|source| self.failed(source))?;
                let key = row_text(columns, &columns.key, Row::Active(&current));
                faults.push(InputFault::EqualKeys { key });
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(SyncError::InvalidInput { table: self.plan.task.table.clone(), faults })
    }

    /// Compares the rows in scope once more, and names the models that are not
    /// among them, or tells that rows have moved that were not written.
    async fn compare_again(&self) -> Result<(), SyncError> {
        let (task, plan) = (&self.plan.task, self.plan);
        let (desired, index) = (&plan.desired, &plan.index);
        let row_lock = self.locked.row_lock();
        let reading = Reading::NeededColumns;
        let found = read(task, desired, index, self.db, reading, row_lock, Meter::silent()).await;
        let mut found = match found {
            Err(SyncError::DuplicateRows { keys, .. }) => return Err(self.moved(keys)),
            found => found?,
        };
        let judge = Judge::new(task, row_lock, self.db);
        judge.match_loose_keys(desired, index, &mut found, Reading::NeededColumns).await?;
        judge.settle_updates(desired, &mut found).await?;
        let keys = |indices: Vec<usize>| {
            let rows = indices.into_iter().map(|index| desired.row(index));
            rows.map(|row| row_text(&task.columns, &task.columns.key, row)).collect()
        };
        // keys that no row had, and more than one has now
        let created: HashSet<usize> = plan.created.iter().copied().collect();
        let repeated = found.repeated.iter().map(Row::Active);
        let repeated = repeated.filter_map(|row| index.find(&task.columns, desired, row));
        let repeated: Vec<usize> = repeated.filter(|index| created.contains(index)).collect();
        if !repeated.is_empty() {
            return Err(self.moved(keys(repeated)));
        }
        let written: HashSet<usize> = plan.written().collect();
        let settings = &task.settings;
        let created = found.created.iter().copied();
        let created = created.filter(|index| !settings.skip_creates || written.contains(index));
        let updated = found.updated.iter().map(|update| update.desired);
        let updated = updated.filter(|index| !settings.skip_updates || written.contains(index));
        let differing = created.chain(updated);
        let (ours, others): (Vec<_>, Vec<_>) = differing.partition(|index| written.contains(index));
        if !ours.is_empty() {
            return Err(SyncError::OutOfScope { table: task.table.clone(), keys: keys(ours) });
        }
        if self.leaves_repeated() {
            // others in scope can equal their models
            let primary_key = &task.columns.primary_key;
            let keeps_it =
                |update: &&Update<E>| !update.changed.iter().any(|at| primary_key.contains(at));
            let updated = plan.updated.iter().filter(keeps_it).map(|update| &update.current);
            let keys = self.not_in_scope(updated.collect()).await?;
            if !keys.is_empty() {
                return Err(SyncError::OutOfScope { table: task.table.clone(), keys });
            }
        }
        if !others.is_empty() && plan.has_unchanged {
            return Err(self.moved(keys(others)));
        }
        let expected = plan.expected_in_scope();
        if plan.read_all && found.read_all && found.read != expected {
            let moved = format!(
                "{} rows would be in scope, not {expected}: rows have moved that the sync did not \
                 write",
                found.read
            );
            return Err(self.moved(vec![moved]));
        }
        let left = self.not_in_scope(plan.left_alone.iter().collect()).await?;
        if left.is_empty() { Ok(()) } else { Err(self.moved(left)) }
    }

    /// Those of the rows that are not in scope, by their primary keys.
    async fn not_in_scope(&self, rows: Vec<&E::ActiveModel>) -> Result<Vec<String>, SyncError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let columns = &self.plan.task.columns;
        let key = |row: &E::ActiveModel| columns.primary_key_values(Row::Active(row));
        let mut select = self.statements.select(self.scope, &columns.primary_key);
        self.locked.row_lock().apply(&mut select);
        let in_scope = self.db.query_all(&select).await.map_err(|source| self.failed(source))?;
        let in_scope = columns.read_all(&columns.primary_key, &in_scope);
        let in_scope = in_scope.map_err(|source| self.failed(source))?;
        let in_scope: HashSet<_> = in_scope.iter().map(key).collect();
        let missing = rows.into_iter().filter(|row| !in_scope.contains(&key(row)));
        let text = |row| row_text(columns, &columns.primary_key, Row::Active(row));
        Ok(missing.map(text).collect())
    }

    /// Rows have moved that the sync did not write: because of others that it
    /// did write, or at the hands of another transaction. Others can have filled a
    /// scope that has no row to lock, whatever its condition; where it is empty again
    /// in the next try, they had not.
    fn moved(&self, rows: Vec<String>) -> SyncError {
        let table = self.plan.task.table.clone();
        let others_commit = self.statements.dialect.scope_lock != ScopeLock::Database;
        let may_be_filled = self.locked == Locked::NoRow && self.tries.is_first();
        if others_commit && (!self.has_subquery || may_be_filled) {
            SyncError::StalePlan { table, rows }
        } else {
            SyncError::OutOfScope { table, keys: rows }
        }
    }

    fn failed(&self, source: DbErr) -> SyncError {
        self.plan.task.failed(Action::Prove, source)
    }
}

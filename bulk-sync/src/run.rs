//! The thin layer that awaits. What to do is decided by the planner, what to
//! say to the database by the statements.

use futures_util::TryStreamExt;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbBackend, EntityTrait, TransactionSession, TransactionTrait,
    TryIntoModel,
    sea_query::{Order, SelectStatement},
};

use crate::{
    SyncResult, SyncReturning,
    batch::few,
    check::{check_to_write, reindex},
    columns::Position,
    connection::{ReadRows, SyncConnection},
    desired::{Desired, RowList},
    dialect::Dialect,
    error::{Action, SyncError},
    explain::explain,
    guard::guard,
    hook::{ChangeHook, NoHook, OnChange},
    judge::Judge,
    key_index::KeyIndex,
    plan::{SyncPlan, Task},
    planner::{Found, Planner},
    proof::prove,
    returning::{read_created, read_updated},
    stale::verify,
    statement::Statements,
    write::write,
};

/// A call with faultless input.
pub(crate) struct Checked<E: EntityTrait> {
    pub task: Task<E>,
    pub desired: Desired<E>,
    pub index: KeyIndex,
}

/// How much of the rows in scope is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The columns that decide what to do.
    NeededColumns,
    /// The same, until something is found to do.
    FirstDifference,
    /// All columns, so that deleted rows can be shown.
    WholeRows,
}

/// Reads the rows in scope and compares them with the models.
pub(crate) async fn plan<E, C>(
    checked: Checked<E>,
    db: &C,
    reading: Reading,
) -> Result<SyncPlan<E>, SyncError>
where
    E: EntityTrait,
    C: ReadRows,
{
    let Checked { task, mut desired, mut index } = checked;
    let judge = Judge::new(&task, db);
    if judge.round_keys(&mut desired).await? {
        (desired, index) = reindex(&task, desired)?;
    }
    let mut found = read(&task, &desired, &index, db, reading).await?;
    if judge.learn(&mut desired, &found).await? {
        (desired, index) = reindex(&task, desired)?;
        found = read(&task, &desired, &index, db, reading).await?;
    }
    if !found.is_partial {
        let updated = found.updated.iter().map(|update| update.desired);
        let written = found.created.iter().copied().chain(updated);
        check_to_write(&task.columns, &desired, written, db.get_database_backend())?;
        judge.match_loose_keys(&desired, &index, &mut found, reading).await?;
        judge.settle_updates(&desired, &mut found).await?;
    }
    Ok(SyncPlan::new(task, desired, found))
}

/// Shows the planner the rows in scope.
pub(crate) async fn read<E, C>(
    task: &Task<E>,
    desired: &Desired<E>,
    index: &KeyIndex,
    db: &C,
    reading: Reading,
) -> Result<Found<E>, SyncError>
where
    E: EntityTrait,
    C: ReadRows,
{
    let columns = &task.columns;
    let positions = match reading {
        Reading::NeededColumns | Reading::FirstDifference => columns.needed(),
        Reading::WholeRows => columns.all().collect(),
    };
    let (select, read_all) = select_current(task, desired, &positions, db.get_database_backend());
    let failed = |source| task.failed(Action::Read, source);
    let mut planner = Planner::new(task, desired, index);
    let mut current = <E::ActiveModel as ActiveModelTrait>::default();
    let mut is_partial = false;
    let mut rows = db.rows(&select).await.map_err(failed)?;
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        columns.read(&positions, &row, &mut current).map_err(failed)?;
        planner.observe(&mut current);
        if reading == Reading::FirstDifference && planner.found_difference() {
            is_partial = true;
            break;
        }
    }
    Ok(Found { read_all, is_partial, ..planner.finish()? })
}

/// The rows to compare with the models, and whether they are all that are in
/// scope: when nothing is deleted, a few models are looked up by their keys.
fn select_current<E: EntityTrait>(
    task: &Task<E>,
    desired: &Desired<E>,
    positions: &[Position],
    backend: DbBackend,
) -> (SelectStatement, bool) {
    let statements = Statements { dialect: Dialect::of(backend), columns: &task.columns };
    let key = &task.columns.key;
    let mut select = statements.select(&task.scope, positions);
    let fixed = statements.parameters(&select);
    let few = few(statements.dialect, fixed, key.len());
    let by_key = task.settings.skip_deletes && desired.len() <= few;
    if by_key {
        let keys = desired.rows().map(|row| task.columns.values(key, row)).collect();
        select.cond_where(statements.among(key, keys));
    }
    if task.settings.delete_duplicates || task.soft_delete.is_some() {
        for &position in &task.columns.primary_key {
            select.order_by(task.columns.field(position).column().as_column_ref(), Order::Asc);
        }
    }
    (select, !by_key)
}

/// Makes the plan and carries it out in a transaction.
pub(crate) async fn exec<E, C, H>(
    checked: Checked<E>,
    hook: H,
    db: &C,
) -> Result<SyncResult, SyncError>
where
    E: EntityTrait,
    C: SyncConnection,
    H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
{
    let reading = if H::IS_SET { Reading::WholeRows } else { Reading::NeededColumns };
    let (plan, transaction) = begin(checked, db, reading).await?;
    let done = carry_out(&plan, hook, &transaction).await;
    finish(&plan, db, transaction, done).await?;
    Ok(plan.summary())
}

/// As [`exec`], and reads back what was written.
pub(crate) async fn exec_with_returning<E, C, H>(
    checked: Checked<E>,
    hook: H,
    db: &C,
) -> Result<SyncReturning<E::Model>, SyncError>
where
    E: EntityTrait,
    E::ActiveModel: TryIntoModel<E::Model>,
    C: SyncConnection,
    H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
{
    let (plan, transaction) = begin(checked, db, Reading::WholeRows).await?;
    let done = async {
        carry_out(&plan, hook, &transaction).await?;
        let deleted = plan.deleted.iter().map(|row| row.clone().try_into_model());
        Ok(SyncReturning {
            result: plan.summary(),
            created: read_created(&plan, &transaction).await?,
            updated: read_updated(&plan, &transaction).await?,
            deleted: deleted.collect::<Result<_, _>>()?,
        })
    };
    let done = done.await;
    finish(&plan, db, transaction, done).await
}

async fn apply<E, C, H>(mut plan: SyncPlan<E>, hook: H, db: &C) -> Result<SyncResult, SyncError>
where
    E: EntityTrait,
    C: SyncConnection,
    H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
{
    let backend = db.get_database_backend();
    check_to_write(&plan.task.columns, &plan.desired, plan.written(), backend)?;
    let transaction = db.begin().await?;
    let done = async {
        plan.in_scope = verify(&plan, &transaction).await?;
        carry_out(&plan, hook, &transaction).await
    };
    let done = done.await;
    finish(&plan, db, transaction, done).await?;
    Ok(plan.summary())
}

/// Begins a transaction and makes the plan in it.
async fn begin<E, C>(
    checked: Checked<E>,
    db: &C,
    reading: Reading,
) -> Result<(SyncPlan<E>, <C as TransactionTrait>::Transaction), SyncError>
where
    E: EntityTrait,
    C: SyncConnection,
{
    let transaction = db.begin().await?;
    match plan(checked, &transaction, reading).await {
        Ok(plan) if reading == Reading::WholeRows => Ok((plan.sorted(), transaction)),
        Ok(plan) => Ok((plan, transaction)),
        Err(error) => Err(roll_back(transaction, error).await),
    }
}

/// Guards, writes, proves, and asks the hook; the transaction stays open.
async fn carry_out<E, T, H>(plan: &SyncPlan<E>, hook: H, transaction: &T) -> Result<(), SyncError>
where
    E: EntityTrait,
    T: ReadRows + TransactionTrait,
    H: ChangeHook<E, T>,
{
    guard(plan)?;
    write(plan, transaction).await?;
    prove(plan, transaction).await?;
    if !plan.is_empty() {
        hook.call(plan, transaction)
            .await
            .map_err(|source| SyncError::Refused { table: plan.task.table.clone(), source })?;
    }
    Ok(())
}

/// Commits what was done, or rolls it back.
async fn finish<E, C, R>(
    plan: &SyncPlan<E>,
    db: &C,
    transaction: <C as TransactionTrait>::Transaction,
    done: Result<R, SyncError>,
) -> Result<R, SyncError>
where
    E: EntityTrait,
    C: SyncConnection,
{
    match done {
        Ok(value) => {
            transaction.commit().await?;
            Ok(value)
        }
        Err(error) => {
            let error = roll_back(transaction, error).await;
            Err(explain(plan, db, error).await)
        }
    }
}

/// Rolls back and gives the error back: what went wrong first is what the
/// caller has to know, and a connection that cannot roll back is closed, which
/// rolls back too.
async fn roll_back<T: TransactionSession>(transaction: T, error: SyncError) -> SyncError {
    let _ = transaction.rollback().await;
    error
}

impl<E: EntityTrait> SyncPlan<E> {
    /// Whether the guards of the call let this plan through;
    /// [`apply`](Self::apply) asks the same.
    ///
    /// # Errors
    ///
    /// `EmptyInput`, `TooManyDeletes`, `TooManyUpdates`.
    pub fn guard(&self) -> Result<(), SyncError> {
        guard(self)
    }

    /// Does exactly what the plan says, all or nothing.
    ///
    /// On a pool it is a transaction of its own; on an open transaction it is
    /// a savepoint in it.
    ///
    /// # Errors
    ///
    /// `StalePlan` where a row that the plan would update or delete has
    /// changed, is gone or has left the scope, or where a row with a key that
    /// it would create has appeared; and any other [`SyncError`]. The table is
    /// as it was.
    pub async fn apply<C: SyncConnection>(self, db: &C) -> Result<SyncResult, SyncError> {
        apply(self, NoHook, db).await
    }

    /// The plan with a hook, as [`BulkSync::on_change`](crate::BulkSync::on_change).
    pub fn on_change<F>(self, hook: F) -> HookedPlan<E, F> {
        HookedPlan { plan: self, hook: OnChange(hook) }
    }
}

/// A plan with a hook; made by [`SyncPlan::on_change`].
#[must_use = "a plan does nothing until it is applied"]
#[derive(Debug)]
pub struct HookedPlan<E: EntityTrait, F> {
    plan: SyncPlan<E>,
    hook: OnChange<F>,
}

impl<E: EntityTrait, F> HookedPlan<E, F> {
    /// As [`SyncPlan::apply`].
    ///
    /// # Errors
    ///
    /// Those of [`SyncPlan::apply`], and `Refused` where the hook refuses.
    pub async fn apply<C>(self, db: &C) -> Result<SyncResult, SyncError>
    where
        C: SyncConnection,
        OnChange<F>: ChangeHook<E, <C as TransactionTrait>::Transaction>,
    {
        apply(self.plan, self.hook, db).await
    }
}

//! The thin layer that awaits: tries, transactions, and what comes in which
//! order. What to do is decided by the planner, what to say to the database by
//! the statements.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sea_orm::{
    DbErr, EntityTrait, IsolationLevel, SqliteTransactionMode, TransactionOptions,
    TransactionSession, TransactionTrait, TryIntoModel,
};
use tracing::Instrument;

use crate::{
    SyncResult, SyncReturning,
    check::{check_isolation, check_plan},
    connection::{ReadRows, SyncConnection},
    desired::{Desired, RowList},
    dialect::{Dialect, ScopeLock},
    error::{Action, SyncError},
    explain::explain,
    find::{Reading, RowLock, find, look},
    guard::guard,
    hook::{ChangeHook, NoHook, OnChange},
    key_index::KeyIndex,
    lock::{Locked, lock_scope},
    plan::{SyncPlan, Task},
    planner::Found,
    progress::{OnProgress, Progress},
    proof::prove,
    returning::{read_created, read_updated},
    stale::{lock_written, verify},
    timer::{Timer, timeout},
    trace::Trace,
    transient::is_answer,
    tries::Tries,
    unheard::unless_rolled_back,
    write::write,
};

/// A call with faultless input.
pub(crate) struct Checked<E: EntityTrait> {
    pub task: Task<E>,
    pub desired: Desired<E>,
    pub index: KeyIndex,
}

/// Reads the rows in scope and compares them with the models.
pub(crate) async fn plan<E, C>(
    mut checked: Checked<E>,
    db: &C,
    reading: Reading,
) -> Result<SyncPlan<E>, SyncError>
where
    E: EntityTrait,
    C: ReadRows,
{
    let limit = Limit::new(&checked.task);
    let call = if reading == Reading::WholeRows { "compare" } else { "check" };
    let trace = Trace::begin(call, &checked.task, db.get_database_backend(), checked.desired.len());
    let call = async {
        let mut tries = Tries::new(&checked.task, db.is_transaction());
        loop {
            trace.try_begins();
            match find(&mut checked, db, reading, RowLock::None).await {
                Ok(found) => return Ok(SyncPlan::new(checked, found)),
                // rows have appeared between two statements
                Err(error @ SyncError::StalePlan { .. }) => tries.again(error).await?,
                Err(error) => return Err(error),
            }
        }
    };
    let done = limit.keep(call, &AtomicBool::new(false)).instrument(trace.span()).await;
    // a check does not count what comes after the first difference
    let counts = |plan: &SyncPlan<E>| {
        (trace.is_on() && reading == Reading::WholeRows).then(|| plan.summary())
    };
    trace.end(done.as_ref().map(counts));
    done
}

/// What a call gives back.
pub(crate) trait Report<E: EntityTrait>: Sized {
    /// What has to be read for it.
    const READING: Reading;

    /// The counts in it.
    fn counts(&self) -> &SyncResult;

    /// Reads it, before the commit.
    fn read<T: ReadRows>(
        plan: &SyncPlan<E>,
        transaction: &T,
    ) -> impl Future<Output = Result<Self, SyncError>>;
}

impl<E: EntityTrait> Report<E> for SyncResult {
    const READING: Reading = Reading::NeededColumns;

    fn counts(&self) -> &SyncResult {
        self
    }

    async fn read<T: ReadRows>(plan: &SyncPlan<E>, _: &T) -> Result<Self, SyncError> {
        Ok(plan.summary())
    }
}

impl<E: EntityTrait> Report<E> for SyncReturning<E::Model>
where
    E::ActiveModel: TryIntoModel<E::Model>,
{
    const READING: Reading = Reading::WholeRows;

    fn counts(&self) -> &SyncResult {
        &self.result
    }

    async fn read<T: ReadRows>(plan: &SyncPlan<E>, transaction: &T) -> Result<Self, SyncError> {
        let deleted = plan.deleted.iter().map(|row| row.clone().try_into_model());
        Ok(Self {
            result: plan.summary(),
            created: read_created(plan, transaction).await?,
            updated: read_updated(plan, transaction).await?,
            deleted: deleted.collect::<Result<_, _>>()?,
        })
    }
}

/// Makes the plan and carries it out in a transaction; again and again while
/// other transactions are in the way.
pub(crate) async fn exec<E, C, H, R>(
    mut checked: Checked<E>,
    hook: &H,
    db: &C,
) -> Result<R, SyncError>
where
    E: EntityTrait,
    C: SyncConnection,
    H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
    R: Report<E>,
{
    check_isolation(&checked.task, db)?;
    let reading = if H::IS_SET { Reading::WholeRows } else { R::READING };
    let limit = Limit::new(&checked.task);
    let trace =
        Trace::begin("exec", &checked.task, db.get_database_backend(), checked.desired.len());
    checked.task.trace = trace.clone();
    let is_committing = AtomicBool::new(false);
    let tries = async {
        let mut tries = Tries::new(&checked.task, db.is_transaction());
        loop {
            trace.try_begins();
            let call = Call { db, hook, reading, is_committing: &is_committing };
            let failed = match Box::pin(call.sync(checked, &tries)).await {
                Ok(report) => return Ok(report),
                Err(failed) => failed,
            };
            if !failed.error.is_retryable() {
                return Err(failed.error);
            }
            tries.again(failed.error).await?;
            checked = failed.checked;
        }
    };
    let done = limit.keep(tries, &is_committing).instrument(trace.span()).await;
    trace.end(done.as_ref().map(|report: &R| trace.is_on().then(|| report.counts().clone())));
    done
}

async fn apply<E, C, H>(mut plan: SyncPlan<E>, hook: &H, db: &C) -> Result<SyncResult, SyncError>
where
    E: EntityTrait,
    C: SyncConnection,
    H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
{
    check_isolation(&plan.task, db)?;
    let backend = db.get_database_backend();
    check_plan(&plan, backend)?;
    let limit = Limit::new(&plan.task);
    let trace = Trace::begin("apply", &plan.task, backend, plan.given);
    plan.task.trace = trace.clone();
    let is_committing = AtomicBool::new(false);
    let tries = async {
        let mut tries = Tries::new(&plan.task, db.is_transaction());
        loop {
            trace.try_begins();
            let reading = Reading::WholeRows;
            let call = Call { db, hook, reading, is_committing: &is_committing };
            match Box::pin(call.apply(&mut plan, &tries)).await {
                Ok(result) => return Ok(result),
                // what has changed since it was compared stays so
                Err(error @ SyncError::StalePlan { .. }) => return Err(error),
                Err(error) if !error.is_retryable() => return Err(error),
                Err(error) => tries.again(error).await?,
            }
        }
    };
    let done = limit.keep(tries, &is_committing).instrument(trace.span()).await;
    trace.end(done.as_ref().map(|result| trace.is_on().then(|| result.clone())));
    done
}

/// A try that failed, and what the next one needs.
struct Failed<E: EntityTrait> {
    error: SyncError,
    checked: Checked<E>,
}

/// What the tries of a call have in common.
struct Call<'a, C, H> {
    db: &'a C,
    hook: &'a H,
    reading: Reading,
    is_committing: &'a AtomicBool,
}

impl<C: SyncConnection, H> Call<'_, C, H> {
    /// One try: a comparison and a transaction.
    async fn sync<E, R>(&self, mut checked: Checked<E>, tries: &Tries) -> Result<R, Box<Failed<E>>>
    where
        E: EntityTrait,
        H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
        R: Report<E>,
    {
        let others_commit = self.others_commit();
        if tries.is_first() && others_commit && !self.db.is_transaction() {
            match look(&mut checked, self.db).await {
                Ok(None) => {}
                Ok(Some(found)) => return self.nothing_to_do(checked, found).await,
                Err(error) => return Err(Box::new(Failed { error, checked })),
            }
        }
        let transaction = match self.begin(checked.task.settings.isolation_level, tries).await {
            Ok(transaction) => transaction,
            Err(error) => return Err(Box::new(Failed { error: error.into(), checked })),
        };
        let (found, locked) = match self.compare(&mut checked, &transaction).await {
            Ok(compared) => compared,
            Err(error) => {
                let error = roll_back(transaction, error).await;
                return Err(Box::new(Failed { error, checked }));
            }
        };
        let plan = SyncPlan::new(checked, found);
        let plan = if self.reading == Reading::WholeRows { plan.sorted() } else { plan };
        let done = async {
            guard(&plan)?;
            if others_commit {
                let read = self.reading.positions(&plan.task.columns);
                lock_written(&plan, &read, &transaction).await?;
            }
            self.carry_out(&plan, locked, &transaction).await?;
            R::read(&plan, &transaction).await
        };
        let done = done.await;
        match self.finish(&plan, transaction, done).await {
            Ok(report) => Ok(report),
            Err(error) => Err(Box::new(Failed { error, checked: plan.into_checked() })),
        }
    }

    async fn nothing_to_do<E, R>(
        &self,
        checked: Checked<E>,
        found: Found<E>,
    ) -> Result<R, Box<Failed<E>>>
    where
        E: EntityTrait,
        R: Report<E>,
    {
        let plan = SyncPlan::new(checked, found);
        let report = match guard(&plan) {
            Ok(()) => R::read(&plan, self.db).await,
            Err(error) => Err(error),
        };
        report.map_err(|error| Box::new(Failed { error, checked: plan.into_checked() }))
    }

    /// One try of a plan that was made before.
    async fn apply<E>(&self, plan: &mut SyncPlan<E>, tries: &Tries) -> Result<SyncResult, SyncError>
    where
        E: EntityTrait,
        H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
    {
        let transaction = self.begin(plan.task.settings.isolation_level, tries).await?;
        let done = async {
            let row_lock = self.row_lock();
            let locked = loop {
                let locked = lock_scope(&plan.task, row_lock, &transaction).await?;
                plan.in_scope = verify(plan, row_lock, &transaction).await?;
                // in a scope that is no longer empty, there is a row to lock
                if locked != Locked::NoRow || plan.in_scope == 0 {
                    break locked;
                }
            };
            guard(plan)?;
            self.carry_out(plan, locked, &transaction).await
        };
        let done = done.await;
        self.finish(plan, transaction, done).await?;
        Ok(plan.summary())
    }

    /// Whether other transactions can commit while one of ours is open.
    fn others_commit(&self) -> bool {
        Dialect::of(self.db.get_database_backend()).scope_lock != ScopeLock::Database
    }

    /// How the rows are read that decide what is written: a transaction of the
    /// caller on MySQL is REPEATABLE READ, unless it was begun otherwise.
    fn row_lock(&self) -> RowLock {
        let dialect = Dialect::of(self.db.get_database_backend());
        let is_old = self.db.is_transaction() && dialect.scope_lock == ScopeLock::FirstRow;
        if is_old { RowLock::Rows } else { RowLock::None }
    }

    /// Begins a transaction in which each statement sees what is committed, as
    /// what is read under a lock must be newer than the lock; of a serializable
    /// one, the database finds out where it is not. On SQLite one
    /// that lost a race begins as a writer, and cannot lose another.
    async fn begin(
        &self,
        level: Option<IsolationLevel>,
        tries: &Tries,
    ) -> Result<<C as TransactionTrait>::Transaction, DbErr> {
        if self.db.is_transaction() {
            return self.db.begin().await;
        }
        let options = if self.others_commit() {
            TransactionOptions {
                isolation_level: Some(level.unwrap_or(IsolationLevel::ReadCommitted)),
                ..TransactionOptions::default()
            }
        } else {
            TransactionOptions {
                sqlite_transaction_mode: (!tries.is_first())
                    .then_some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            }
        };
        self.db.begin_to_the_end(options).await
    }

    /// Compares inside the transaction, under a lock of the scope unless there
    /// is nothing to do.
    async fn compare<E, T>(
        &self,
        checked: &mut Checked<E>,
        transaction: &T,
    ) -> Result<(Found<E>, Locked), SyncError>
    where
        E: EntityTrait,
        T: ReadRows,
    {
        if self.others_commit()
            && self.db.is_transaction()
            && let Some(found) = look(checked, transaction).await?
        {
            return Ok((found, Locked::Scope));
        }
        loop {
            let locked = lock_scope(&checked.task, self.row_lock(), transaction).await?;
            let found = find(checked, transaction, self.reading, self.row_lock()).await?;
            let is_empty = found.read == 0 && found.updated.is_empty();
            if locked != Locked::NoRow || is_empty {
                return Ok((found, locked));
            }
            // in a scope that is no longer empty, there is a row to lock
        }
    }

    /// Writes, proves, and asks the hook; the transaction stays open.
    async fn carry_out<E>(
        &self,
        plan: &SyncPlan<E>,
        locked: Locked,
        transaction: &<C as TransactionTrait>::Transaction,
    ) -> Result<(), SyncError>
    where
        E: EntityTrait,
        H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
    {
        write(plan, transaction).await?;
        prove(plan, locked, transaction).await?;
        if !plan.is_empty() {
            self.hook
                .call(plan, transaction)
                .await
                .map_err(|source| SyncError::Refused { table: plan.task.table.clone(), source })?;
        }
        Ok(())
    }

    /// Commits what was done, or rolls it back.
    async fn finish<E, R>(
        &self,
        plan: &SyncPlan<E>,
        transaction: <C as TransactionTrait>::Transaction,
        done: Result<R, SyncError>,
    ) -> Result<R, SyncError>
    where
        E: EntityTrait,
    {
        let is_own = !self.db.is_transaction();
        // the end of a savepoint tells; a mock has no answer
        let done = if is_own && !self.db.is_mock_connection() {
            unless_rolled_back(plan, done, &transaction).await
        } else {
            done
        };
        let report = match done {
            Ok(report) => report,
            Err(error) => {
                let error = roll_back(transaction, error).await;
                return Err(explain(plan, self.db, error).await);
            }
        };
        self.is_committing.store(is_own, Ordering::Relaxed);
        let committed = transaction.commit().await;
        self.is_committing.store(false, Ordering::Relaxed);
        match committed {
            Ok(()) => Ok(report),
            Err(source) if is_own && !plan.is_empty() && !is_answer(&source) => {
                let table = plan.task.table.clone();
                Err(SyncError::OutcomeUnknown { table, source: Some(Box::new(source)) })
            }
            Err(source) => Err(plan.task.failed(Action::Commit, source)),
        }
    }
}

/// The time that a call has.
struct Limit {
    table: String,
    timeout: Option<Duration>,
}

impl Limit {
    fn new<E: EntityTrait>(task: &Task<E>) -> Self {
        Self { table: task.table.clone(), timeout: task.settings.timeout }
    }

    /// Drops the call when its time is over.
    async fn keep<R>(
        self,
        call: impl Future<Output = Result<R, SyncError>>,
        is_committing: &AtomicBool,
    ) -> Result<R, SyncError> {
        let Some(after) = self.timeout else { return call.await };
        let timer = Timer::start(after)
            .map_err(|error| DbErr::Custom(format!("no thread for a timeout: {error}")))?;
        match timeout(timer, call).await {
            Some(done) => done,
            None if is_committing.load(Ordering::Relaxed) => {
                Err(SyncError::OutcomeUnknown { table: self.table, source: None })
            }
            None => Err(SyncError::Timeout { table: self.table, after }),
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
        apply(self, &NoHook, db).await
    }

    /// Tells a closure how far [`apply`](Self::apply) is, in place of the one
    /// that the plan has of [`BulkSync::on_progress`](crate::BulkSync::on_progress).
    pub fn on_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.task.settings.on_progress = Some(OnProgress::new(callback));
        self
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
        apply(self.plan, &self.hook, db).await
    }
}

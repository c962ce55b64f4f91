//! One try of a call: the transaction, and what comes in it in which order. What to do
//! is decided by the planner, what to say to the database by the statements.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{
    DbErr, EntityTrait, IsolationLevel, SqliteTransactionMode, TransactionOptions,
    TransactionSession, TransactionTrait,
};

use crate::{
    SyncResult,
    connection::SyncConnection,
    desired::RowList,
    dialect::{Dialect, ScopeLock},
    error::{Action, SyncError},
    explain::explain,
    field::Row,
    find::{Reading, RowLock, find, look},
    guard::guard,
    hook::ChangeHook,
    lock::{Locked, lock_scope},
    plan::SyncPlan,
    planner::Found,
    proof::prove,
    reader::Reader,
    run::{Checked, Report},
    stale::{lock_written, verify},
    transient::is_answer,
    tries::Tries,
    unheard::{unless_given_up, unless_rolled_back},
    write::{refused, write},
};

/// A try that failed, and what the next one needs.
pub(crate) struct Failed<E: EntityTrait> {
    pub error: SyncError,
    pub checked: Checked<E>,
}

/// A try of a plan that failed.
pub(crate) struct NotApplied {
    pub error: SyncError,
    /// Whether a row of the plan has changed since it was compared, and stays so.
    pub is_stale: bool,
}

/// What the tries of a call have in common.
pub(crate) struct Attempt<'a, C, H> {
    pub db: &'a C,
    pub hook: &'a H,
    pub reading: Reading,
    /// Whether its outcome is known to the database alone.
    pub is_committing: &'a AtomicBool,
}

impl<C: SyncConnection, H> Attempt<'_, C, H> {
    /// One try: a comparison and a transaction.
    pub async fn sync<E, R>(
        &self,
        mut checked: Checked<E>,
        tries: &Tries,
    ) -> Result<R, Box<Failed<E>>>
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
            self.carry_out(&plan, locked, tries, &transaction).await?;
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
    pub async fn apply<E>(
        &self,
        plan: &mut SyncPlan<E>,
        tries: &Tries,
    ) -> Result<SyncResult, NotApplied>
    where
        E: EntityTrait,
        H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
    {
        let mut is_stale = false;
        let transaction = match self.begin(plan.task.settings.isolation_level, tries).await {
            Ok(transaction) => transaction,
            Err(error) => return Err(NotApplied { error: error.into(), is_stale }),
        };
        let done = async {
            let row_lock = self.row_lock();
            let locked = loop {
                let locked = lock_scope(&plan.task, row_lock, &transaction).await?;
                let verified = verify(plan, row_lock, &transaction).await;
                is_stale = matches!(verified, Err(SyncError::StalePlan { .. }));
                verified?;
                // in a scope that is no longer empty, there is a row to lock
                if locked != Locked::NoRow || plan.in_scope == 0 {
                    break locked;
                }
            };
            guard(plan)?;
            self.carry_out(plan, locked, tries, &transaction).await
        };
        let done = done.await;
        let done = self.finish(plan, transaction, done).await;
        done.map(|()| plan.summary()).map_err(|error| NotApplied { error, is_stale })
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
    async fn compare<E: EntityTrait>(
        &self,
        checked: &mut Checked<E>,
        transaction: &dyn Reader,
    ) -> Result<(Found<E>, Locked), SyncError> {
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
        tries: &Tries,
        transaction: &<C as TransactionTrait>::Transaction,
    ) -> Result<(), SyncError>
    where
        E: EntityTrait,
        H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
    {
        write(plan, transaction).await?;
        prove(plan, locked, tries, transaction).await?;
        if !plan.is_empty() {
            self.hook
                .call(plan, transaction)
                .await
                .map_err(|source| SyncError::Refused { table: plan.task.table.clone(), source })?;
            // one that is not had would end a transaction of the caller, whose savepoint tells
            if H::IS_SET && !self.db.is_transaction() {
                unless_given_up(plan, transaction).await?;
            }
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
        let is_telling = is_own && !plan.is_empty();
        self.is_committing.store(is_telling, Ordering::Relaxed);
        let committed = transaction.commit().await;
        self.is_committing.store(false, Ordering::Relaxed);
        match committed {
            Ok(()) => Ok(report),
            Err(source) if is_telling && !is_answer(&source) => {
                let table = plan.task.table.clone();
                Err(SyncError::OutcomeUnknown { table, source: Some(Box::new(source)) })
            }
            Err(source) => {
                let written = plan.written().map(|index| plan.desired.row(index));
                let rows = written.chain(plan.deleted.iter().map(Row::Active));
                Err(refused(plan, Action::Commit, source, rows))
            }
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

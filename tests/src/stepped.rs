//! A connection that waits before each statement until it is let go on, so that
//! a test decides in which order the statements of several calls run.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use bulk_sync::ReadRows;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, IsolationLevel, QueryResult, Statement, TransactionError, TransactionOptions,
    TransactionSession, TransactionTrait,
};
use tokio::sync::Semaphore;

/// What a statement does, as far as others can notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begins a transaction, without a lock.
    Begin,
    /// Reads what is committed.
    Read,
    /// Locks rows, or writes.
    Write,
    /// Commits or rolls back.
    End,
}

impl Step {
    fn of(sql: &str) -> Self {
        let locks = ["FOR UPDATE", "FOR NO KEY UPDATE", "advisory_xact_lock"];
        if sql.starts_with("SELECT") && !locks.iter().any(|lock| sql.contains(lock)) {
            Self::Read
        } else {
            Self::Write
        }
    }
}

/// What holds up the statements of one call.
#[derive(Debug)]
pub struct Gate {
    steps: Semaphore,
    waiting: Mutex<Option<Step>>,
}

impl Gate {
    fn new() -> Self {
        Self { steps: Semaphore::new(0), waiting: Mutex::new(None) }
    }

    /// The statement that waits to be let go on.
    pub fn waiting(&self) -> Option<Step> {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next statement go on.
    pub fn step(&self) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.steps.add_permits(1);
    }

    async fn pass(&self, step: Step) -> Result<(), DbErr> {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(step);
        let permit = self.steps.acquire().await;
        permit.map_err(|error| DbErr::Custom(error.to_string()))?.forget();
        Ok(())
    }
}

/// A connection or a transaction behind a gate.
#[derive(Debug)]
pub struct Stepped<C> {
    inner: C,
    gate: Arc<Gate>,
}

impl Stepped<DatabaseConnection> {
    /// The connection, and its gate.
    pub fn new(inner: DatabaseConnection) -> (Self, Arc<Gate>) {
        let gate = Arc::new(Gate::new());
        (Self { inner, gate: Arc::clone(&gate) }, gate)
    }
}

#[async_trait::async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Stepped<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.gate.pass(Step::of(&statement.sql)).await?;
        self.inner.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.gate.pass(Step::of(sql)).await?;
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.gate.pass(Step::of(&statement.sql)).await?;
        self.inner.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.gate.pass(Step::of(&statement.sql)).await?;
        self.inner.query_all_raw(statement).await
    }
}

impl ReadRows for Stepped<DatabaseConnection> {}

impl ReadRows for Stepped<DatabaseTransaction> {
    fn is_transaction(&self) -> bool {
        true
    }
}

#[async_trait::async_trait]
impl<C> TransactionTrait for Stepped<C>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    type Transaction = Stepped<DatabaseTransaction>;

    async fn begin(&self) -> Result<Self::Transaction, DbErr> {
        self.begin_with_options(TransactionOptions::default()).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<Self::Transaction, DbErr> {
        let sqlite_transaction_mode = None;
        let options = TransactionOptions { isolation_level, access_mode, sqlite_transaction_mode };
        self.begin_with_options(options).await
    }

    async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<Self::Transaction, DbErr> {
        let is_writer = options.sqlite_transaction_mode.is_some();
        self.gate.pass(if is_writer { Step::Write } else { Step::Begin }).await?;
        let inner = self.inner.begin_with_options(options).await?;
        Ok(Stepped { inner, gate: Arc::clone(&self.gate) })
    }

    async fn transaction<F, T, E>(&self, _: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c Self::Transaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        Err(TransactionError::Connection(DbErr::Custom("begin, and commit".to_owned())))
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        _: Option<IsolationLevel>,
        _: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c Self::Transaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        self.transaction(callback).await
    }
}

#[async_trait::async_trait]
impl TransactionSession for Stepped<DatabaseTransaction> {
    async fn commit(self) -> Result<(), DbErr> {
        self.gate.pass(Step::End).await?;
        self.inner.commit().await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        self.gate.pass(Step::End).await?;
        self.inner.rollback().await
    }
}

//! The connections on which a sync runs.

use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, QueryResult,
    TransactionOptions, TransactionTrait, sea_query::SelectStatement,
};

/// The rows that a SELECT gives, as they arrive.
pub type RowStream<'a> = BoxStream<'a, Result<QueryResult, DbErr>>;

/// A connection that can run a SELECT and give the rows as they arrive.
pub trait ReadRows: ConnectionTrait + TransactionTrait {
    /// Runs a SELECT. The rows come one by one where the connection can do
    /// that, and all at once here.
    fn rows<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
        fetch(self, select)
    }

    /// Begins a transaction for a call that may be dropped meanwhile. The driver
    /// does not know then of a transaction that the server has begun, so that
    /// pools begin it in a task, where one can be spawned.
    fn begin_in_task(
        &self,
        options: TransactionOptions,
    ) -> BoxFuture<'_, Result<Self::Transaction, DbErr>> {
        self.begin_with_options(options)
    }

    /// Whether this is an open transaction. A sync on it is then a savepoint
    /// in it, and is not tried again when another transaction was in the way:
    /// that is for the caller, who began it.
    fn is_transaction(&self) -> bool {
        false
    }
}

/// A connection that a sync can run on: SeaORM's pools, transactions,
/// executors, restricted connections and mocks.
///
/// A connection type of your own that implements SeaORM's two traits joins
/// with `impl ReadRows for MyConnection {}`; its transaction says with
/// [`is_transaction`](ReadRows::is_transaction) that it is one.
pub trait SyncConnection: ReadRows<Transaction: ReadRows> {}

impl<C: ReadRows<Transaction: ReadRows>> SyncConnection for C {}

fn fetch<'a, C: ConnectionTrait + ?Sized>(
    connection: &'a C,
    select: &'a SelectStatement,
) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
    Box::pin(async move {
        let rows = connection.query_all(select).await?;
        Ok(stream::iter(rows).map(Ok).boxed())
    })
}

/// The transaction that a pool begins, in a task that goes on when the call is
/// dropped: it is rolled back as soon as it is begun.
fn begin_in_task<C>(
    pool: C,
    options: TransactionOptions,
) -> BoxFuture<'static, Result<C::Transaction, DbErr>>
where
    C: TransactionTrait<Transaction: Send> + Send + Sync + 'static,
{
    let begin = async move { pool.begin_with_options(options).await };
    #[cfg(feature = "runtime-tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let task = runtime.spawn(begin);
        return async { task.await.unwrap_or_else(|error| Err(not_ended(error))) }.boxed();
    }
    begin.boxed()
}

/// A task that panicked, or whose runtime has come to its end.
#[cfg(feature = "runtime-tokio")]
fn not_ended(error: tokio::task::JoinError) -> DbErr {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => DbErr::Custom(format!("the transaction was not begun: {error}")),
    }
}

#[cfg(feature = "stream")]
fn stream<'a, C: sea_orm::StreamTrait + ConnectionTrait>(
    connection: &'a C,
    select: &'a SelectStatement,
) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
    if connection.is_mock_connection() {
        return fetch(connection, select);
    }
    Box::pin(async move {
        let rows = connection.stream(select).await?;
        Ok(rows.boxed())
    })
}

#[cfg(not(feature = "stream"))]
use fetch as stream;

impl ReadRows for DatabaseConnection {
    fn rows<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
        stream(self, select)
    }

    fn begin_in_task(
        &self,
        options: TransactionOptions,
    ) -> BoxFuture<'_, Result<DatabaseTransaction, DbErr>> {
        begin_in_task(self.clone(), options)
    }
}

impl ReadRows for DatabaseTransaction {
    fn rows<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
        stream(self, select)
    }

    fn is_transaction(&self) -> bool {
        true
    }
}

impl ReadRows for DatabaseExecutor<'_> {
    fn rows<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
        match self {
            DatabaseExecutor::Connection(connection) => connection.rows(select),
            DatabaseExecutor::Transaction(transaction) => transaction.rows(select),
            DatabaseExecutor::OwnedTransaction(transaction) => transaction.rows(select),
        }
    }

    fn begin_in_task(
        &self,
        options: TransactionOptions,
    ) -> BoxFuture<'_, Result<DatabaseTransaction, DbErr>> {
        match self {
            DatabaseExecutor::Connection(connection) => connection.begin_in_task(options),
            _ => self.begin_with_options(options),
        }
    }

    fn is_transaction(&self) -> bool {
        !matches!(self, DatabaseExecutor::Connection(_))
    }
}

#[cfg(feature = "rbac")]
impl ReadRows for sea_orm::RestrictedConnection {
    fn begin_in_task(
        &self,
        options: TransactionOptions,
    ) -> BoxFuture<'_, Result<sea_orm::RestrictedTransaction, DbErr>> {
        begin_in_task(self.clone(), options)
    }
}

#[cfg(feature = "rbac")]
impl ReadRows for sea_orm::RestrictedTransaction {
    fn is_transaction(&self) -> bool {
        true
    }
}

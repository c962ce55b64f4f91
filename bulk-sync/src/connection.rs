//! The connections on which a sync runs.

#[cfg(feature = "runtime-tokio")]
use std::{
    pin::Pin,
    task::{Context, Poll},
};

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
    /// on a pool it goes on in a task, where one can be spawned.
    fn begin_to_the_end(
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

/// Whether a connection refuses a statement that it could not audit: a
/// `RestrictedConnection` takes none as text.
pub(crate) fn is_denied(error: &DbErr) -> bool {
    matches!(error, DbErr::AccessDenied { .. } | DbErr::RbacError(_))
}

fn fetch<'a, C: ConnectionTrait + ?Sized>(
    connection: &'a C,
    select: &'a SelectStatement,
) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
    Box::pin(async move {
        let rows = connection.query_all(select).await?;
        Ok(stream::iter(rows).map(Ok).boxed())
    })
}

/// The transaction that a pool begins. When the call is dropped meanwhile, it
/// goes on in a task, and is rolled back as soon as it is begun.
fn begin_to_the_end<C>(
    pool: C,
    options: TransactionOptions,
) -> BoxFuture<'static, Result<C::Transaction, DbErr>>
where
    C: TransactionTrait<Transaction: Send> + Send + Sync + 'static,
{
    let begin = async move { pool.begin_with_options(options).await };
    #[cfg(feature = "runtime-tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        return ToTheEnd { future: Some(begin.boxed()), runtime }.boxed();
    }
    begin.boxed()
}

/// A future that is not dropped with this one.
#[cfg(feature = "runtime-tokio")]
struct ToTheEnd<R: Send + 'static> {
    /// Until it has ended.
    future: Option<BoxFuture<'static, R>>,
    runtime: tokio::runtime::Handle,
}

#[cfg(feature = "runtime-tokio")]
impl<R: Send> Future for ToTheEnd<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let Some(future) = &mut self.future else { return Poll::Pending };
        let polled = future.poll_unpin(context);
        if polled.is_ready() {
            self.future = None;
        }
        polled
    }
}

#[cfg(feature = "runtime-tokio")]
impl<R: Send> Drop for ToTheEnd<R> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.runtime.spawn(future);
        }
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

    fn begin_to_the_end(
        &self,
        options: TransactionOptions,
    ) -> BoxFuture<'_, Result<DatabaseTransaction, DbErr>> {
        begin_to_the_end(self.clone(), options)
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

    fn begin_to_the_end(
        &self,
        options: TransactionOptions,
    ) -> BoxFuture<'_, Result<DatabaseTransaction, DbErr>> {
        match self {
            DatabaseExecutor::Connection(connection) => connection.begin_to_the_end(options),
            _ => self.begin_with_options(options),
        }
    }

    fn is_transaction(&self) -> bool {
        !matches!(self, DatabaseExecutor::Connection(_))
    }
}

#[cfg(feature = "rbac")]
impl ReadRows for sea_orm::RestrictedConnection {
    fn begin_to_the_end(
        &self,
        options: TransactionOptions,
    ) -> BoxFuture<'_, Result<sea_orm::RestrictedTransaction, DbErr>> {
        begin_to_the_end(self.clone(), options)
    }
}

#[cfg(feature = "rbac")]
impl ReadRows for sea_orm::RestrictedTransaction {
    fn is_transaction(&self) -> bool {
        true
    }
}

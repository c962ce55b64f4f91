//! The connections on which a sync runs.

use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, QueryResult,
    TransactionTrait, sea_query::SelectStatement,
};

/// The rows that a SELECT gives, as they arrive.
pub type RowStream<'a> = BoxStream<'a, Result<QueryResult, DbErr>>;

/// A connection that can run a SELECT and give the rows as they arrive.
pub trait ReadRows: ConnectionTrait {
    /// Runs a SELECT. The rows come one by one where the connection can do
    /// that, and all at once here.
    fn rows<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
        fetch(self, select)
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
pub trait SyncConnection: ReadRows + TransactionTrait<Transaction: ReadRows> {}

impl<C: ReadRows + TransactionTrait<Transaction: ReadRows>> SyncConnection for C {}

fn fetch<'a, C: ConnectionTrait + ?Sized>(
    connection: &'a C,
    select: &'a SelectStatement,
) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
    Box::pin(async move {
        let rows = connection.query_all(select).await?;
        Ok(stream::iter(rows).map(Ok).boxed())
    })
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

    fn is_transaction(&self) -> bool {
        !matches!(self, DatabaseExecutor::Connection(_))
    }
}

#[cfg(feature = "rbac")]
impl ReadRows for sea_orm::RestrictedConnection {}

#[cfg(feature = "rbac")]
impl ReadRows for sea_orm::RestrictedTransaction {
    fn is_transaction(&self) -> bool {
        true
    }
}

//! A connection of any type, for what only reads.

use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, sea_query::SelectStatement,
};

use crate::connection::{ReadRows, RowStream};

/// Any connection, to read from: what takes this is compiled once for an entity, not
/// once more for each type of connection. The methods are those of [`ConnectionTrait`] and
/// [`ReadRows`].
pub(crate) trait Reader: Sync {
    fn get_database_backend(&self) -> DbBackend;

    fn is_mock_connection(&self) -> bool;

    fn is_transaction(&self) -> bool;

    fn rows<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>>;

    fn query_one<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<Option<QueryResult>, DbErr>>;

    fn query_one_raw(
        &self,
        statement: Statement,
    ) -> BoxFuture<'_, Result<Option<QueryResult>, DbErr>>;

    fn query_all<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<Vec<QueryResult>, DbErr>>;
}

impl<C: ReadRows> Reader for C {
    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(self)
    }

    fn is_mock_connection(&self) -> bool {
        ConnectionTrait::is_mock_connection(self)
    }

    fn is_transaction(&self) -> bool {
        ReadRows::is_transaction(self)
    }

    fn rows<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<RowStream<'a>, DbErr>> {
        ReadRows::rows(self, select)
    }

    fn query_one<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<Option<QueryResult>, DbErr>> {
        ConnectionTrait::query_one(self, select)
    }

    fn query_one_raw(
        &self,
        statement: Statement,
    ) -> BoxFuture<'_, Result<Option<QueryResult>, DbErr>> {
        ConnectionTrait::query_one_raw(self, statement)
    }

    fn query_all<'a>(
        &'a self,
        select: &'a SelectStatement,
    ) -> BoxFuture<'a, Result<Vec<QueryResult>, DbErr>> {
        ConnectionTrait::query_all(self, select)
    }
}

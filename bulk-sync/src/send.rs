//! Sends statements that were turned into text ahead, while the database was at
//! work on others.

use std::sync::OnceLock;

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, ExecResult, QueryResult, Statement, StatementBuilder,
};

use crate::{connection::is_denied, statement::Statements};

/// A statement on its way.
pub(crate) enum Outgoing<S> {
    /// As sea-query has it: a `RestrictedConnection` takes no other.
    Built(S),
    /// As text.
    Text(Statement),
}

/// Sends statements to a connection, and finds out how it takes them.
pub(crate) struct Sender<'a, E: EntityTrait, C> {
    statements: Statements<'a, E>,
    db: &'a C,
    /// Whether the connection takes a statement as text, once it was sent one.
    takes_text: OnceLock<bool>,
}

impl<'a, E: EntityTrait, C: ConnectionTrait> Sender<'a, E, C> {
    pub fn new(statements: Statements<'a, E>, db: &'a C) -> Self {
        Self { statements, db, takes_text: OnceLock::new() }
    }

    /// Turns a statement into text, where the connection is known to take that.
    pub fn prepare<S: StatementBuilder>(&self, statement: S) -> Outgoing<S> {
        match self.takes_text.get() {
            Some(true) => Outgoing::Text(self.statements.text(&statement)),
            _ => Outgoing::Built(statement),
        }
    }

    /// Runs a statement that gives no rows.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn execute<S: StatementBuilder>(
        &self,
        outgoing: Outgoing<S>,
    ) -> Result<ExecResult, DbErr> {
        let built = match outgoing {
            Outgoing::Text(text) => return self.db.execute_raw(text).await,
            Outgoing::Built(built) => built,
        };
        if self.may_take_text() {
            let done = self.db.execute_raw(self.statements.text(&built)).await;
            if self.has_taken(&done) {
                return done;
            }
        }
        self.db.execute(&built).await
    }

    /// Runs a statement, and takes its rows.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn query_all<S: StatementBuilder>(
        &self,
        outgoing: Outgoing<S>,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let built = match outgoing {
            Outgoing::Text(text) => return self.db.query_all_raw(text).await,
            Outgoing::Built(built) => built,
        };
        if self.may_take_text() {
            let done = self.db.query_all_raw(self.statements.text(&built)).await;
            if self.has_taken(&done) {
                return done;
            }
        }
        self.db.query_all(&built).await
    }

    fn may_take_text(&self) -> bool {
        self.takes_text.get() != Some(&false)
    }

    fn has_taken<R>(&self, done: &Result<R, DbErr>) -> bool {
        *self.takes_text.get_or_init(|| !done.as_ref().is_err_and(is_denied))
    }
}

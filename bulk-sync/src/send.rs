//! Sends statements that were turned into text ahead, while the database was at
//! work on others.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, ExecResult, QueryResult, Statement, StatementBuilder,
};

use crate::statement::Statements;

/// A statement on its way.
pub(crate) enum Outgoing<S> {
    /// As sea-query has it: a `RestrictedConnection` takes no other.
    Built(S),
    /// As text.
    Text(Statement),
}

/// Sends statements to a connection, and knows how it takes them.
pub(crate) struct Sender<'a, E: EntityTrait, C> {
    statements: Statements<'a, E>,
    db: &'a C,
    /// Whether it has been sent a text.
    is_tried: AtomicBool,
    /// Whether it has refused one, which it does at once.
    refuses_text: AtomicBool,
}

impl<'a, E: EntityTrait, C: ConnectionTrait> Sender<'a, E, C> {
    pub fn new(statements: Statements<'a, E>, db: &'a C) -> Self {
        Self { statements, db, is_tried: false.into(), refuses_text: false.into() }
    }

    /// Turns a statement into text, unless the connection may want it as it is.
    pub fn prepare<S: StatementBuilder>(&self, statement: S) -> Outgoing<S> {
        if self.is_tried.load(Relaxed) && !self.refuses_text.load(Relaxed) {
            Outgoing::Text(self.statements.text(&statement))
        } else {
            Outgoing::Built(statement)
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
        if self.tries_text() {
            let done = self.db.execute_raw(self.statements.text(&built)).await;
            if self.is_taken(&done) {
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
        if self.tries_text() {
            let done = self.db.query_all_raw(self.statements.text(&built)).await;
            if self.is_taken(&done) {
                return done;
            }
        }
        self.db.query_all(&built).await
    }

    fn tries_text(&self) -> bool {
        let tries = !self.refuses_text.load(Relaxed);
        self.is_tried.fetch_or(tries, Relaxed);
        tries
    }

    fn is_taken<R>(&self, done: &Result<R, DbErr>) -> bool {
        let is_refused = matches!(done, Err(DbErr::RbacError(_)));
        self.refuses_text.fetch_or(is_refused, Relaxed);
        !is_refused
    }
}

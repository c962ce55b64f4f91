//! The statements of one sync, recorded and sent again by hand: what a small
//! sync costs at least.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, IsolationLevel, Statement, TransactionOptions,
    TransactionTrait,
};

use crate::{Failure, contender::Contender, employee::Model};

/// Statements to send again.
#[derive(Default)]
pub struct Replay(Vec<Statement>);

impl Replay {
    /// Records the statements of a sync.
    pub async fn record(mut db: DatabaseConnection, models: Vec<Model>) -> Result<Self, Failure> {
        let statements = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&statements);
        db.set_metric_callback(move |info| {
            let statement = info.statement.clone();
            recorded.lock().unwrap_or_else(PoisonError::into_inner).push(statement);
        });
        Box::pin(Contender::Ours.run(&db, models, &Self::default())).await?;
        let mut statements = statements.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Self(std::mem::take(&mut *statements)))
    }

    /// The number of statements, `BEGIN` and `COMMIT` not counted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Sends them. On the servers the first one looks whether there is
    /// something to do, and the rest are a transaction.
    pub async fn run(&self, db: &DatabaseConnection) -> Result<(), Failure> {
        let is_server = db.get_database_backend() != DbBackend::Sqlite;
        let (look, rest) = self.0.split_at(usize::from(is_server).min(self.0.len()));
        send(db, look).await?;
        if rest.is_empty() {
            return Ok(());
        }
        let options = TransactionOptions {
            isolation_level: is_server.then_some(IsolationLevel::ReadCommitted),
            ..TransactionOptions::default()
        };
        let transaction = db.begin_with_options(options).await?;
        send(&transaction, rest).await?;
        transaction.commit().await?;
        Ok(())
    }
}

async fn send<C: ConnectionTrait>(db: &C, statements: &[Statement]) -> Result<(), Failure> {
    for statement in statements {
        if statement.sql.starts_with("SELECT") {
            std::hint::black_box(db.query_all_raw(statement.clone()).await?);
        } else {
            db.execute_raw(statement.clone()).await?;
        }
    }
    Ok(())
}

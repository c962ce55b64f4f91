//! A service that imports employees from CSV files: a person uploads a file,
//! looks at what it would change, and confirms just that. Machines do the same
//! over JSON. bulk-sync does the comparing, the guards and the writing.
//!
//! ```text
//! cargo run -p import-service
//! DATABASE_URL=postgres://postgres@127.0.0.1/mine cargo run -p import-service
//!
//! curl --header 'Content-Type: text/csv' --data-binary @people.csv \
//!     'http://127.0.0.1:8080/companies/1/imports?dry_run=true'
//! ```
//!
//! Where to begin reading: `import.rs` is all that has to do with bulk-sync,
//! `job.rs` runs it beside the requests, and `csv_file.rs` makes models of a file.
//! What can be set is in `config.rs`. There are no accounts and no TLS here: put it
//! behind something that has both.

mod config;
mod csrf;
pub mod csv_file;
pub mod entity;
pub mod error;
mod import;
mod job;
mod page;
mod random;
mod route;
pub mod schema;
mod spool;
pub mod upload;

use std::sync::Arc;

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbErr, sqlx::sqlite::SqliteJournalMode,
};

pub use crate::{config::Config, route::router};
use crate::{import::Source, upload::Uploads};

/// What all requests share.
#[derive(Clone)]
pub struct Service {
    /// The database.
    pub db: DatabaseConnection,
    /// The settings.
    pub config: Arc<Config>,
    /// The files that wait to be confirmed.
    pub uploads: Arc<Uploads>,
}

impl Service {
    /// A service without uploads.
    #[must_use]
    pub fn new(db: DatabaseConnection, config: Config) -> Self {
        Self { db, config: Arc::new(config), uploads: Arc::default() }
    }

    /// An import of this file.
    fn source<'a>(&self, company_id: i32, file_name: &'a str) -> Source<'a> {
        Source { company_id, file_name, max_delete_share: self.config.max_delete_share }
    }
}

/// Connects to the database.
///
/// # Errors
///
/// It cannot be reached.
pub async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false);
    // so that pages can be read while an import is written
    options.map_sqlx_sqlite_opts(|options| options.journal_mode(SqliteJournalMode::Wal));
    Database::connect(options).await
}

//! A database of its own for each test.

use std::{ops::Deref, sync::atomic::AtomicU32, sync::atomic::Ordering};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, EntityTrait,
    Schema,
};
use tempfile::TempDir;

/// Connections that a test has at most.
const CONNECTIONS: u32 = 8;

/// A kind of database that the suite runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// The name in the names of tests.
    pub name: &'static str,
    /// SeaORM's name.
    pub backend: DbBackend,
    /// The variable with the URL of the server; SQLite needs none.
    variable: Option<&'static str>,
}

/// All of them.
pub const SERVERS: [Server; 3] = [
    Server { name: "sqlite", backend: DbBackend::Sqlite, variable: None },
    Server {
        name: "postgres",
        backend: DbBackend::Postgres,
        variable: Some("BULK_SYNC_POSTGRES_URL"),
    },
    Server { name: "mysql", backend: DbBackend::MySql, variable: Some("BULK_SYNC_MYSQL_URL") },
];

impl Server {
    /// Whether tests can run on it: the variable with its URL is set.
    pub fn is_configured(self) -> bool {
        self.variable.is_none_or(|variable| std::env::var_os(variable).is_some())
    }

    fn url(self) -> Result<Option<String>, DbErr> {
        let url = |variable| {
            std::env::var(variable).map_err(|error| DbErr::Custom(format!("{variable}: {error}")))
        };
        self.variable.map(url).transpose()
    }
}

/// An empty database; goes away with [`TestDatabase::close`].
pub struct TestDatabase {
    /// A pool of connections to it.
    pub pool: DatabaseConnection,
    /// The URL of the database.
    pub url: String,
    name: String,
    server: Server,
    folder: Option<TempDir>,
}

impl Deref for TestDatabase {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.pool
    }
}

impl TestDatabase {
    /// Creates a database on the server.
    pub async fn create(server: Server) -> Result<Self, DbErr> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("bulk_sync_{}_{number}", std::process::id());
        let (url, folder) = match server.url()? {
            Some(url) => {
                // a run that was killed leaves its databases, and numbers of processes come back
                execute(&url, &format!("DROP DATABASE IF EXISTS {name}")).await?;
                execute(&url, &format!("CREATE DATABASE {name}")).await?;
                (sibling(&url, &name), None)
            }
            None => {
                let folder = TempDir::new().map_err(|e| DbErr::Custom(e.to_string()))?;
                let file = folder.path().join("test.sqlite");
                (format!("sqlite://{}?mode=rwc", file.display()), Some(folder))
            }
        };
        let mut options = ConnectOptions::new(&url);
        options.max_connections(CONNECTIONS).sqlx_logging(false);
        let pool = Database::connect(options).await?;
        Ok(Self { pool, url, name, server, folder })
    }

    /// The kind of database.
    pub fn backend(&self) -> DbBackend {
        self.server.backend
    }

    /// Creates the table of an entity.
    pub async fn create_table<E: EntityTrait>(&self, entity: E) -> Result<(), DbErr> {
        let schema = Schema::new(self.backend());
        self.pool.execute(&schema.create_table_from_entity(entity)).await?;
        Ok(())
    }

    /// Closes the connections and removes the database.
    pub async fn close(self) -> Result<(), DbErr> {
        // a pooler keeps connections to it that no test has any more
        let force = if self.backend() == DbBackend::Postgres { " WITH (FORCE)" } else { "" };
        self.pool.close().await?;
        if let Some(url) = self.server.url()? {
            execute(&url, &format!("DROP DATABASE {}{force}", self.name)).await?;
        }
        if let Some(folder) = self.folder {
            folder.close().map_err(|e| DbErr::Custom(e.to_string()))?;
        }
        Ok(())
    }
}

/// The URL of another database on the same server, with the same parameters.
#[must_use]
pub fn sibling(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_at(url.find('?').unwrap_or(url.len()));
    let authority = address.find("://").map_or(0, |scheme| scheme + 3);
    let server =
        address[authority..].find('/').map_or(address, |path| &address[..authority + path]);
    format!("{server}/{name}{parameters}")
}

/// Runs a statement on a connection of its own.
pub async fn execute(url: &str, sql: &str) -> Result<(), DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    connection.execute_unprepared(sql).await?;
    connection.close().await
}

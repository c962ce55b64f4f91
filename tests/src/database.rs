//! A database of its own for each test.

use std::{
    mem,
    ops::Deref,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, EntityTrait,
    Schema,
};
use tempfile::TempDir;

/// Connections that a test has at most.
const CONNECTIONS: u32 = 8;

/// Databases of PostgreSQL that a test has left and that are empty again: to create one
/// takes longer than most tests.
static EMPTY: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What a test can have made in a database, and what it finds in a new one.
const CLEAR: &str = "DO $$ DECLARE name text; BEGIN \
     PERFORM pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid(); \
     FOR name IN SELECT nspname FROM pg_namespace \
     WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' \
     LOOP EXECUTE format('DROP SCHEMA %I CASCADE', name); END LOOP; \
     CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC; END $$";

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

/// Those that are reached over a network.
pub const REMOTE: [Server; 2] = [SERVERS[1], SERVERS[2]];

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

/// An empty database; [`TestDatabase::close`] gives it back.
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
        let mut name = format!("bulk_sync_{}_{number}", std::process::id());
        let left = if server.backend == DbBackend::Postgres { empty().pop() } else { None };
        let (url, folder) = match (server.url()?, left) {
            (Some(url), Some(left)) => {
                name = left;
                (sibling(&url, &name), None)
            }
            (Some(url), None) => {
                // a run that was killed leaves its databases, and numbers of processes come back
                execute(&url, &format!("DROP DATABASE IF EXISTS {name}")).await?;
                execute(&url, &format!("CREATE DATABASE {name}")).await?;
                (sibling(&url, &name), None)
            }
            (None, _) => {
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

    /// Closes the connections and removes the database, or leaves it to the next test.
    pub async fn close(self) -> Result<(), DbErr> {
        let backend = self.backend();
        self.pool.close().await?;
        if let Some(url) = self.server.url()? {
            // a pooler keeps connections that know statements of the tables that were there
            let end = format!(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
                 WHERE datname = '{}'",
                self.name
            );
            if backend == DbBackend::Postgres
                && execute(&self.url, CLEAR).await.is_ok()
                && execute(&url, &end).await.is_ok()
            {
                empty().push(self.name);
            } else {
                drop_database(backend, &url, &self.name).await?;
            }
        }
        if let Some(folder) = self.folder {
            folder.close().map_err(|e| DbErr::Custom(e.to_string()))?;
        }
        Ok(())
    }
}

fn empty() -> MutexGuard<'static, Vec<String>> {
    EMPTY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the databases that were left to a next test.
pub async fn remove_empty() -> Result<(), DbErr> {
    let names = mem::take(&mut *empty());
    for server in REMOTE.iter().filter(|server| server.backend == DbBackend::Postgres) {
        for name in &names {
            drop_database(server.backend, &server.url()?.unwrap_or_default(), name).await?;
        }
    }
    Ok(())
}

async fn drop_database(backend: DbBackend, url: &str, name: &str) -> Result<(), DbErr> {
    // a pooler keeps connections to it that no test has any more
    let force = if backend == DbBackend::Postgres { " WITH (FORCE)" } else { "" };
    execute(url, &format!("DROP DATABASE {name}{force}")).await
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

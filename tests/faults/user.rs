//! A user of the server, for a test of what one may do.

use bulk_sync_tests::suite::Db;
use sea_orm::{DbBackend, entity::prelude::*};

/// A user who has no rights to begin with.
pub struct User {
    /// The URL of the database, for the user.
    pub url: String,
    db: Db,
    name: String,
}

impl User {
    /// Creates a user with options.
    pub async fn create(db: &Db, options: &str) -> Result<Self, DbErr> {
        let (server, database) = db.url.rsplit_once('/').unwrap_or_default();
        let name = format!("user_of_{database}");
        let quoted = quoted(db.backend(), &name);
        let create = match db.backend() {
            DbBackend::Postgres => format!("CREATE ROLE {quoted} LOGIN PASSWORD 'x' {options}"),
            _ => format!("CREATE USER {quoted} IDENTIFIED BY 'x' {options}"),
        };
        db.pool.execute_unprepared(&format!("{} {quoted}", drop(db.backend()))).await?;
        db.pool.execute_unprepared(&create).await?;
        let (scheme, address) = server.split_once("://").unwrap_or_default();
        let address = address.rsplit_once('@').map_or(address, |(_, address)| address);
        let url = format!("{scheme}://{name}:x@{address}/{database}");
        let user = Self { url, db: db.clone(), name: quoted };
        if db.backend() == DbBackend::Postgres {
            user.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO").await?;
        }
        Ok(user)
    }

    /// Grants rights on the table of employees.
    pub async fn grant(&self, rights: &str) -> Result<(), DbErr> {
        self.execute(&format!("GRANT {rights} ON employee TO")).await
    }

    /// Takes rights on the table of employees away.
    pub async fn revoke(&self, rights: &str) -> Result<(), DbErr> {
        self.execute(&format!("REVOKE {rights} ON employee FROM")).await
    }

    /// Removes the user, whose connections have to be closed.
    pub async fn remove(self) -> Result<(), DbErr> {
        if self.db.backend() == DbBackend::Postgres {
            self.execute("DROP OWNED BY").await?;
        }
        self.execute(drop(self.db.backend())).await
    }

    async fn execute(&self, sql: &str) -> Result<(), DbErr> {
        self.db.pool.execute_unprepared(&format!("{sql} {}", self.name)).await.map(|_| ())
    }
}

fn drop(backend: DbBackend) -> &'static str {
    if backend == DbBackend::Postgres { "DROP ROLE IF EXISTS" } else { "DROP USER IF EXISTS" }
}

fn quoted(backend: DbBackend, name: &str) -> String {
    if backend == DbBackend::Postgres { format!("\"{name}\"") } else { format!("'{name}'@'%'") }
}

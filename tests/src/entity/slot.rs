//! Slots: a key of types whose column keeps less than Rust has.

use bulk_sync::SyncKey;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, entity::prelude::*};

/// A slot.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "slot")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// When it starts, to the millisecond on servers.
    #[sync(key)]
    pub starts_at: DateTimeUtc,
    /// What it costs, to the cent on servers.
    #[sync(key)]
    pub price: Decimal,
    /// Its name.
    pub name: String,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Creates the table with types that the entity does not know of.
pub async fn create_table(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    db.execute_unprepared(match db.get_database_backend() {
        DbBackend::Postgres => {
            "CREATE TABLE slot (id serial PRIMARY KEY, starts_at timestamptz(3) NOT NULL, \
             price numeric(12,2) NOT NULL, name text NOT NULL, UNIQUE (starts_at, price))"
        }
        DbBackend::MySql => {
            "CREATE TABLE slot (id int AUTO_INCREMENT PRIMARY KEY, starts_at datetime(3) NOT NULL, \
             price decimal(12,2) NOT NULL, name varchar(40) NOT NULL, UNIQUE (starts_at, price))"
        }
        _ => {
            "CREATE TABLE slot (id integer PRIMARY KEY, starts_at datetime NOT NULL, \
             price real NOT NULL, name text NOT NULL, UNIQUE (starts_at, price))"
        }
    })
    .await?;
    Ok(())
}

//! Readings whose table keeps less than Rust has: fractions, blanks, case.

use bulk_sync::SyncKey;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, entity::prelude::*};

/// A reading.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "reading")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The name, which the table compares without regard to case.
    #[sync(key)]
    pub name: String,
    /// When it was taken, to the millisecond.
    pub taken_at: DateTimeUtc,
    /// The price, to the cent.
    pub price: Decimal,
    /// Five characters, padded with blanks.
    pub code: String,
    /// Anything.
    pub detail: Option<Json>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Creates the table with types that the entity does not know of.
pub async fn create_table(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    for statement in definition(db.get_database_backend()) {
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// The statements that create the table.
pub fn definition(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Postgres => &[
            "CREATE COLLATION without_case (provider = icu, locale = 'und-u-ks-level2', \
             deterministic = false)",
            "CREATE TABLE reading (id serial PRIMARY KEY, name text COLLATE without_case NOT NULL \
             UNIQUE, taken_at timestamptz(3) NOT NULL, price numeric(12,2) NOT NULL, \
             code char(5) NOT NULL, detail jsonb)",
        ],
        DbBackend::MySql => &["CREATE TABLE reading (id int AUTO_INCREMENT PRIMARY KEY, \
             name varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL UNIQUE, \
             taken_at datetime(3) NOT NULL, price decimal(12,2) NOT NULL, code char(5) NOT NULL, \
             detail json)"],
        _ => &["CREATE TABLE reading (id integer PRIMARY KEY, name text COLLATE NOCASE NOT NULL \
             UNIQUE, taken_at text NOT NULL, price numeric(12,2) NOT NULL, code char(5) NOT NULL, \
             detail json)"],
    }
}

//! A column of an enum that the database knows.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A type of its own on PostgreSQL, `ENUM(…)` on MySQL, text on SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "mood_kind")]
pub enum Kind {
    /// Good.
    #[sea_orm(string_value = "good")]
    Good,
    /// Bad.
    #[sea_orm(string_value = "bad")]
    Bad,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "mood")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Whose.
    #[sync(key)]
    pub person: String,
    /// An enum in the key.
    #[sync(key)]
    pub kind: Kind,
    /// How strong.
    pub strength: i32,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A mood.
pub fn mood(person: &str, kind: Kind, strength: i32) -> Model {
    Model { id: 0, person: person.into(), kind, strength }
}

//! Time zones: the primary key is text, and is the key.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "zone")]
pub struct Model {
    /// The name.
    #[sea_orm(primary_key, auto_increment = false)]
    #[sync(key)]
    pub name: String,
    /// Minutes from UTC.
    pub offset: i32,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A time zone.
pub fn zone(name: &str, offset: i32) -> Model {
    Model { name: name.into(), offset }
}

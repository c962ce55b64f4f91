//! Tokens: the primary key is a UUID that the caller gives, the key is a name.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// Given by the caller.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The name.
    #[sync(key)]
    pub name: String,
    /// What it allows.
    pub rights: i32,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A token.
pub fn token(id: u128, name: &str, rights: i32) -> Model {
    Model { id: Uuid::from_u128(id), name: name.into(), rights }
}

//! A column that is an array, which only PostgreSQL has.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "tagged")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The name.
    #[sync(key)]
    pub name: String,
    /// The tags.
    pub tags: Vec<String>,
    /// Numbers, where there are some.
    pub numbers: Option<Vec<i64>>,
    /// A column that can be sent as an array.
    pub size: Option<i16>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A row.
pub fn tagged(name: &str, tags: &[&str], numbers: Option<Vec<i64>>, size: Option<i16>) -> Model {
    let tags = tags.iter().map(|&tag| tag.into()).collect();
    Model { id: 0, name: name.into(), tags, numbers, size }
}

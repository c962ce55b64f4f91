//! A tree: children go with their parents.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A category.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "category")]
pub struct Model {
    /// Given by the caller.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The name.
    #[sync(key)]
    pub name: String,
    /// The category that this one is in.
    pub parent_id: Option<i32>,
}

/// The tree.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The category that this one is in.
    #[sea_orm(
        belongs_to = "Entity",
        from = "Column::ParentId",
        to = "Column::Id",
        on_delete = "Cascade"
    )]
    Parent,
}

impl ActiveModelBehavior for ActiveModel {}

/// A category.
pub fn category(id: i32, parent_id: Option<i32>) -> Model {
    Model { id, name: format!("category {id}"), parent_id }
}

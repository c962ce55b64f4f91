//! Projects, which others refer to.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "project")]
pub struct Model {
    /// Given by the caller.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The name.
    #[sync(key)]
    pub code: String,
    /// No two projects have the same.
    #[sea_orm(unique)]
    pub domain: Option<String>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A project with a domain of its own.
pub fn project(id: i32, code: &str) -> Model {
    Model { id, code: code.into(), domain: None }
}

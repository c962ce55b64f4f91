//! A tree whose rows refer to each other by a code, not by the primary key.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A unit of an organization.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "unit")]
pub struct Model {
    /// Given by the caller.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The name.
    #[sync(key)]
    pub name: String,
    /// What others refer to.
    #[sea_orm(unique)]
    pub code: String,
    /// The code of the unit that this one is in.
    pub parent_code: Option<String>,
    /// How many work there.
    pub headcount: i32,
}

/// The tree.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The unit that this one is in.
    #[sea_orm(belongs_to = "Entity", from = "Column::ParentCode", to = "Column::Code")]
    Parent,
}

impl ActiveModelBehavior for ActiveModel {}

/// A unit.
pub fn unit(id: i32, code: &str, parent_code: Option<&str>) -> Model {
    let parent_code = parent_code.map(str::to_owned);
    Model { id, name: format!("unit {id}"), code: code.to_owned(), parent_code, headcount: 0 }
}

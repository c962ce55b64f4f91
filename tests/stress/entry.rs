//! The table that everybody writes.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "entry")]
pub struct Model {
    /// Given by the database, and never to another row.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The scope.
    #[sync(key)]
    pub tenant: i32,
    #[sync(key)]
    pub code: i32,
    /// Which input the row is from; below zero, which change of a writer.
    pub generation: i64,
    /// The same in other words, so that half a change of a row shows.
    pub name: String,
    /// 0 for the syncs, else the writer that has taken the row out of scope.
    #[sync(ignore)]
    pub owner: i32,
    /// Set by writers, no matter to the syncs.
    #[sync(ignore)]
    pub counter: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The name of a row of a generation.
pub fn name(generation: i64, code: i32) -> String {
    format!("{generation} of {code}")
}

impl Model {
    /// Whether the row is whole.
    pub fn is_whole(&self) -> bool {
        self.name == name(self.generation, self.code)
    }

    /// Whether the row is in the scope of a sync, once its tenant is.
    pub fn is_free(&self) -> bool {
        self.owner == 0
    }
}

//! The names that the library gives to things inside its statements.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "v")]
pub struct Model {
    /// A key of two columns.
    #[sea_orm(primary_key, auto_increment = false)]
    pub n0: i32,
    /// The other one.
    #[sea_orm(primary_key, auto_increment = false)]
    #[sync(key)]
    pub c1: i32,
    /// Named as the first column of the rows.
    #[sync(key)]
    pub c0: i32,
    /// Named as the rows.
    pub v: Option<i32>,
    /// Named as what the rows come from.
    pub u: Option<String>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A row.
pub fn short(c0: i32, v: Option<i32>, u: Option<&str>) -> Model {
    Model { n0: -c0, c1: 1, c0, v, u: u.map(Into::into) }
}

//! Meters, whose serial number is unsigned.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A meter.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "meter")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The serial number.
    #[sync(key)]
    pub serial: u64,
    /// What it shows.
    pub reading: f64,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A meter.
pub fn meter(serial: u64, reading: f64) -> Model {
    Model { id: 0, serial, reading }
}

//! Passes: unique values of types that have few values to step aside to.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A pass.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "pass")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Whose it is.
    #[sync(key)]
    pub holder: i32,
    /// The serial number, which no other pass has.
    #[sea_orm(unique)]
    pub serial: Uuid,
    /// The day it is for, which no other pass is for.
    #[sea_orm(unique)]
    pub day: Date,
    /// The number at the gate, which no other pass has.
    #[sea_orm(unique)]
    pub gate: i32,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A pass with the given serial number, day and gate.
pub fn pass(holder: i32, serial: u32, day: u32, gate: i32) -> Model {
    let day = Date::from_yo_opt(2026, day).unwrap_or_default();
    Model { id: 0, holder, serial: Uuid::from_u128(serial.into()), day, gate }
}

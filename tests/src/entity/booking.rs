//! Bookings: the primary key has two columns, and is the key.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A booking.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "booking")]
pub struct Model {
    /// The flight.
    #[sea_orm(primary_key, auto_increment = false)]
    #[sync(key)]
    pub flight: String,
    /// The number.
    #[sea_orm(primary_key, auto_increment = false)]
    #[sync(key)]
    pub number: i32,
    /// Who sits there.
    pub passenger: Option<String>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A booking.
pub fn booking(flight: &str, number: i32, passenger: Option<&str>) -> Model {
    Model { flight: flight.into(), number, passenger: passenger.map(Into::into) }
}

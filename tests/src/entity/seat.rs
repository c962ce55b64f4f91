//! Seats: a unique number and a unique holder, rows that can be soft-deleted.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A seat.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "seat")]
#[sync(keys(room, code))]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The room.
    pub room: i32,
    /// The code of the seat in the room.
    #[sea_orm(column_type = "String(StringLen::N(40))")]
    pub code: String,
    /// The number, which no other seat has.
    #[sea_orm(unique)]
    pub number: i32,
    /// Who sits there, nowhere else.
    #[sea_orm(unique, column_type = "String(StringLen::N(40))")]
    pub holder: String,
    /// The badge of the holder, if any, which nobody else has.
    #[sea_orm(unique)]
    pub badge: Option<i64>,
    /// When the seat was taken away.
    #[sea_orm(column_type = "String(StringLen::N(40))", nullable)]
    pub removed_at: Option<String>,
    /// Whether the seat is gone.
    pub gone: bool,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A seat in room 1.
pub fn seat(code: &str, number: i32, holder: &str, badge: Option<i64>) -> Model {
    Model {
        id: 0,
        room: 1,
        code: code.into(),
        number,
        holder: holder.into(),
        badge,
        removed_at: None,
        gone: false,
    }
}

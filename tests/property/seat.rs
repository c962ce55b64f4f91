//! A table with unique values, which move between rows.

use bulk_sync::SyncKey;
use bulk_sync_tests::oracle::{Absent, Role};
use sea_orm::{Value, entity::prelude::*};

use crate::subject::{Fixed, Layout, Subject, column};

/// A seat.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "seat")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sync(key)]
    pub company: i32,
    #[sync(key)]
    pub code: String,
    pub level: Option<i32>,
    #[sea_orm(unique)]
    pub number: i32,
    #[sea_orm(unique)]
    pub holder: String,
    #[sea_orm(unique)]
    pub badge: Option<i64>,
    pub gone_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Subject for Entity {}

impl Fixed for Entity {
    fn layout() -> Layout {
        let holders = ["a", "b", "c", "d", "e", "f", "g", "h"];
        Layout::new(vec![
            column("id", Role::Value, Absent::Generated, (1..=12).map(|id: i64| -id)),
            column("company", Role::Key, Absent::Refused, [1, 2, 3]),
            column("code", Role::Key, Absent::Refused, ["a", "b", "ç'\\\""]),
            column(
                "level",
                Role::Value,
                Absent::Default(Value::Int(None)),
                [None, Some(1), Some(2), Some(3)],
            ),
            column("number", Role::Value, Absent::Refused, 1..=8),
            column("holder", Role::Value, Absent::Refused, holders),
            column(
                "badge",
                Role::Value,
                Absent::Default(Value::BigInt(None)),
                [None, Some(1_i64), Some(2), Some(3), Some(4)],
            ),
            column(
                "gone_at",
                Role::Value,
                Absent::Default(Value::BigInt(None)),
                [None, None, Some(7_i64)],
            ),
        ])
        .primary_key(&["id"])
        .unique(&["number", "holder", "badge"])
        .keys(&[&["number"], &["badge"], &["company", "level"]])
        .soft_deletes(&[&[("gone_at", 9_i64.into())]])
    }
}

//! A table with a generated primary key beside the key, of which it may have
//! several rows: no index forbids them.

use bulk_sync::SyncKey;
use bulk_sync_tests::oracle::{Absent, Role};
use sea_orm::{Value, entity::prelude::*};

use crate::subject::{Fixed, Layout, Subject, column};

/// An item.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "item")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sync(key)]
    pub company: i32,
    #[sync(key)]
    pub code: String,
    pub name: Option<String>,
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub price: Decimal,
    pub active: bool,
    pub level: Option<i32>,
    pub ratio: Option<f64>,
    #[sea_orm(default_value = 5)]
    pub grade: i32,
    #[sea_orm(default_value = false)]
    pub gone: bool,
    pub gone_at: Option<i64>,
    #[sync(ignore)]
    #[sea_orm(default_value = "imported")]
    pub source: String,
    #[sync(touch)]
    #[sea_orm(default_value = "nobody")]
    pub stamp: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Subject for Entity {}

impl Fixed for Entity {
    fn layout() -> Layout {
        let price = |cents, scale| Decimal::new(cents, scale);
        // ids below zero never meet those that the database gives
        let ids = (1..=12).map(|id: i64| -id);
        Layout::new(vec![
            column("id", Role::Value, Absent::Generated, ids),
            column("company", Role::Key, Absent::Refused, [1, 2, 3]),
            column("code", Role::Key, Absent::Refused, ["a", "b", "ç'\\\""]),
            column(
                "name",
                Role::Value,
                Absent::Default(Value::String(None)),
                [None, Some("Ann"), Some("ann"), Some("")],
            ),
            column(
                "price",
                Role::Value,
                Absent::Refused,
                [price(0, 0), price(150, 2), price(15, 1), price(-225, 2)],
            ),
            column("active", Role::Value, Absent::Refused, [false, true]),
            column(
                "level",
                Role::Value,
                Absent::Default(Value::Int(None)),
                [None, Some(1), Some(2), Some(3)],
            ),
            column(
                "ratio",
                Role::Value,
                Absent::Default(Value::Double(None)),
                [None, Some(0.5), Some(-1.25)],
            ),
            column("grade", Role::Value, Absent::Default(5.into()), [5, 4, 6]),
            column("gone", Role::Value, Absent::Default(false.into()), [false, false, true]),
            column(
                "gone_at",
                Role::Value,
                Absent::Default(Value::BigInt(None)),
                [None, None, Some(7_i64)],
            ),
            column("source", Role::Ignore, Absent::Default("imported".into()), ["x", "y"]),
            column("stamp", Role::Touch, Absent::Default("nobody".into()), ["x", "y"]),
        ])
        .primary_key(&["id"])
        .keys(&[&["id"], &["code"], &["level"], &["company", "grade"], &["source", "code"], &[]])
        .soft_deletes(&[
            &[("gone", true.into())],
            &[("gone_at", 9_i64.into())],
            &[("gone_at", 9_i64.into()), ("gone", true.into())],
            &[("gone", true.into()), ("gone_at", 9_i64.into())],
        ])
    }
}

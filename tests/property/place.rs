//! A table whose primary key is the key, of two columns and nothing generated.

use bulk_sync::SyncKey;
use bulk_sync_tests::oracle::{Absent, Role};
use sea_orm::{Value, entity::prelude::*};

use crate::subject::{Fixed, Layout, Subject, column};

/// A place.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "place")]
#[sync(keys(company, code), ignore(source), touch(stamp))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    pub name: Option<String>,
    pub level: Option<i32>,
    pub size: i64,
    #[sea_orm(default_value = true)]
    pub open: bool,
    #[sea_orm(default_value = "imported")]
    pub source: String,
    pub stamp: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Subject for Entity {}

impl Fixed for Entity {
    fn layout() -> Layout {
        Layout::new(vec![
            column("company", Role::Key, Absent::Refused, [1, 2, 3]),
            column("code", Role::Key, Absent::Refused, ["a", "b", "ç'\\\""]),
            column(
                "name",
                Role::Value,
                Absent::Default(Value::String(None)),
                [None, Some("Ann"), Some("🦀"), Some("")],
            ),
            column(
                "level",
                Role::Value,
                Absent::Default(Value::Int(None)),
                [None, Some(1), Some(2), Some(3)],
            ),
            column("size", Role::Value, Absent::Refused, [0, i64::MAX, i64::MIN]),
            column("open", Role::Value, Absent::Default(true.into()), [false, true]),
            column("source", Role::Ignore, Absent::Default("imported".into()), ["x", "y"]),
            column(
                "stamp",
                Role::Touch,
                Absent::Default(Value::BigInt(None)),
                [None, Some(1_i64), Some(2)],
            ),
        ])
        .primary_key(&["company", "code"])
        .keys(&[
            &["code"],
            &["name"],
            &["company", "level"],
            &["company", "code", "size"],
        ])
    }
}

//! Texts that are compared by functions of their own.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A label.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "label")]
pub struct Model {
    /// The key.
    #[sea_orm(primary_key, auto_increment = false)]
    #[sync(key)]
    pub code: i32,
    /// The same whatever the blanks around it.
    #[sync(with = "same_text")]
    pub title: String,
    /// The same whatever the case, where there is one.
    #[sync(with = "same_remark")]
    pub remark: Option<String>,
    /// Never the same.
    #[sync(with = "never")]
    pub version: i32,
    /// Compared as usual.
    pub price: i32,
}

#[expect(clippy::ptr_arg, reason = "the type of the field")]
fn same_text(current: &String, desired: &String) -> bool {
    current.trim() == desired.trim()
}

#[expect(clippy::ref_option, reason = "the type of the field")]
fn same_remark(current: &Option<String>, desired: &Option<String>) -> bool {
    let lower = |remark: &Option<String>| remark.as_ref().map(|text| text.to_lowercase());
    lower(current) == lower(desired)
}

fn never(_: &i32, _: &i32) -> bool {
    false
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

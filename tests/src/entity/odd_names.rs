//! Names that have to be quoted.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "Group \"By\" `it`")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key, column_name = "Primary")]
    pub id: i32,
    /// A reserved word.
    #[sync(key)]
    #[sea_orm(column_name = "select")]
    pub select: String,
    /// Two words, one of them in a quote.
    #[sea_orm(column_name = "Two \"Words\"")]
    pub two_words: Option<i32>,
    /// A raw identifier.
    pub r#where: bool,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A row.
pub fn odd(select: &str, two_words: Option<i32>, r#where: bool) -> Model {
    Model { id: 0, select: select.into(), two_words, r#where }
}

//! Goods in stock: small enough to show statements with. The columns are in
//! alphabetical order, in which a mock gives them too, and of types that are
//! exact on every backend.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// An article in a warehouse.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "stock")]
pub struct Model {
    /// How many.
    pub amount: i32,
    /// The article.
    #[sync(key)]
    pub code: i32,
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// What is said of it.
    pub remark: Option<String>,
    /// The warehouse.
    #[sync(key)]
    pub warehouse: i32,
    /// When the row was created.
    #[sync(ignore)]
    pub x_created: i32,
    /// When the row was written.
    #[sync(touch)]
    pub y_touched: i32,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Goods in warehouse 7.
pub fn stock(id: i32, code: i32, amount: i32, remark: Option<&str>) -> Model {
    Model {
        amount,
        code,
        id,
        remark: remark.map(Into::into),
        warehouse: 7,
        x_created: 1,
        y_touched: 2,
    }
}

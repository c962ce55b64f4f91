//! Articles of a company: the primary key is not called `id`.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// An article.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "article")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub article_no: i32,
    /// The company.
    #[sync(key)]
    pub company_id: i32,
    /// The company's name for the article.
    #[sync(key)]
    pub sku: String,
    /// The price in cents.
    pub price: i32,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An article whose number is the database's to give.
pub fn article(company_id: i32, sku: &str, price: i32) -> Model {
    Model { article_no: 0, company_id, sku: sku.into(), price }
}

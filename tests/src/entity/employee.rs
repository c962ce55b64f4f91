//! People who work for companies; the key is the company and its own number.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// An employee.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "employee")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The company.
    #[sync(key)]
    pub company_id: i32,
    /// The company's number for the employee.
    #[sync(key)]
    pub external_id: String,
    /// The name.
    pub name: String,
    /// The phone number, where known.
    pub phone: Option<String>,
    /// The salary.
    #[sea_orm(column_type = "Decimal(Some((12, 2)))")]
    pub salary: Decimal,
    /// When the row was created.
    #[sync(ignore)]
    #[sea_orm(default_value = "imported")]
    pub source: String,
    /// By what the row was written last.
    #[sync(touch)]
    #[sea_orm(default_value = "nobody")]
    pub touched_by: String,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An employee of company 501 as an import gives it.
pub fn imported(external_id: &str, name: &str) -> Model {
    Model {
        id: 0,
        company_id: 501,
        external_id: external_id.into(),
        name: name.into(),
        phone: None,
        salary: Decimal::new(123_456, 2),
        source: "import".into(),
        touched_by: "import".into(),
    }
}

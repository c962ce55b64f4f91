//! Employees, as the files have them. The key is the company and the number that
//! the company gives; the unique index keeps it so.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// An employee.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "employee")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Where the employee works.
    #[sync(key)]
    #[sea_orm(unique_key = "employee_key")]
    pub company_id: i32,
    /// The company's number of the employee.
    #[sync(key)]
    #[sea_orm(unique_key = "employee_key")]
    pub external_id: String,
    /// First and last name.
    pub name: String,
    /// NULL where the file has nothing.
    pub email: Option<String>,
    /// The part of the company.
    pub department: String,
    /// A month's pay.
    #[sea_orm(column_type = "Decimal(Some((12, 2)))")]
    pub salary: Decimal,
    /// The first day.
    pub hired_on: Date,
    /// The company itself.
    #[sea_orm(belongs_to, from = "company_id", to = "id")]
    pub company: HasOne<super::company::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

//! Companies: each one's employees are a scope of their own.

use sea_orm::entity::prelude::*;

/// A company.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "company")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// What the company is called.
    pub name: String,
    /// Who works there.
    #[sea_orm(has_many)]
    pub employees: HasMany<super::employee::Entity>,
    /// The imports that have changed its employees.
    #[sea_orm(has_many)]
    pub imports: HasMany<super::import::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

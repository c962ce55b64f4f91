//! The audit table: one row for each import that has changed something, written
//! in the transaction of the change.

use sea_orm::entity::prelude::*;

/// An import.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Whose employees were imported.
    #[sea_orm(indexed)]
    pub company_id: i32,
    /// The name of the file, as the sender called it.
    pub file_name: String,
    /// When the change was written.
    pub applied_at: DateTimeUtc,
    /// The rows that were created.
    pub created: i64,
    /// The rows that were updated.
    pub updated: i64,
    /// The rows that were deleted.
    pub deleted: i64,
    /// The rows that were as the file has them.
    pub unchanged: i64,
    /// The fingerprint of the plan that was applied.
    pub fingerprint: String,
    /// The company itself.
    #[sea_orm(belongs_to, from = "company_id", to = "id")]
    pub company: HasOne<super::company::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

//! Who works on what: a table between two others, with a foreign key that may be NULL.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// An employee works on a project.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "membership")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The project.
    #[sync(key)]
    pub project_id: i32,
    /// The employee.
    #[sync(key)]
    pub employee_id: i64,
    /// Who vouches for the employee, where somebody does.
    pub sponsor_id: Option<i64>,
}

/// To both sides.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The project.
    #[sea_orm(
        belongs_to = "super::project::Entity",
        from = "Column::ProjectId",
        to = "super::project::Column::Id"
    )]
    Project,
    /// The employee.
    #[sea_orm(
        belongs_to = "super::employee::Entity",
        from = "Column::EmployeeId",
        to = "super::employee::Column::Id"
    )]
    Employee,
    /// Who vouches.
    #[sea_orm(
        belongs_to = "super::employee::Entity",
        from = "Column::SponsorId",
        to = "super::employee::Column::Id"
    )]
    Sponsor,
}

impl ActiveModelBehavior for ActiveModel {}

/// A membership whose number is the database's to give.
pub fn membership(project_id: i32, employee_id: i64, sponsor_id: Option<i64>) -> Model {
    Model { id: 0, project_id, employee_id, sponsor_id }
}

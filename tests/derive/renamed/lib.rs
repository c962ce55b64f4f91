//! An entity in a crate that knows bulk-sync by another name and denies lints.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

use sea_orm::entity::prelude::*;
use sync_renamed::SyncKey;

/// An employee.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "employee")]
#[sync(crate = "sync_renamed", touch(score))]
pub struct Model {
    /// The primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The number that the company gave.
    #[sync(key)]
    pub number: i32,
    /// The name.
    #[sync(with = "str::eq_ignore_ascii_case")]
    pub name: String,
    /// The score.
    pub score: Option<f64>,
}

/// No relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_has_another_name() {
        assert_eq!(Model::fields().len(), 4);
    }
}

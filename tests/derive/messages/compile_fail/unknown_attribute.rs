use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "employee")]
#[sync(key(number), sorted, with = "compare")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sync(keys)]
    pub number: i32,
    #[sync(skip, crate = "bulk_sync")]
    pub email: String,
    #[sync(ignored = true, "touch", key)]
    pub name: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}

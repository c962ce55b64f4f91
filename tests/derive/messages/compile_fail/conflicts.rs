use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "employee")]
#[sync(
    keys(email),
    ignore(name),
    touch(email, name),
    crate = "bulk_sync",
    crate = "bulk_sync"
)]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sync(key, ignore)]
    pub number: i32,
    #[sync(key)]
    pub email: String,
    #[sync(touch, touch)]
    pub name: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}

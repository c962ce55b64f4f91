use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "employee")]
#[sync(keys = "number", keys("number", number.x, number), ignore(), touch name)]
#[sync(crate = bulk_sync)]
#[sync(crate)]
#[sync()]
pub struct Model {
    #[sea_orm(primary_key)]
    #[sync]
    pub id: i32,
    #[sync = "key"]
    pub number: i32,
    #[sync(key = true, touch(a, b) ignore)]
    pub email: String,
    #[sync(with)]
    pub name: String,
    #[sync(with = str::eq)]
    pub city: String,
    #[sync(with = "not a path")]
    pub street: String,
    #[sync(with = )]
    pub house: String,
    #[sync(,)]
    pub floor: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}

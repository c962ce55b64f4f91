use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "place")]
#[sync(touch(seen))]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sync(key, with = "caseless")]
    pub code: String,
    #[sync(with = "caseless", ignore)]
    pub note: String,
    #[sync(with = "caseless")]
    pub seen: String,
    #[sync(with = "caseless", with = "caseless")]
    pub name: String,
}

fn caseless(left: &String, right: &String) -> bool {
    left.eq_ignore_ascii_case(right)
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}

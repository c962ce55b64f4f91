use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "place")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[sync(key)]
    pub id: i32,
    #[sync(with = "missing::function")]
    pub code: String,
    #[sync(with = "numbers")]
    pub name: String,
}

fn numbers(left: &i32, right: &i32) -> bool {
    left == right
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}

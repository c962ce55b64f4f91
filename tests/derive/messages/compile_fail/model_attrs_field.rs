use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "employee", model_attrs(derive(SyncKey)))]
pub struct Model {
    #[sea_orm(primary_key)]
    #[sync(key)]
    pub id: i32,
}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}

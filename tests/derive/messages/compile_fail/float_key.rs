use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "place")]
#[sync(keys(latitude))]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub latitude: f64,
    #[sync(key)]
    pub longitude: Option<f32>,
    pub height: f64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}

//! A small table that the conditions of other tables ask.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, IntoActiveModel, Schema, entity::prelude::*,
};

/// What is in it, as (number, kind).
pub const REGIONS: [(i32, i32); 3] = [(1, 1), (2, 2), (3, 2)];

/// A region.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "region")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    pub kind: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Creates the table, unless it is there, and puts the regions into it.
pub async fn create(db: &DatabaseConnection) -> Result<(), DbErr> {
    let schema = Schema::new(db.get_database_backend());
    db.execute(schema.create_table_from_entity(Entity).if_not_exists()).await?;
    Entity::delete_many().exec(db).await?;
    let regions = REGIONS.map(|(number, kind)| Model { number, kind }.into_active_model());
    Entity::insert_many(regions).exec_without_returning(db).await?;
    Ok(())
}

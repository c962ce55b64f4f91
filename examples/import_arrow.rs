//! Imports Arrow record batches, as Parquet files, DataFusion, Polars and
//! DuckDB give them, through SeaORM's feature `with-arrow`.
//!
//! ```text
//! cargo run --example import_arrow --features arrow
//! ```
//!
//! A column of the batch that the entity has becomes a value of it, and one that
//! the batch does not have is left unset: not compared, not updated, and the
//! database's default in new rows. SeaORM has Arrow 60; a batch of another
//! version of Arrow is another type.

use std::{error::Error, sync::Arc};

use bulk_sync::prelude::*;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, Database, Schema,
    arrow::{
        array::{Int64Array, RecordBatch, StringArray},
        datatypes::{DataType, Field, Schema as ArrowSchema},
    },
};

mod price {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "price")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sync(key)]
        pub sku: String,
        pub cents: i64,
        #[sea_orm(default_value = "new")]
        pub note: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::connect("sqlite::memory:").await?;
    let schema = Schema::new(db.get_database_backend());
    db.execute(&schema.create_table_from_entity(price::Entity)).await?;

    let monday = batch(&["A1", "B2", "C3"], &[1_000, 2_000, 3_000])?;
    let models = price::ActiveModel::from_arrow(&monday)?;
    let result = price::Entity::bulk_sync(models, WholeTable, None).exec(&db).await?;
    println!("Monday: {result}");
    assert_eq!(result.to_string(), "3 created, 0 updated, 0 deleted, 0 unchanged");

    let tuesday = batch(&["A1", "B2", "D4"], &[1_000, 2_500, 4_000])?;
    let models = price::ActiveModel::from_arrow(&tuesday)?;
    let sync = price::Entity::bulk_sync(models, WholeTable, None);
    let result = sync.clone().exec(&db).await?;
    println!("Tuesday: {result}");
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    assert!(sync.check(&db).await?);
    Ok(())
}

/// As a reader of Parquet files gives it.
fn batch(skus: &[&'static str], cents: &[i64]) -> Result<RecordBatch, Box<dyn Error>> {
    let fields = [("sku", DataType::Utf8), ("cents", DataType::Int64)];
    let fields = fields.map(|(name, data_type)| Field::new(name, data_type, false));
    let skus = Arc::new(StringArray::from(skus.to_vec()));
    let cents = Arc::new(Int64Array::from(cents.to_vec()));
    let schema = Arc::new(ArrowSchema::new(fields.to_vec()));
    Ok(RecordBatch::try_new(schema, vec![skus, cents])?)
}

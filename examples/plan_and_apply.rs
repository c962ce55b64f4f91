//! A price list is compared with the table, looked at, and applied: a
//! truncated one is refused, a plan that has gone stale is refused, and what is
//! applied is written down in an audit table in the same transaction.
//!
//! ```text
//! cargo run --example plan_and_apply
//! ```

use std::error::Error;

use bulk_sync::{BulkSync, prelude::*};
use sea_orm::{
    ActiveValue::Set, Database, DatabaseConnection, DatabaseTransaction, DbErr, Schema,
    entity::prelude::*,
};

mod product {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "product")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sync(key)]
        #[sea_orm(unique)]
        pub sku: String,
        pub title: String,
        pub cents: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod audit {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub counts: String,
        #[sea_orm(column_type = "Text")]
        pub diff: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = open().await?;
    let list =
        [("cup", "Cup", 450), ("jug", "Jug", 1_900), ("mug", "Mug", 700), ("pot", "Pot", 2_500)];
    price_list(&list).on_change(write_audit).exec(&db).await?;

    println!("A list that broke off after its first line:\n");
    let plan = price_list(&list[..1]).compare(&db).await?;
    println!("{plan}");
    match plan.guard() {
        Ok(()) => println!("\nallowed"),
        Err(error) => println!("\nrefused: {error}"),
    }

    println!("\nThe whole of it:\n");
    let list = [
        ("cup", "Cup", 475),
        ("jug", "Jug", 1_900),
        ("mug", "Big mug", 700),
        ("pan", "Pan", 3_900),
    ];
    let shown = price_list(&list).compare(&db).await?;
    println!("{shown}");
    // a service keeps these digits beside the button that confirms the plan
    let confirmed = shown.fingerprint();
    println!("\nfingerprint {confirmed}");

    println!("\nMeanwhile somebody changes the mug; the plan no longer holds:");
    let mug = product::Entity::find().filter(product::Column::Sku.eq("mug")).one(&db).await?;
    let mut mug: product::ActiveModel = mug.ok_or("there is no mug")?.into();
    mug.cents = Set(750);
    mug.update(&db).await?;
    match shown.apply(&db).await {
        Ok(result) => println!("applied: {result}"),
        Err(error) => println!("refused: {error}"),
    }

    println!("\nCompared again:\n");
    let plan = price_list(&list).compare(&db).await?;
    println!("{plan}");
    println!("\nthe plan that was confirmed: {}", plan.fingerprint() == confirmed);
    println!("applied: {}", plan.on_change(write_audit).apply(&db).await?);

    println!("\nThe audit table:");
    for entry in audit::Entity::find().all(&db).await? {
        println!("  {}: {}", entry.id, entry.counts);
    }
    Ok(())
}

/// A sync with a price list of three fields a line, that may not delete more
/// than half of the products.
fn price_list(lines: &[(&str, &str, i64)]) -> BulkSync<product::Entity> {
    let product = |&(sku, title, cents): &(&str, &str, i64)| product::Model {
        id: 0,
        sku: sku.into(),
        title: title.into(),
        cents,
    };
    let products: Vec<_> = lines.iter().map(product).collect();
    product::Entity::bulk_sync(products, WholeTable, None).max_delete_share(0.5)
}

/// Writes down what the sync did. It runs before the commit: when it fails, the
/// products stay as they were.
async fn write_audit(
    plan: &SyncPlan<product::Entity>,
    transaction: &DatabaseTransaction,
) -> Result<(), DbErr> {
    let entry = audit::ActiveModel {
        counts: Set(plan.summary().to_string()),
        diff: Set(format!("{plan:#}")),
        ..Default::default()
    };
    entry.insert(transaction).await?;
    Ok(())
}

async fn open() -> Result<DatabaseConnection, DbErr> {
    let db = Database::connect("sqlite::memory:").await?;
    let schema = Schema::new(db.get_database_backend());
    db.execute(&schema.create_table_from_entity(product::Entity)).await?;
    db.execute(&schema.create_table_from_entity(audit::Entity)).await?;
    Ok(db)
}

//! A table that several sources write: each sync is about the rows of its own
//! source, because its scope says so.
//!
//! ```text
//! cargo run --example owned_rows
//! ```

use bulk_sync::prelude::*;
use sea_orm::{ConnectionTrait, Database, IntoActiveModel, Schema, entity::prelude::*};

mod country {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "country")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        #[sync(key)]
        pub code: String,
        pub name: String,
        /// Which import looks after the row; NULL where a person does.
        pub synced_by: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The name under which this program owns rows.
const OWNER: &str = "iso-3166";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::connect("sqlite::memory:").await?;
    let table = Schema::new(db.get_database_backend()).create_table_from_entity(country::Entity);
    db.execute(&table).await?;
    let by_hand = [country("XK", "Kosovo", None), country("XX", "At sea", None)];
    country::Entity::insert_many(by_hand.map(IntoActiveModel::into_active_model)).exec(&db).await?;

    let scope = || country::Column::SyncedBy.eq(OWNER);
    let sync = |models| country::Entity::bulk_sync(models, scope(), None);

    println!("The first import:");
    let imported =
        vec![country("AT", "Austria", Some(OWNER)), country("DD", "East Germany", Some(OWNER))];
    println!("  {}", sync(imported).exec(&db).await?);

    println!("\nOne that no longer has DD; the rows made by hand are out of its scope:");
    let imported =
        vec![country("AT", "Austria", Some(OWNER)), country("DE", "Germany", Some(OWNER))];
    println!("  {}", sync(imported).exec(&db).await?);

    println!("\nA model without the owner's name would be created out of the scope:");
    let imported = vec![
        country("AT", "Austria", Some(OWNER)),
        country("DE", "Germany", Some(OWNER)),
        country("FR", "France", None),
    ];
    match sync(imported).exec(&db).await {
        Ok(result) => println!("  {result}"),
        Err(error) => println!("  refused: {error}"),
    }

    println!("\nThe table:");
    for row in country::Entity::find().all(&db).await? {
        println!("  {} {:8} {}", row.code, row.name, row.synced_by.as_deref().unwrap_or("by hand"));
    }
    Ok(())
}

fn country(code: &str, name: &str, synced_by: Option<&str>) -> country::Model {
    country::Model { code: code.into(), name: name.into(), synced_by: synced_by.map(Into::into) }
}

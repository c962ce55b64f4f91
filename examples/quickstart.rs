//! A company's list of employees, imported again and again into an embedded
//! SQLite database: only what differs is written, and the employees of other
//! companies are left alone.
//!
//! ```text
//! cargo run --example quickstart
//! ```

use bulk_sync::prelude::*;
use sea_orm::{Database, DatabaseConnection, DbErr, IntoActiveModel, Schema, entity::prelude::*};

mod employee {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "employee")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sync(key)]
        pub company_id: i32,
        #[sync(key)]
        pub external_id: String,
        pub name: String,
        pub phone: Option<String>,
        #[sea_orm(column_type = "Decimal(Some((12, 2)))")]
        pub salary: Decimal,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

const COMPANY: i32 = 501;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = open().await?;
    let scope = || employee::Column::CompanyId.eq(COMPANY);
    let sync = |models| employee::Entity::bulk_sync(models, scope(), None);

    println!("Company 7 is in the table already.");
    employee::Entity::insert(employee(7, "A1", "Aaron", None, 3_000).into_active_model())
        .exec(&db)
        .await?;

    println!("\nThe first import of company {COMPANY}:");
    let monday = vec![
        employee(COMPANY, "A1", "Ann", Some("555-0101"), 4_200),
        employee(COMPANY, "B2", "Bob", None, 3_900),
        employee(COMPANY, "C3", "Carla", Some("555-0103"), 5_100),
    ];
    println!("  {}", sync(monday).exec(&db).await?);

    println!(
        "\nThe next one: Bob has a phone and a raise, Carla has left, Dan is new. What it would do:"
    );
    let tuesday = vec![
        employee(COMPANY, "A1", "Ann", Some("555-0101"), 4_200),
        employee(COMPANY, "B2", "Bob", Some("555-0102"), 4_000),
        employee(COMPANY, "D4", "Dan", None, 3_500),
    ];
    let plan = sync(tuesday.clone()).compare(&db).await?;
    println!("{plan}");

    println!("\nNothing has been written so far. Now it is:");
    let result = sync(tuesday.clone()).exec(&db).await?;
    println!("  {result}");
    for (column, rows) in result.changed_columns() {
        println!("  {column} changed in {rows} of the rows updated");
    }

    println!("\nThe same import again:");
    println!("  {}", sync(tuesday).exec(&db).await?);

    println!("\nAn export that broke off and is empty:");
    match sync(Vec::new()).exec(&db).await {
        Ok(result) => println!("  {result}"),
        Err(error) => println!("  refused: {error}"),
    }

    println!("\nThe table:");
    for row in employee::Entity::find().all(&db).await? {
        let phone = row.phone.as_deref().unwrap_or("-");
        println!(
            "  {:3} {:3} {:6} {:9} {:8.2}",
            row.company_id, row.external_id, row.name, phone, row.salary
        );
    }
    Ok(())
}

/// An SQLite database in memory, with the table that the entity describes.
async fn open() -> Result<DatabaseConnection, DbErr> {
    let db = Database::connect("sqlite::memory:").await?;
    let table = Schema::new(db.get_database_backend()).create_table_from_entity(employee::Entity);
    db.execute(&table).await?;
    Ok(db)
}

/// An employee as an export gives it; the `id` is the database's to give.
fn employee(
    company_id: i32,
    external_id: &str,
    name: &str,
    phone: Option<&str>,
    salary: i64,
) -> employee::Model {
    employee::Model {
        id: 0,
        company_id,
        external_id: external_id.into(),
        name: name.into(),
        phone: phone.map(Into::into),
        salary: Decimal::new(salary * 100, 2),
    }
}

//! The first start, and the next one.

use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};
use import_service::{
    entity::{company, employee, import},
    schema,
};
use sea_orm::{IntoActiveModel, SqlErr, entity::prelude::*};

use crate::client::{Client, file};

pub const TESTS: [Test; 3] = tests![
    the_first_start_fills_the_tables_and_the_next_one_leaves_them,
    the_key_is_unique_in_the_table,
    the_companies_are_listed_with_their_employees,
];

async fn the_first_start_fills_the_tables_and_the_next_one_leaves_them(db: Db) -> TestResult {
    schema::prepare(&db.pool).await?;
    let companies = company::Entity::find().all(&db.pool).await?;
    let employees = employee::Entity::find().all(&db.pool).await?;
    assert_eq!((companies.len(), employees.len()), (3, 32));
    company::Entity::delete_by_id(companies[2].id).exec(&db.pool).await?;
    employees[0].clone().into_active_model().delete(&db.pool).await?;

    schema::prepare(&db.pool).await?;
    assert_eq!(company::Entity::find().all(&db.pool).await?, companies[..2]);
    assert_eq!(employee::Entity::find().all(&db.pool).await?, employees[1..]);
    assert!(import::Entity::find().all(&db.pool).await?.is_empty());
    Ok(())
}

async fn the_key_is_unique_in_the_table(db: Db) -> TestResult {
    schema::prepare(&db.pool).await?;
    // the second start must not have lost the index
    schema::prepare(&db.pool).await?;
    let employee = employee::Entity::find().one(&db.pool).await?.ok_or("no employee")?;
    let mut twin = employee.into_active_model().reset_all();
    twin.id = sea_orm::NotSet;
    let Err(error) = twin.insert(&db.pool).await else { return Err("two have one key".into()) };
    let is_unique = matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)));
    assert!(is_unique, "{error}");
    Ok(())
}

async fn the_companies_are_listed_with_their_employees(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file(&["A1 Ann"])).await?;
    let page = client.get("/").await?;
    page.contains("Harbour Logistics</a><span>24 employees</span>")?;
    page.contains("Test &amp; Co</a><span>1 employee</span>")?;
    Ok(())
}

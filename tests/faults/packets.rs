//! Statements that a server takes none larger of: `max_allowed_packet` of MySQL.

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        reading,
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::entity::prelude::*;

use crate::fixture::{Failure, bounded, chain, connect};

pub const TESTS: [Test; 6] = tests![
    rows_that_are_too_large_together_are_split,
    a_large_value_that_does_not_change_is_not_sent,
    large_keys_are_split,
    large_keys_are_looked_up,
    documents_that_are_asked_about_are_split,
    a_value_that_is_too_large_is_an_error,
];

/// What the rows of a sync hold together, at least.
const TOGETHER: usize = 40 << 20;

/// The table of employees with texts of any length, and what the server takes.
async fn with_long_texts(db: &Db) -> Result<usize, Failure> {
    db.create_table(employee::Entity).await?;
    for column in ["name LONGTEXT NOT NULL", "phone LONGTEXT", "external_id LONGTEXT NOT NULL"] {
        db.pool.execute_unprepared(&format!("ALTER TABLE employee MODIFY {column}")).await?;
    }
    limit(db).await
}

async fn limit(db: &Db) -> Result<usize, Failure> {
    let sql = "SELECT CAST(@@max_allowed_packet AS SIGNED)";
    let row = db.pool.query_one_raw(sea_orm::Statement::from_string(db.backend(), sql)).await?;
    let limit = usize::try_from(row.ok_or("no limit")?.try_get_by_index::<i64>(0)?)?;
    // smaller ones need no test: the library's own limit is below all defaults
    if limit >= TOGETHER {
        return Err(format!("the server takes {limit} bytes").into());
    }
    Ok(limit)
}

fn sync(models: impl IntoIterator<Item = employee::Model>) -> BulkSync<employee::Entity> {
    employee::Entity::bulk_sync(models, employee::Column::CompanyId.eq(501), None)
}

/// Rows with a text of so many bytes.
fn with_phones(bytes: usize, name: &str) -> impl Iterator<Item = employee::Model> {
    (0..TOGETHER / bytes).map(move |n| employee::Model {
        phone: Some("5".repeat(bytes)),
        ..imported(&format!("E{n}"), name)
    })
}

async fn rows_that_are_too_large_together_are_split(db: Db) -> TestResult {
    with_long_texts(&db).await?;
    for bytes in [100_000, 900_000, 9_000_000] {
        let rows = (TOGETHER / bytes) as u64;
        let created = bounded(sync(with_phones(bytes, "Ann")).exec(&db.pool)).await??;
        assert_eq!(created.created, rows);
        let changed = with_phones(bytes, "Ann").map(|mut row| {
            row.phone = row.phone.map(|phone| phone.replace('5', "6"));
            row
        });
        let updated = bounded(sync(changed).exec(&db.pool)).await??;
        assert_eq!(updated.updated, rows);
        assert_eq!(sync([]).allow_empty().exec(&db.pool).await?.deleted, rows);
    }
    Ok(())
}

/// A column is sent where it differs, though the same statement updates a row
/// in which another one does.
async fn a_large_value_that_does_not_change_is_not_sent(db: Db) -> TestResult {
    with_long_texts(&db).await?;
    sync(with_phones(100_000, "Ann")).exec(&db.pool).await?;
    let mut renamed: Vec<_> = with_phones(100_000, "Anna").collect();
    renamed[7].phone = None;
    let rows = renamed.len() as u64;
    let updated = bounded(sync(renamed).exec(&db.pool)).await??;
    assert_eq!(updated.updated, rows);
    Ok(())
}

fn with_long_keys(bytes: usize) -> impl Iterator<Item = employee::Model> {
    (0..900).map(move |n| imported(&format!("{}{n}", "5".repeat(bytes)), "Ann"))
}

async fn large_keys_are_split(db: Db) -> TestResult {
    with_long_texts(&db).await?;
    let created = bounded(sync(with_long_keys(60_000)).exec(&db.pool)).await??;
    assert_eq!(created.created, 900);
    Ok(())
}

async fn large_keys_are_looked_up(db: Db) -> TestResult {
    with_long_texts(&db).await?;
    let found = bounded(sync(with_long_keys(60_000)).skip_deletes().skip_creates().exec(&db.pool));
    assert_eq!(found.await??.created, 0);
    Ok(())
}

/// Documents that differ in Rust and may be the same to the database.
async fn documents_that_are_asked_about_are_split(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    limit(&db).await?;
    let rows = |text: &str| {
        let detail = Json::String(text.repeat(100_000));
        (0..400).map(move |n| reading::Model {
            id: 0,
            name: format!("R{n}"),
            taken_at: DateTimeUtc::UNIX_EPOCH,
            price: Decimal::ONE,
            code: "12345".to_owned(),
            detail: Some(detail.clone()),
        })
    };
    let sync = |text| reading::Entity::bulk_sync(rows(text), WholeTable, None);
    assert_eq!(bounded(sync("a").exec(&db.pool)).await??.created, 400);
    assert_eq!(bounded(sync("b").exec(&db.pool)).await??.updated, 400);
    Ok(())
}

async fn a_value_that_is_too_large_is_an_error(db: Db) -> TestResult {
    let limit = with_long_texts(&db).await?;
    let pool = connect(&db.url, 1).await?;
    sync([imported("A1", "Ann")]).exec(&pool).await?;
    let mut ann = imported("A1", "Anna");
    ann.phone = Some("5".repeat(limit + 1));
    let rows = [ann, imported("B2", "Bob")];
    let error = bounded(sync(rows).exec(&pool)).await?.err().ok_or("the sync was done")?;
    let text = chain(&error);
    assert!(text.contains("employee") && text.contains("max_allowed_packet"), "{text}");
    assert!(sync([imported("A1", "Ann")]).check(&pool).await?);
    Ok(())
}

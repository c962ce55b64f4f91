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
use sea_orm::{Statement, entity::prelude::*};

use crate::{
    fixture::{Failure, bounded, chain, connect},
    promised::says_too_large,
};

pub const TESTS: [Test; 6] = tests![
    rows_that_are_too_large_together_are_split,
    a_large_value_that_does_not_change_is_not_sent,
    large_keys_are_split,
    large_keys_are_looked_up,
    documents_that_are_asked_about_are_split,
    a_value_that_is_too_large_is_an_error,
];

/// The table of employees with texts of any length, and what the rows of a sync
/// have to hold together to be too much for the server.
async fn with_long_texts(db: &Db) -> Result<usize, Failure> {
    db.create_table(employee::Entity).await?;
    for column in ["name LONGTEXT NOT NULL", "phone LONGTEXT", "external_id LONGTEXT NOT NULL"] {
        db.pool.execute_unprepared(&format!("ALTER TABLE employee MODIFY {column}")).await?;
    }
    Ok(limit(db).await? + (2 << 20))
}

/// The size of the largest statement that the server takes.
async fn limit(db: &Db) -> Result<usize, Failure> {
    let sql = "SELECT CAST(@@max_allowed_packet AS SIGNED)";
    let row = db.pool.query_one_raw(Statement::from_string(db.backend(), sql)).await?;
    Ok(usize::try_from(row.ok_or("no limit")?.try_get_by_index::<i64>(0)?)?)
}

fn sync(models: impl IntoIterator<Item = employee::Model>) -> BulkSync<employee::Entity> {
    employee::Entity::bulk_sync(models, employee::Column::CompanyId.eq(501), None)
}

/// So many rows with a text of so many bytes.
fn with_phones(rows: usize, bytes: usize, name: &str) -> impl Iterator<Item = employee::Model> {
    (0..rows).map(move |n| employee::Model {
        phone: Some("5".repeat(bytes)),
        ..imported(&format!("E{n}"), name)
    })
}

async fn rows_that_are_too_large_together_are_split(db: Db) -> TestResult {
    let together = with_long_texts(&db).await?;
    for bytes in [100_000, 900_000, together / 2] {
        let models = || with_phones(together / bytes, bytes, "Ann");
        let rows = models().count() as u64;
        let created = bounded(sync(models()).exec(&db.pool)).await??;
        assert_eq!(created.created, rows);
        let changed = models().map(|mut row| {
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
    let rows = with_long_texts(&db).await? / 100_000;
    sync(with_phones(rows, 100_000, "Ann")).exec(&db.pool).await?;
    let mut renamed: Vec<_> = with_phones(rows, 100_000, "Anna").collect();
    renamed[7].phone = None;
    let updated = bounded(sync(renamed).exec(&db.pool)).await??;
    assert_eq!(updated.updated, rows as u64);
    Ok(())
}

/// Rows with keys of so many bytes together.
fn with_long_keys(together: usize) -> impl Iterator<Item = employee::Model> {
    let key = "5".repeat(together / 900);
    (0..900).map(move |n| imported(&format!("{key}{n}"), "Ann"))
}

async fn large_keys_are_split(db: Db) -> TestResult {
    let together = with_long_texts(&db).await?;
    let created = bounded(sync(with_long_keys(together)).exec(&db.pool)).await??;
    assert_eq!(created.created, 900);
    Ok(())
}

async fn large_keys_are_looked_up(db: Db) -> TestResult {
    let together = with_long_texts(&db).await?;
    let sync = sync(with_long_keys(together)).skip_deletes().skip_creates();
    assert_eq!(bounded(sync.exec(&db.pool)).await??.created, 0);
    Ok(())
}

/// Whether documents differ is the database's to say.
async fn documents_that_are_asked_about_are_split(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let limit = limit(&db).await?;
    let mut rows: Vec<_> = (0..=limit / 1_000_000)
        .map(|n| reading::Model {
            id: 0,
            name: format!("R{n}"),
            taken_at: DateTimeUtc::UNIX_EPOCH,
            price: Decimal::ONE,
            code: "12345".to_owned(),
            detail: Some(Json::String("5".repeat(1_000_000))),
        })
        .collect();
    let sync = |rows: &[reading::Model]| {
        reading::Entity::bulk_sync(rows.to_vec(), WholeTable, None).exec(&db.pool)
    };
    assert_eq!(bounded(sync(&rows)).await??.created, rows.len() as u64);
    rows[7].detail = Some(Json::String("6".repeat(limit / 15)));
    assert_eq!(bounded(sync(&rows)).await??.updated, 1);
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
    assert!(text.contains("employee") && says_too_large(&text), "{text}");
    assert!(sync([imported("A1", "Ann")]).check(&pool).await?);
    Ok(())
}

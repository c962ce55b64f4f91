//! Columns that are compared by a function of their own.

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::label,
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{QueryOrder, entity::prelude::*, sea_query::Expr};

use crate::fixture::Failure;

pub const TESTS: [Test; 3] = tests![
    what_the_function_holds_the_same_is_no_difference,
    what_the_function_holds_the_same_is_not_written_with_other_changes,
    what_the_function_never_holds_the_same_is_updated_each_time,
];

fn label(code: i32, title: &str, remark: Option<&str>, price: i32) -> label::Model {
    label::Model { code, title: title.into(), remark: remark.map(Into::into), version: 1, price }
}

/// Without the column that is never the same.
fn sync(models: [label::Model; 2]) -> BulkSync<label::Entity> {
    label::Entity::bulk_sync(models, WholeTable, None).ignore([label::Column::Version])
}

async fn labels(db: &Db) -> Result<Vec<label::Model>, Failure> {
    Ok(label::Entity::find().order_by_asc(label::Column::Code).all(&db.pool).await?)
}

const REMARK: Option<&str> = Some("Fine");

async fn what_the_function_holds_the_same_is_no_difference(db: Db) -> TestResult {
    db.create_table(label::Entity).await?;
    sync([label(1, "one", REMARK, 10), label(2, "two", None, 20)]).exec(&db.pool).await?;
    let same = || sync([label(1, " one ", Some("FINE"), 10), label(2, "two\t", None, 20)]);
    assert!(same().check(&db.pool).await?);
    let plan = same().compare(&db.pool).await?;
    assert!(plan.is_empty(), "{plan}");
    assert!(plan.apply(&db.pool).await?.is_unchanged());
    assert!(same().exec(&db.pool).await?.is_unchanged());
    let other = sync([label(1, "eins", None, 10), label(2, "two", REMARK, 20)]);
    let result = other.clone().exec(&db.pool).await?;
    let changed: Vec<_> = result.changed_columns().collect();
    assert_eq!(changed, [("title", 1), ("remark", 2)]);
    assert!(other.exec(&db.pool).await?.is_unchanged());
    Ok(())
}

async fn what_the_function_holds_the_same_is_not_written_with_other_changes(db: Db) -> TestResult {
    db.create_table(label::Entity).await?;
    sync([label(1, "one", None, 10), label(2, "two", None, 20)]).exec(&db.pool).await?;
    // both columns are written in one statement, each in one of the rows
    let models = [label(1, " eins ", None, 10), label(2, " two ", None, 21)];
    let plan = sync(models.clone()).compare(&db.pool).await?;
    assert_eq!(sync(models).exec(&db.pool).await?.updated, 2);
    let expected = [label(1, " eins ", None, 10), label(2, "two", None, 21)];
    assert_eq!(labels(&db).await?, expected);
    // what is the same to the function has changed all the same
    sync([label(1, "one", None, 10), label(2, "two", None, 20)]).exec(&db.pool).await?;
    label::Entity::update_many()
        .col_expr(label::Column::Title, Expr::val("TWO "))
        .filter(label::Column::Code.eq(2))
        .exec(&db.pool)
        .await?;
    let stale = plan.apply(&db.pool).await;
    assert!(matches!(stale, Err(SyncError::StalePlan { .. })), "{stale:?}");
    Ok(())
}

async fn what_the_function_never_holds_the_same_is_updated_each_time(db: Db) -> TestResult {
    db.create_table(label::Entity).await?;
    let models = [label(1, "one", None, 10)];
    let sync = || label::Entity::bulk_sync(models.clone(), WholeTable, None);
    assert_eq!(sync().exec(&db.pool).await?.created, 1);
    for _ in 0..2 {
        assert_eq!(sync().max_tries(1).exec(&db.pool).await?.updated, 1);
    }
    Ok(())
}

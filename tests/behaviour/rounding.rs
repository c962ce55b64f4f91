//! Values that the table does not keep as they are given.

use bulk_sync::{SyncError, prelude::*, testing::assert_converges};
use bulk_sync_tests::{
    entity::reading,
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{ConnectionTrait, DbBackend, QueryOrder, entity::prelude::*};

pub const TESTS: [Test; 6] = tests![
    what_a_column_does_not_keep_is_no_difference,
    the_smallest_difference_that_a_column_keeps_is_one_update,
    a_key_that_the_database_holds_equal_matches_and_is_respelled,
    keys_that_the_database_holds_equal_are_duplicates,
    a_text_too_long_for_its_column_is_an_error_or_kept_whole,
    asserting_convergence_changes_nothing_and_fails_with_the_columns,
];

fn reading(
    name: &str,
    nanoseconds: u32,
) -> Result<reading::Model, Box<dyn std::error::Error + Send + Sync>> {
    let taken_at = DateTimeUtc::from_timestamp(1_700_000_000, nanoseconds).ok_or("out of range")?;
    Ok(reading::Model {
        id: 0,
        name: name.into(),
        taken_at,
        price: Decimal::new(10_005, 3),
        code: "ab".into(),
        detail: Some(serde_json::json!({"b": 1e16, "a": [0.1 + 0.2, null]})),
    })
}

async fn sync(db: &Db, models: Vec<reading::Model>) -> Result<SyncResult, SyncError> {
    reading::Entity::bulk_sync(models, WholeTable, None).exec(&db.pool).await
}

async fn what_a_column_does_not_keep_is_no_difference(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let models = vec![reading("a", 123_456_789)?, reading("b", 999_999_999)?];
    assert_eq!(sync(&db, models.clone()).await?.created, 2);
    let again = sync(&db, models.clone()).await?;
    assert_eq!(again.to_string(), "0 created, 0 updated, 0 deleted, 2 unchanged");
    let sync = || reading::Entity::bulk_sync(models.clone(), WholeTable, None);
    assert!(sync().check(&db.pool).await?);
    let plan = sync().compare(&db.pool).await?;
    assert!(plan.is_empty(), "{plan}");
    assert!(plan.apply(&db.pool).await?.is_unchanged());
    Ok(())
}

async fn the_smallest_difference_that_a_column_keeps_is_one_update(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let first = reading("a", 123_456_789)?;
    sync(&db, vec![first.clone()]).await?;
    let later = reading::Model { taken_at: reading("a", 125_456_789)?.taken_at, ..first.clone() };
    let dearer = reading::Model { price: Decimal::new(10_025, 3), ..first.clone() };
    let recoded = reading::Model { code: "ac".into(), ..first.clone() };
    let detailed = reading::Model { detail: None, ..first };
    for model in [later, dearer, recoded, detailed] {
        sync(&db, vec![reading("a", 123_456_789)?]).await?;
        let result = sync(&db, vec![model.clone()]).await?;
        assert_eq!(result.to_string(), "0 created, 1 updated, 0 deleted, 0 unchanged", "{model:?}");
        let again = sync(&db, vec![model.clone()]).await?;
        assert!(again.is_unchanged(), "{model:?}: {again}");
    }
    Ok(())
}

async fn a_key_that_the_database_holds_equal_matches_and_is_respelled(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    sync(&db, vec![reading("anna", 0)?, reading("bert", 0)?]).await?;
    let before = reading::Entity::find().order_by_asc(reading::Column::Id).all(&db.pool).await?;
    let models = vec![reading("ANNA", 0)?, reading("bert", 0)?, reading("Cleo", 0)?];
    let result = sync(&db, models.clone()).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 0 deleted, 1 unchanged");
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("name", 1)]);
    let after = reading::Entity::find().order_by_asc(reading::Column::Id).all(&db.pool).await?;
    assert_eq!((after[0].id, after[0].name.as_str()), (before[0].id, "ANNA"));
    assert!(sync(&db, models).await?.is_unchanged());
    Ok(())
}

async fn keys_that_the_database_holds_equal_are_duplicates(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    sync(&db, vec![reading("anna", 0)?, reading("zoe", 0)?]).await?;
    for names in [["anna", "ANNA"], ["Anna", "ANNA"], ["new", "New"]] {
        let models = vec![reading(names[0], 0)?, reading(names[1], 0)?];
        match sync(&db, models).await {
            Err(SyncError::InvalidInput { .. } | SyncError::Constraint { .. }) => {}
            other => return Err(format!("{names:?}: {other:?}").into()),
        }
        assert_eq!(reading::Entity::find().count(&db.pool).await?, 2);
    }
    Ok(())
}

async fn a_text_too_long_for_its_column_is_an_error_or_kept_whole(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let mut model = reading("a", 0)?;
    model.code = "abcde".into();
    sync(&db, vec![model.clone()]).await?;
    model.code = "abcdef".into();
    match sync(&db, vec![model.clone()]).await {
        Ok(result) => assert_eq!(result.updated, 1),
        Err(SyncError::Statement { table, .. }) => assert_eq!(table, "reading"),
        other => return Err(format!("{other:?}").into()),
    }
    let rows = reading::Entity::find().all(&db.pool).await?;
    assert!(["abcde", "abcdef"].contains(&rows[0].code.as_str()));
    Ok(())
}

async fn asserting_convergence_changes_nothing_and_fails_with_the_columns(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let models = vec![reading("a", 123_456_789)?];
    assert_converges(reading::Entity, models.clone(), WholeTable, &db.pool).await?;
    assert_eq!(reading::Entity::find().count(&db.pool).await?, 0);

    db.execute_unprepared(match db.backend() {
        DbBackend::Postgres => {
            "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS \
             $$BEGIN NEW.code := 'LOUD'; RETURN NEW; END$$; \
             CREATE TRIGGER loud BEFORE INSERT ON reading FOR EACH ROW EXECUTE FUNCTION shout()"
        }
        DbBackend::MySql => {
            "CREATE TRIGGER loud BEFORE INSERT ON reading FOR EACH ROW SET NEW.code = 'LOUD'"
        }
        _ => {
            "CREATE TRIGGER loud AFTER INSERT ON reading BEGIN \
             UPDATE reading SET code = 'LOUD' WHERE id = NEW.id; END"
        }
    })
    .await?;
    let pool = db.pool.clone();
    let failed =
        tokio::spawn(
            async move { assert_converges(reading::Entity, models, WholeTable, &pool).await },
        );
    let panic = failed.await.err().ok_or("it did not fail")?.into_panic();
    let message = panic.downcast_ref::<String>().ok_or("no message")?;
    assert!(message.contains("name = 'a': code 'LOUD"), "{message}");
    assert_eq!(reading::Entity::find().count(&db.pool).await?, 0);
    Ok(())
}

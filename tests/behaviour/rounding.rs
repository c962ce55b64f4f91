//! Values that the table does not keep as they are given.

use bulk_sync::{SyncError, prelude::*, testing::assert_converges};
use bulk_sync_tests::{
    entity::{
        category::{self, category},
        meter::{self, meter},
        reading,
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ConnectionTrait, DbBackend, QueryOrder, TransactionTrait, entity::prelude::*,
    sea_query::prelude::chrono::TimeDelta,
};

pub const TESTS: [Test; 19] = tests![
    infinity_is_refused_by_mysql_and_not_taken_for_a_number,
    padded_keys_of_a_column_that_the_entity_calls_text_are_found_again,
    a_new_key_that_the_database_holds_equal_to_an_unchanged_one_is_a_duplicate,
    what_a_column_does_not_keep_is_no_difference,
    what_a_column_does_not_keep_of_thousands_of_times_is_no_difference,
    how_a_document_is_spaced_and_ordered_is_no_difference,
    how_a_number_in_a_document_is_spelled_is_no_difference_on_postgres,
    the_smallest_difference_that_a_column_keeps_is_one_update,
    a_key_that_the_database_holds_equal_matches_and_is_respelled,
    keys_that_the_database_holds_equal_are_duplicates,
    a_text_too_long_for_its_column_is_an_error_or_kept_whole,
    asserting_convergence_changes_nothing_and_fails_with_the_columns,
    what_is_written_is_what_was_given,
    new_keys_that_the_database_holds_equal_are_refused_without_a_unique_index_too,
    a_stamped_row_comes_back_under_a_key_that_is_spelled_otherwise,
    a_key_that_is_spelled_otherwise_is_looked_up,
    padded_keys_are_found_again,
    padded_keys_that_differ_in_blanks_are_duplicates,
    the_catalog_is_understood_whatever_the_case_of_its_names,
];

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn reading(name: &str, nanoseconds: u32) -> Result<reading::Model, Failure> {
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

async fn what_a_column_does_not_keep_of_thousands_of_times_is_no_difference(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    thousands_of_times_settle(&db.pool).await?;
    if db.backend() == DbBackend::MySql {
        // as MySQL does unless it is told otherwise
        let transaction = db.pool.begin().await?;
        let rounds = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',TIME_ROUND_FRACTIONAL')";
        transaction.execute_unprepared(rounds).await?;
        thousands_of_times_settle(&transaction).await?;
        transaction.rollback().await?;
    }
    Ok(())
}

/// So many that the database is not asked about each.
async fn thousands_of_times_settle(db: &impl SyncConnection) -> TestResult {
    let sync = async |models: &[reading::Model]| {
        reading::Entity::bulk_sync(models.to_vec(), WholeTable, None).exec(db).await
    };
    let odd = |number: u32| {
        // before and after 1970 and 2000, every other one in the middle of two that are kept
        let second = (i64::from(number % 7) - 3) * 500_000_000 + i64::from(number);
        let fraction =
            number % 1_000 * 1_000_000 + [500_000, number * 997 % 1_000_000][number as usize % 2];
        let taken_at = DateTimeUtc::from_timestamp(second, fraction).ok_or("out of range")?;
        Ok::<_, Failure>(reading::Model { taken_at, ..reading(&number.to_string(), 0)? })
    };
    let mut models = (0..6_000).map(odd).collect::<Result<Vec<_>, _>>()?;
    sync(&models).await?;
    let again = sync(&models).await?;
    assert_eq!(again.to_string(), "0 created, 0 updated, 0 deleted, 6000 unchanged");
    for at in [0, 1, 3_500, 5_999] {
        models[at].taken_at += TimeDelta::milliseconds(1);
    }
    assert_eq!(sync(&models).await?.updated, 4);
    assert!(sync(&models).await?.is_unchanged());
    Ok(())
}

async fn how_a_document_is_spaced_and_ordered_is_no_difference(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let detail = serde_json::json!({"b": [1, "x"], "a": {"d": null, "c": true}});
    let model = reading::Model { detail: Some(detail), ..reading("a", 0)? };
    sync(&db, vec![model.clone()]).await?;
    let respaced = r#"UPDATE reading SET detail = '{ "a":{"c":true,  "d":null},"b":[1,"x"]}'"#;
    db.execute_unprepared(respaced).await?;
    assert!(sync(&db, vec![model]).await?.is_unchanged());
    Ok(())
}

async fn how_a_number_in_a_document_is_spelled_is_no_difference_on_postgres(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let with =
        |detail| Ok::<_, Failure>(reading::Model { detail: Some(detail), ..reading("a", 0)? });
    sync(&db, vec![with(serde_json::json!({"a": 1}))?]).await?;
    let respelled = with(serde_json::json!({"a": 1.0}))?;
    let updated = if db.backend() == DbBackend::Postgres { 0 } else { 1 };
    assert_eq!(sync(&db, vec![respelled.clone()]).await?.updated, updated);
    assert!(sync(&db, vec![respelled]).await?.is_unchanged());
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

/// Even where each row is some model's, so that none is left over.
async fn a_new_key_that_the_database_holds_equal_to_an_unchanged_one_is_a_duplicate(
    db: Db,
) -> TestResult {
    reading::create_table(&db.pool).await?;
    sync(&db, vec![reading("anna", 0)?, reading("zoe", 0)?]).await?;
    let models = vec![reading("anna", 0)?, reading("zoe", 0)?, reading("ANNA", 0)?];
    let refused = sync(&db, models).await;
    assert!(matches!(refused, Err(SyncError::InvalidInput { .. })), "{refused:?}");
    assert_eq!(reading::Entity::find().count(&db.pool).await?, 2);
    Ok(())
}

async fn keys_that_the_database_holds_equal_are_duplicates(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    sync(&db, vec![reading("anna", 0)?, reading("zoe", 0)?]).await?;
    for names in [["anna", "ANNA"], ["Anna", "ANNA"], ["new", "New"]] {
        let models = vec![reading(names[0], 0)?, reading(names[1], 0)?];
        match sync(&db, models.clone()).await {
            Err(SyncError::InvalidInput { .. } | SyncError::Constraint { .. }) => {}
            other => return Err(format!("{names:?}: {other:?}").into()),
        }
        refused_by_looking(&db, models).await?;
        assert_eq!(reading::Entity::find().count(&db.pool).await?, 2);
    }
    Ok(())
}

/// Neither `compare` nor `check` takes the models.
async fn refused_by_looking(db: &Db, models: Vec<reading::Model>) -> TestResult {
    let sync = || reading::Entity::bulk_sync(models.clone(), WholeTable, None);
    let compared = sync().compare(&db.pool).await;
    assert!(matches!(compared, Err(SyncError::InvalidInput { .. })), "{compared:?}");
    let checked = sync().check(&db.pool).await;
    assert!(matches!(checked, Err(SyncError::InvalidInput { .. })), "{checked:?}");
    Ok(())
}

async fn new_keys_that_the_database_holds_equal_are_refused_without_a_unique_index_too(
    db: Db,
) -> TestResult {
    for statement in reading::definition(db.backend()) {
        db.execute_unprepared(&statement.replace(" UNIQUE", "")).await?;
    }
    let models = vec![reading("new", 0)?, reading("other", 0)?, reading("New", 0)?];
    let refused = sync(&db, models.clone()).await;
    assert!(matches!(refused, Err(SyncError::InvalidInput { .. })), "{refused:?}");
    assert_eq!(reading::Entity::find().count(&db.pool).await?, 0);
    refused_by_looking(&db, models).await
}

async fn what_is_written_is_what_was_given(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    sync(&db, vec![reading("a", 0)?]).await?;
    let dearer = reading::Model { price: Decimal::new(10_025, 3), ..reading("a", 0)? };
    let plan = reading::Entity::bulk_sync([dearer.clone()], WholeTable, None).compare(&db.pool);
    let changes: Vec<_> = plan.await?.updated().flat_map(|row| row.changes).collect();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].desired, dearer.price.into());
    Ok(())
}

async fn a_stamped_row_comes_back_under_a_key_that_is_spelled_otherwise(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let sync = |models: Vec<reading::Model>| {
        let sync = reading::Entity::bulk_sync(models, WholeTable, None).allow_empty();
        let sync = sync.soft_delete([(reading::Column::Detail, serde_json::json!("gone"))]);
        // what is not compared is read of a row that is revived all the same
        sync.ignore([reading::Column::Code])
    };
    let kept = |name| Ok::<_, Failure>(reading::Model { detail: None, ..reading(name, 0)? });
    assert_eq!(sync(vec![kept("anna")?]).exec(&db.pool).await?.created, 1);
    assert_eq!(sync(vec![]).exec(&db.pool).await?.deleted, 1);
    let plan = sync(vec![kept("ANNA")?]).compare(&db.pool).await?;
    assert_eq!(plan.summary().revived, 1, "{plan}");
    let result = sync(vec![kept("ANNA")?]).exec(&db.pool).await?;
    assert_eq!((result.revived, result.created), (1, 0), "{result}");
    let rows = reading::Entity::find().all(&db.pool).await?;
    assert_eq!((rows.len(), rows[0].name.as_str()), (1, "ANNA"));
    assert!(sync(vec![kept("ANNA")?]).check(&db.pool).await?);
    Ok(())
}

async fn a_key_that_is_spelled_otherwise_is_looked_up(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    if db.backend() == DbBackend::Postgres {
        let citext = "CREATE EXTENSION IF NOT EXISTS citext; \
                      ALTER TABLE reading ALTER name TYPE citext";
        db.execute_unprepared(citext).await?;
    }
    sync(&db, vec![reading("anna", 0)?, reading("bert", 0)?]).await?;
    let respelled = || {
        let sync = reading::Entity::bulk_sync(reading("ANNA", 0).ok(), WholeTable, None);
        sync.skip_deletes()
    };
    let plan = respelled().compare(&db.pool).await?;
    let result = respelled().exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 0 deleted, 0 unchanged");
    assert_eq!(result, plan.summary());
    assert!(respelled().check(&db.pool).await?);
    assert_eq!(reading::Entity::find().count(&db.pool).await?, 2);
    Ok(())
}

async fn padded_keys_are_found_again(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let by_code = |models: Vec<reading::Model>| {
        reading::Entity::bulk_sync(models, WholeTable, None).key([reading::Column::Code])
    };
    let coded =
        |code: &str| Ok::<_, Failure>(reading::Model { code: code.into(), ..reading(code, 0)? });
    let models = vec![coded("ab")?, coded("abcde")?, coded("")?];
    let returned = by_code(models.clone()).exec_with_returning(&db.pool).await?;
    assert_eq!(returned.created.len(), 3, "{returned:?}");
    assert!(by_code(models.clone()).check(&db.pool).await?);
    assert!(by_code(models.clone()).skip_deletes().exec(&db.pool).await?.is_unchanged());
    let mut changed = models.clone();
    changed[0].price = Decimal::new(7_25, 2);
    changed.push(coded("xy")?);
    let plan = by_code(changed.clone()).compare(&db.pool).await?;
    let result = plan.apply(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 0 deleted, 2 unchanged");
    assert!(by_code(changed).exec(&db.pool).await?.is_unchanged());
    // a plan is stale when the row that it would create has appeared, padded
    let plan = by_code(vec![coded("new")?]).skip_deletes().compare(&db.pool).await?;
    by_code(vec![coded("new")?]).skip_deletes().exec(&db.pool).await?;
    let stale = plan.apply(&db.pool).await;
    assert!(matches!(stale, Err(SyncError::StalePlan { .. })), "{stale:?}");
    Ok(())
}

async fn padded_keys_of_a_column_that_the_entity_calls_text_are_found_again(db: Db) -> TestResult {
    let table = "CREATE TABLE category (id INT PRIMARY KEY, name CHAR(5) NOT NULL, parent_id INT)";
    db.pool.execute_unprepared(table).await?;
    let model = category::Model { name: "ab   ".to_owned(), ..category(1, None) };
    let sync = || category::Entity::bulk_sync([model.clone()], WholeTable, None).skip_deletes();
    assert_eq!(sync().exec(&db.pool).await?.created, 1);
    assert!(sync().check(&db.pool).await?);
    assert!(sync().compare(&db.pool).await?.is_empty());
    assert!(sync().exec(&db.pool).await?.is_unchanged());
    Ok(())
}

/// A CAST of it to what MySQL rounds as is 0.
async fn infinity_is_refused_by_mysql_and_not_taken_for_a_number(db: Db) -> TestResult {
    if db.backend() != DbBackend::MySql {
        return Ok(());
    }
    db.create_table(meter::Entity).await?;
    let rounding = "ALTER TABLE meter MODIFY reading DOUBLE(10, 2) NOT NULL";
    db.pool.execute_unprepared(rounding).await?;
    let sync = |reading| meter::Entity::bulk_sync([meter(1, reading)], WholeTable, None);
    sync(0.0).exec(&db.pool).await?;
    let done = sync(f64::NEG_INFINITY).exec(&db.pool).await;
    assert!(matches!(done, Err(SyncError::Statement { .. })), "{done:?}");
    Ok(())
}

async fn padded_keys_that_differ_in_blanks_are_duplicates(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    let mut models = vec![reading("a", 0)?, reading("b", 0)?];
    models[1].code.push(' ');
    let by_code = || {
        let models = models.clone();
        reading::Entity::bulk_sync(models, WholeTable, None).key([reading::Column::Code])
    };
    if db.backend() == DbBackend::Sqlite {
        // SQLite pads nothing
        assert_eq!(by_code().exec(&db.pool).await?.created, 2);
        assert!(by_code().check(&db.pool).await?);
        return Ok(());
    }
    let results = [
        by_code().compare(&db.pool).await.map(|plan| plan.summary()),
        by_code().exec(&db.pool).await,
    ];
    for result in results {
        assert!(matches!(result, Err(SyncError::InvalidInput { .. })), "{result:?}");
    }
    assert_eq!(reading::Entity::find().count(&db.pool).await?, 0);
    let result = by_code().last_wins().exec(&db.pool).await?;
    assert_eq!(result.created, 1);
    Ok(())
}

async fn the_catalog_is_understood_whatever_the_case_of_its_names(db: Db) -> TestResult {
    for statement in reading::definition(db.backend()) {
        // PostgreSQL folds what is not quoted
        let statement = statement.replace("taken_at", "Taken_At").replace("price", "PRICE");
        db.execute_unprepared(&statement).await?;
    }
    let mut model = reading("a", 123_456_789)?;
    model.price = Decimal::from_str_exact("10.0052345678901234567")?;
    assert_eq!(sync(&db, vec![model.clone()]).await?.created, 1);
    assert!(sync(&db, vec![model]).await?.is_unchanged());
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
    assert!(message.ends_with("→ 'ab'"), "{message}");
    assert_eq!(reading::Entity::find().count(&db.pool).await?, 0);
    Ok(())
}

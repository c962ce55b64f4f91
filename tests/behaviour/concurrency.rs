//! Other transactions at the same time: what a sync does about them, and what
//! it says. The orders of statements are in `tests/interleavings`.

use std::{error::Error, time::Duration};

use bulk_sync::{Action, BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::employee::{self, imported},
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel,
    TransactionTrait,
    entity::prelude::*,
    sea_query::{Condition, ExprTrait},
};
use tokio::time::timeout;

use crate::fixture::{Failure, id_of, of_501, outsider, people, refused, with_ann_bob_and_cid};

pub const TESTS: [Test; 20] = tests![
    a_sync_with_nothing_to_do_waits_for_no_lock,
    a_sync_waits_for_no_row_of_another_scope,
    a_sync_waits_for_no_row_of_another_scope_where_the_primary_key_is_wider,
    after_the_last_try_the_error_says_how_many_were_made,
    a_lost_race_in_a_transaction_of_the_caller_is_for_the_caller,
    a_sync_in_a_transaction_of_the_caller_sees_what_others_have_committed,
    the_isolation_level_is_that_of_a_transaction_of_the_call,
    the_condition_of_a_scope_lock_is_not_empty,
    a_scope_lock_that_leaves_out_rows_in_scope_is_not_waited_for,
    a_sync_that_waits_goes_on_with_what_the_other_has_committed,
    a_timeout_ends_a_call_that_waits,
    a_dropped_call_leaves_no_transaction_behind,
    a_hook_is_called_again_with_the_transaction,
    syncs_that_start_together_all_succeed,
    a_plan_is_applied_after_a_wait_unless_its_rows_have_changed,
    a_plan_whose_rows_are_as_they_were_is_tried_again,
    a_table_has_one_lock_however_it_is_found,
    a_row_that_is_deleted_since_the_transaction_of_the_caller_began_is_missed,
    a_row_that_is_respelled_since_the_transaction_of_the_caller_began_is_not_overwritten,
    a_row_that_got_the_key_since_the_transaction_of_the_caller_began_is_kept,
];

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

const BEFORE: [&str; 4] = ["501 A1 Ann", "501 B2 Bob", "501 C3 Cid", "502 B2 Bob"];

fn sync(names: &[(&str, &str)]) -> BulkSync<employee::Entity> {
    let models = names.iter().map(|(external_id, name)| imported(external_id, name));
    employee::Entity::bulk_sync(models.collect::<Vec<_>>(), of_501(), None)
}

fn unchanged() -> BulkSync<employee::Entity> {
    sync(&[("A1", "Ann"), ("B2", "Bob"), ("C3", "Cid")])
}

fn changed() -> BulkSync<employee::Entity> {
    sync(&[("A1", "Ann"), ("B2", "Robert"), ("C3", "Cid")])
}

/// A transaction that has written Bob's row and is not committed.
async fn holding_bob(db: &Db) -> Result<DatabaseTransaction, DbErr> {
    let transaction = db.pool.begin().await?;
    rename(&transaction, "Bobby").await?;
    Ok(transaction)
}

async fn rename(db: &impl ConnectionTrait, name: &str) -> Result<(), DbErr> {
    employee::Entity::update_many()
        .col_expr(employee::Column::Name, Expr::value(name))
        .filter(of_501())
        .filter(employee::Column::ExternalId.eq("B2"))
        .exec(db)
        .await?;
    Ok(())
}

/// SQLite lets others read while one writes, as the servers do.
async fn with_readers_beside_a_writer(db: &Db) -> Result<(), DbErr> {
    if db.backend() == DbBackend::Sqlite {
        db.pool.execute_unprepared("PRAGMA journal_mode = WAL").await?;
    }
    with_ann_bob_and_cid(db).await
}

/// One connection that does not wait long for a lock.
async fn impatient(db: &Db) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(&db.url);
    options.max_connections(1).sqlx_logging(false);
    let pool = Database::connect(options).await?;
    let wait = match db.backend() {
        DbBackend::Postgres => "SET lock_timeout = '50ms'",
        DbBackend::MySql => "SET SESSION innodb_lock_wait_timeout = 1",
        _ => "PRAGMA busy_timeout = 0",
    };
    pool.execute_unprepared(wait).await?;
    Ok(pool)
}

async fn a_sync_with_nothing_to_do_waits_for_no_lock(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let other = holding_bob(&db).await?;
    let result = timeout(PATIENCE, unchanged().exec(&db.pool)).await??;
    assert_eq!(result.to_string(), "0 created, 0 updated, 0 deleted, 3 unchanged");
    other.rollback().await?;
    Ok(())
}

/// A table of about as many rows as are written of it is easily scanned for them.
async fn a_sync_waits_for_no_row_of_another_scope(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    waits_for_no_row_of_another_scope(db).await
}

async fn a_sync_waits_for_no_row_of_another_scope_where_the_primary_key_is_wider(
    db: Db,
) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let dropped = match db.backend() {
        DbBackend::Sqlite => return Ok(()),
        DbBackend::Postgres => "CONSTRAINT employee_pkey",
        _ => "PRIMARY KEY",
    };
    let wider = format!("DROP {dropped}, ADD PRIMARY KEY (company_id, id), ADD UNIQUE (id)");
    db.pool.execute_unprepared(&format!("ALTER TABLE employee {wider}")).await?;
    waits_for_no_row_of_another_scope(db).await
}

async fn waits_for_no_row_of_another_scope(db: Db) -> TestResult {
    let number = |number: usize| format!("N{number}");
    let row = |n| imported(&number(n), "name");
    let all = (0..400).flat_map(|n| {
        let outsider = (n % 50 == 0).then(|| outsider(&number(n), "name"));
        outsider.into_iter().chain([row(n)])
    });
    let sync = |models: Vec<_>| employee::Entity::bulk_sync(models, of_501(), None);
    employee::Entity::bulk_sync(all, WholeTable, None).exec(&db.pool).await?;
    let isolation = match db.backend() {
        DbBackend::Sqlite => None,
        _ => Some(IsolationLevel::ReadCommitted),
    };
    let other = db.pool.begin_with_config(isolation, None).await?;
    let outsiders = employee::Column::CompanyId.eq(502);
    if db.backend() == DbBackend::Sqlite {
        assert_eq!(employee::Entity::find().filter(outsiders).all(&other).await?.len(), 8);
    } else {
        let rename = employee::Entity::update_many()
            .col_expr(employee::Column::Name, Expr::value("other"))
            .filter(outsiders);
        assert_eq!(rename.exec(&other).await?.rows_affected, 8);
    }
    let renamed = |n| employee::Model { name: "renamed".to_owned(), ..row(n) };
    for (models, done) in [
        ((0..400).map(renamed).collect(), "0 created, 400 updated, 0 deleted, 0 unchanged"),
        ((200..400).map(row).collect(), "0 created, 200 updated, 200 deleted, 0 unchanged"),
        ((300..500).map(row).collect(), "100 created, 0 updated, 100 deleted, 100 unchanged"),
    ] {
        let result = timeout(PATIENCE, sync(models).exec(&db.pool)).await??;
        assert_eq!(result.to_string(), done);
    }
    other.rollback().await?;
    Ok(())
}

async fn after_the_last_try_the_error_says_how_many_were_made(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let other = holding_bob(&db).await?;
    let pool = impatient(&db).await?;
    let error = changed().max_tries(2).exec(&pool).await.err().ok_or("it was done")?;
    assert!(error.is_retryable(), "{error:?}");
    assert!(error.to_string().starts_with("employee: tried 2 times"), "{error}");
    let SyncError::TriesExhausted { tries: 2, source, .. } = error else {
        return Err(error.into());
    };
    assert!(source.is_retryable() && source.source().is_some(), "{source:?}");
    // one try is none again
    let error = changed().max_tries(1).exec(&pool).await.err().ok_or("it was done")?;
    assert!(matches!(error, SyncError::Statement { .. }) && error.is_retryable(), "{error:?}");
    other.rollback().await?;
    assert_eq!(people(&db.pool).await?, BEFORE);
    assert_eq!(changed().exec(&pool).await?.updated, 1);
    pool.close().await?;
    Ok(())
}

async fn a_lost_race_in_a_transaction_of_the_caller_is_for_the_caller(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let isolation = match db.backend() {
        DbBackend::Sqlite => None,
        _ => Some(IsolationLevel::RepeatableRead),
    };
    let callers = db.pool.begin_with_config(isolation, None).await?;
    // its snapshot is older than what the other commits
    assert_eq!(people(&callers).await?, BEFORE);
    rename(&db.pool, "Bobby").await?;
    let lost = changed().exec(&callers).await;
    if db.backend() == DbBackend::MySql {
        // what a sync writes there is compared with what is committed
        assert_eq!(lost?.updated, 1);
        return Ok(callers.rollback().await?);
    }
    let error = lost.err().ok_or("it was done")?;
    assert!(!matches!(error, SyncError::TriesExhausted { .. }), "{error:?}");
    assert!(error.is_retryable(), "{error:?}");
    callers.rollback().await?;
    let again = db.pool.begin().await?;
    assert_eq!(changed().exec(&again).await?.updated, 1);
    again.commit().await?;
    assert!(people(&db.pool).await?.contains(&"501 B2 Robert".to_owned()));
    Ok(())
}

async fn the_isolation_level_is_that_of_a_transaction_of_the_call(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let serializable = || changed().isolation_level(IsolationLevel::Serializable);
    let callers = db.pool.begin().await?;
    let error = serializable().exec(&callers).await.err().ok_or("it was done")?;
    assert!(error.to_string().contains("begin yours with it"), "{error}");
    let plan = serializable().compare(&callers).await?;
    assert!(matches!(plan.apply(&callers).await, Err(SyncError::InvalidInput { .. })));
    callers.rollback().await?;
    let overlooking = changed().isolation_level(IsolationLevel::RepeatableRead);
    let error = overlooking.exec(&db.pool).await.err().ok_or("it was done")?;
    assert!(error.to_string().contains("takes ReadCommitted or Serializable"), "{error}");
    assert_eq!(serializable().exec(&db.pool).await?.updated, 1);
    Ok(())
}

async fn the_condition_of_a_scope_lock_is_not_empty(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let error = changed().scope_lock(Condition::all()).exec(&db.pool).await;
    let error = error.err().ok_or("it was done")?.to_string();
    assert!(error.contains("the condition of scope_lock() is empty"), "{error}");
    assert_eq!(people(&db.pool).await?, BEFORE);
    assert_eq!(changed().scope_lock(WholeTable).exec(&db.pool).await?.updated, 1);
    Ok(())
}

/// On MySQL there is then no row to lock.
async fn a_scope_lock_that_leaves_out_rows_in_scope_is_not_waited_for(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let narrow = employee::Column::CompanyId.eq(503).and(employee::Column::ExternalId.eq("B2"));
    let done = changed().scope_lock(narrow).exec(&db.pool).await;
    if db.backend() != DbBackend::MySql {
        assert_eq!(done?.updated, 1);
        return Ok(());
    }
    let error = done.err().ok_or("it was done")?.to_string();
    assert!(error.contains("the row with the primary key id = "), "{error}");
    assert_eq!(people(&db.pool).await?, BEFORE);
    Ok(())
}

/// The rows that it leaves alone, too, are those that are committed.
async fn a_sync_in_a_transaction_of_the_caller_sees_what_others_have_committed(
    db: Db,
) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let callers = db.pool.begin().await?;
    assert_eq!(people(&callers).await?, BEFORE);
    rename(&db.pool, "Bobby").await?;
    // Bob as he was before, and somebody else otherwise
    let models = [imported("A1", "Anna"), imported("B2", "Bob"), imported("C3", "Cid")];
    let sync = employee::Entity::bulk_sync(models, of_501(), None);
    match sync.clone().exec(&callers).await {
        Ok(_) => callers.commit().await?,
        Err(error) => {
            assert!(error.is_retryable(), "{error:?}");
            callers.rollback().await?;
            sync.clone().exec(&db.pool).await?;
        }
    }
    assert!(sync.check(&db.pool).await?, "{:?}", people(&db.pool).await?);
    Ok(())
}

async fn a_sync_that_waits_goes_on_with_what_the_other_has_committed(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let other = db.pool.begin().await?;
    rename(&other, "Robert").await?;
    let pool = db.pool.clone();
    let waiting = tokio::spawn(async move { changed().exec(&pool).await });
    // whether it waits already or not: the outcome is the same
    tokio::time::sleep(Duration::from_millis(100)).await;
    other.commit().await?;
    let result = timeout(PATIENCE, waiting).await???;
    assert_eq!(result.to_string(), "0 created, 0 updated, 0 deleted, 3 unchanged");
    Ok(())
}

async fn a_timeout_ends_a_call_that_waits(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let other = holding_bob(&db).await?;
    let short = Duration::from_millis(200);
    let error = timeout(PATIENCE, changed().timeout(short).exec(&db.pool)).await?;
    let error = error.err().ok_or("it was done")?;
    assert!(matches!(&error, SyncError::Timeout { after, .. } if *after == short), "{error:?}");
    assert!(!error.is_retryable());
    other.rollback().await?;
    assert_eq!(people(&db.pool).await?, BEFORE);
    let result = changed().timeout(PATIENCE).exec(&db.pool).await?;
    assert_eq!(result.updated, 1);
    Ok(())
}

async fn a_dropped_call_leaves_no_transaction_behind(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let other = holding_bob(&db).await?;
    for _ in 0..3 {
        assert!(timeout(Duration::from_millis(100), changed().exec(&db.pool)).await.is_err());
    }
    other.rollback().await?;
    // a lock or a transaction that is left would make one of these wait
    timeout(PATIENCE, rename(&db.pool, "Bobby")).await??;
    let result = timeout(PATIENCE, changed().exec(&db.pool)).await??;
    assert_eq!(result.updated, 1);
    assert!(people(&db.pool).await?.contains(&"501 B2 Robert".to_owned()));
    Ok(())
}

/// What the hook says of its first call, as a database would.
async fn a_hook_is_called_again_with_the_transaction(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let calls = std::sync::atomic::AtomicU32::new(0);
    let stale = || SyncError::StalePlan { table: "audit".to_owned(), rows: Vec::new() };
    let result = changed()
        .on_change(async |_: &SyncPlan<employee::Entity>, _: &DatabaseTransaction| {
            match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => Err(stale()),
                _ => Ok(()),
            }
        })
        .exec(&db.pool)
        .await?;
    assert_eq!((result.updated, calls.into_inner()), (1, 2));
    Ok(())
}

async fn syncs_that_start_together_all_succeed(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let names: Vec<String> = (0..8).map(|number| format!("name {number}")).collect();
    let calls = names.iter().map(|name| {
        let (pool, name) = (db.pool.clone(), name.clone());
        tokio::spawn(async move { sync(&[("A1", &name), (&name, "new")]).exec(&pool).await })
    });
    for call in calls.collect::<Vec<_>>() {
        timeout(PATIENCE, call).await???;
    }
    let people = people(&db.pool).await?;
    let is_of_one = |name: &String| {
        people == [format!("501 A1 {name}"), format!("501 {name} new"), BEFORE[3].to_owned()]
    };
    assert!(names.iter().any(is_of_one), "{people:?}");
    Ok(())
}

async fn a_plan_is_applied_after_a_wait_unless_its_rows_have_changed(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let plan = changed().compare(&db.pool).await?;
    let other = holding_bob(&db).await?;
    let pool = db.pool.clone();
    let waiting = tokio::spawn(async move { plan.apply(&pool).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    other.commit().await?;
    let error = timeout(PATIENCE, waiting).await??.err().ok_or("it was applied")?;
    assert!(matches!(error, SyncError::StalePlan { .. }), "{error:?}");
    let plan = changed().compare(&db.pool).await?;
    let other = holding_bob(&db).await?;
    let pool = db.pool.clone();
    let waiting = tokio::spawn(async move { plan.apply(&pool).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    other.rollback().await?;
    let result = timeout(PATIENCE, waiting).await???;
    assert_eq!(result.updated, 1);
    let error: Failure = refused(&db, changed().max_tries(0)).await?.into();
    assert!(error.to_string().contains("max_tries takes at least 1"), "{error}");
    Ok(())
}

async fn a_plan_whose_rows_are_as_they_were_is_tried_again(db: Db) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let calls = std::sync::atomic::AtomicU32::new(0);
    let stale = || SyncError::StalePlan { table: "audit".to_owned(), rows: Vec::new() };
    let plan = changed().compare(&db.pool).await?;
    let result = plan
        .on_change(async |_: &SyncPlan<employee::Entity>, _: &DatabaseTransaction| {
            match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => Err(stale()),
                _ => Ok(()),
            }
        })
        .apply(&db.pool)
        .await?;
    assert_eq!((result.updated, calls.into_inner()), (1, 2));
    Ok(())
}

/// The table of employees by an entity that says in which schema it is.
mod in_public {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
    #[sea_orm(schema_name = "public", table_name = "employee")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sync(key)]
        pub company_id: i32,
        #[sync(key)]
        pub external_id: String,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The others write another row, and would not wait for it.
async fn a_table_has_one_lock_however_it_is_found(db: Db) -> TestResult {
    if db.backend() != DbBackend::Postgres {
        return Ok(());
    }
    with_ann_bob_and_cid(&db).await?;
    db.pool.execute_unprepared("CREATE SCHEMA tenant").await?;
    let callers = db.pool.begin().await?;
    assert_eq!(changed().exec(&callers).await?.updated, 1);
    let pool = impatient(&db).await?;
    let waits =
        |error: SyncError| matches!(error, SyncError::Statement { action: Action::Lock, .. });
    let anna = |name: &str, id: &str| in_public::Model {
        id: 0,
        company_id: 501,
        external_id: id.to_owned(),
        name: name.to_owned(),
    };
    let models = [anna("Anna", "A1"), anna("Bob", "B2"), anna("Cid", "C3")];
    let scope = in_public::Column::CompanyId.eq(501);
    let by_schema = in_public::Entity::bulk_sync(models, scope, None).max_tries(1);
    assert!(by_schema.exec(&pool).await.is_err_and(waits));
    pool.execute_unprepared("SET search_path = tenant, public").await?;
    let by_path = sync(&[("A1", "Anna"), ("B2", "Bob"), ("C3", "Cid")]).max_tries(1);
    assert!(by_path.exec(&pool).await.is_err_and(waits));
    pool.close().await?;
    callers.rollback().await?;
    Ok(())
}

/// Syncs in a transaction of the caller that began before another one's change, or
/// again, and gives the primary keys by name.
async fn after(
    db: &Db,
    others: &str,
    sync: BulkSync<employee::Entity>,
) -> Result<Vec<(String, i64)>, Failure> {
    let callers = db.pool.begin().await?;
    people(&callers).await?;
    db.pool.execute_unprepared(others).await?;
    match sync.clone().exec(&callers).await {
        Ok(_) => callers.commit().await?,
        Err(error) => {
            assert!(error.is_retryable(), "{error:?}");
            callers.rollback().await?;
            sync.clone().exec(&db.pool).await?;
        }
    }
    assert!(sync.check(&db.pool).await?, "{:?}", people(&db.pool).await?);
    let rows = employee::Entity::find().filter(of_501()).all(&db.pool).await?;
    Ok(rows.into_iter().map(|row| (row.external_id, row.id)).collect())
}

async fn a_row_that_is_deleted_since_the_transaction_of_the_caller_began_is_missed(
    db: Db,
) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let sync = sync(&[("A1", "Ann"), ("B2", "Robert")]).skip_deletes();
    let rows = after(&db, "DELETE FROM employee WHERE external_id = 'A1'", sync).await?;
    assert!(rows.iter().any(|(external_id, _)| external_id == "A1"), "{rows:?}");
    Ok(())
}

/// So many models are not looked up: the whole scope is read.
async fn a_row_that_is_respelled_since_the_transaction_of_the_caller_began_is_not_overwritten(
    db: Db,
) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let ann = id_of(&db.pool, "A1").await?;
    let many = (0..1_100).map(|number| imported(&format!("N{number}"), "name"));
    let models: Vec<_> = many.chain([imported("a1", "Ann")]).collect();
    employee::Entity::bulk_sync(models[..1_100].to_vec(), of_501(), None)
        .skip_deletes()
        .exec(&db.pool)
        .await?;
    let sync = employee::Entity::bulk_sync(models, of_501(), None).skip_deletes();
    let respelled = "UPDATE employee SET external_id = 'XYZ' WHERE external_id = 'A1'";
    let rows = after(&db, respelled, sync).await?;
    assert!(rows.contains(&("XYZ".to_owned(), ann)), "{rows:?}");
    Ok(())
}

/// MySQL holds the keys equal: the row is respelled.
async fn a_row_that_got_the_key_since_the_transaction_of_the_caller_began_is_kept(
    db: Db,
) -> TestResult {
    with_readers_beside_a_writer(&db).await?;
    let cid = id_of(&db.pool, "C3").await?;
    let sync = sync(&[("A1", "Ann"), ("B2", "Bob"), ("d4", "Cid")]);
    let others = "UPDATE employee SET external_id = 'D4' WHERE external_id = 'C3'";
    let rows = after(&db, others, sync).await?;
    if db.backend() == DbBackend::MySql {
        assert!(rows.contains(&("d4".to_owned(), cid)), "{rows:?}");
    }
    Ok(())
}

//! What the server says itself: each is a clear error, the table is as it was,
//! and the pool works once the reason is gone.

use std::time::Instant;

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::employee,
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbBackend, QuerySelect, TransactionTrait,
    entity::prelude::*, sea_query::LockType,
};

use crate::{
    fixture::{
        Failure, LONG, Table, begin_writing, bounded, chain, connect, employees, ensure, restore,
        settled, sync, table, with_employees, works,
    },
    promised::RAISES,
    user::User,
};

pub const TESTS: [Test; 5] = tests![
    a_trigger_that_raises_is_an_error_whatever_the_operation,
    a_lock_that_is_not_to_be_had_in_time_is_an_error,
    a_server_that_only_reads_is_an_error,
    nothing_to_do_can_be_found_on_a_server_that_only_reads,
    a_pool_without_a_free_connection_is_an_error,
];

pub const OF_SERVERS: [Test; 5] = tests![
    a_statement_that_takes_too_long_is_an_error,
    a_right_that_is_missing_is_an_error_whatever_the_operation,
    a_sync_that_updates_nothing_needs_no_right_to_update,
    too_many_connections_are_an_error,
    a_connection_that_the_server_closes_is_an_error,
];

pub const OF_SQLITE: [Test; 2] =
    tests![a_full_database_is_an_error, a_trigger_that_rolls_back_is_an_error,];

const OPERATIONS: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// The sync fails, says this and the name of the table, and has changed nothing.
pub async fn refused(db: &Db, pool: &DatabaseConnection, says: &str) -> Result<SyncError, Failure> {
    let error = bounded(sync().exec(pool)).await?.err().ok_or("the sync was done")?;
    let text = chain(&error);
    if !text.contains("employee") || !text.contains(says) {
        return Err(format!("unclear: {text}").into());
    }
    match table(db).await? {
        Table::Before => Ok(error),
        other => Err(format!("{other:?}").into()),
    }
}

/// Lets a sync happen after one that was refused.
async fn succeeds(db: &Db, pool: &DatabaseConnection) -> TestResult {
    settled(db, pool).await?;
    works(db, pool).await?;
    restore(db).await
}

/// A pool of one connection, for which something is set.
async fn session(db: &Db, set: &str) -> Result<DatabaseConnection, Failure> {
    let pool = connect(&db.url, 1).await?;
    pool.execute_unprepared(set).await?;
    Ok(pool)
}

async fn create_trigger(db: &Db, operation: &str, body: &str) -> Result<(), DbErr> {
    if db.backend() != DbBackend::Postgres {
        let mut trigger =
            format!("CREATE TRIGGER guard BEFORE {operation} ON employee FOR EACH ROW {body}");
        if db.backend() == DbBackend::Sqlite {
            // a connection of it believes in a trigger that another one has dropped
            trigger.insert_str(0, "DROP TRIGGER IF EXISTS guard; ");
        }
        db.pool.execute_unprepared(&trigger).await?;
        return Ok(());
    }
    let function = format!(
        "CREATE OR REPLACE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN {body}; RETURN COALESCE(NEW, OLD); END $$"
    );
    db.pool.execute_unprepared(&function).await?;
    let trigger = format!(
        "CREATE TRIGGER guard BEFORE {operation} ON employee FOR EACH ROW EXECUTE FUNCTION guard()"
    );
    db.pool.execute_unprepared(&trigger).await?;
    Ok(())
}

async fn drop_trigger(db: &Db) -> Result<(), DbErr> {
    let sql = match db.backend() {
        DbBackend::Postgres => "DROP TRIGGER guard ON employee",
        _ => "DROP TRIGGER guard",
    };
    db.pool.execute_unprepared(sql).await.map(|_| ())
}

async fn a_trigger_that_raises_is_an_error_whatever_the_operation(db: Db) -> TestResult {
    with_employees(&db).await?;
    let pool = connect(&db.url, 1).await?;
    let body = match db.backend() {
        DbBackend::Postgres => "RAISE EXCEPTION 'closed on Sundays'",
        DbBackend::MySql => "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'closed on Sundays'",
        _ => "BEGIN SELECT RAISE(ABORT, 'closed on Sundays'); END",
    };
    for operation in OPERATIONS {
        create_trigger(&db, operation, body).await?;
        let error = refused(&db, &pool, "closed on Sundays").await?;
        assert!(matches!(error, SyncError::Statement { .. }), "{error:?}");
        drop_trigger(&db).await?;
        succeeds(&db, &pool).await?;
    }
    Ok(())
}

/// On SQLite a trigger can end the transaction, or keep what the statement has
/// done so far.
async fn a_trigger_that_rolls_back_is_an_error(db: Db) -> TestResult {
    with_employees(&db).await?;
    let pool = connect(&db.url, 1).await?;
    for how in RAISES {
        for operation in OPERATIONS {
            let body = format!("BEGIN SELECT RAISE({how}, 'closed on Sundays'); END");
            create_trigger(&db, operation, &body).await?;
            refused(&db, &pool, "closed on Sundays").await?;
            let is_open = settled(&db, &pool).await;
            is_open.map_err(|error| format!("{how}, {operation}: {error}"))?;
            drop_trigger(&db).await?;
            succeeds(&db, &pool).await?;
        }
    }
    Ok(())
}

async fn a_statement_that_takes_too_long_is_an_error(db: Db) -> TestResult {
    with_employees(&db).await?;
    let (set, unset, sleep, says) = match db.backend() {
        DbBackend::Postgres => (
            "SET statement_timeout = 200",
            "SET statement_timeout = 0",
            "PERFORM pg_sleep(20)",
            "statement timeout",
        ),
        _ => (
            "SET SESSION max_statement_time = 0.2",
            "SET SESSION max_statement_time = 0",
            "DO SLEEP(20)",
            "max_statement_time",
        ),
    };
    let pool = session(&db, set).await?;
    for operation in OPERATIONS {
        create_trigger(&db, operation, sleep).await?;
        refused(&db, &pool, says).await?;
        drop_trigger(&db).await?;
    }
    pool.execute_unprepared(unset).await?;
    succeeds(&db, &pool).await
}

async fn a_lock_that_is_not_to_be_had_in_time_is_an_error(db: Db) -> TestResult {
    with_employees(&db).await?;
    let (set, says) = match db.backend() {
        DbBackend::Postgres => ("SET lock_timeout = 100", "lock timeout"),
        DbBackend::MySql => ("SET SESSION innodb_lock_wait_timeout = 1", "Lock wait timeout"),
        _ => ("PRAGMA busy_timeout = 100", "database is locked"),
    };
    let pool = session(&db, set).await?;
    let transaction = begin_writing(&db.pool).await?;
    let mut rows = employee::Entity::find().filter(employee::Column::CompanyId.eq(501));
    QuerySelect::query(&mut rows).lock(LockType::Update);
    rows.all(&transaction).await?;
    refused(&db, &pool, says).await?;
    transaction.rollback().await?;
    succeeds(&db, &pool).await
}

fn read_only(backend: DbBackend) -> [&'static str; 3] {
    match backend {
        DbBackend::Postgres => [
            "SET default_transaction_read_only = on",
            "SET default_transaction_read_only = off",
            "read-only transaction",
        ],
        DbBackend::MySql => [
            "SET SESSION TRANSACTION READ ONLY",
            "SET SESSION TRANSACTION READ WRITE",
            "READ ONLY transaction",
        ],
        _ => ["PRAGMA query_only = on", "PRAGMA query_only = off", "readonly database"],
    }
}

async fn a_server_that_only_reads_is_an_error(db: Db) -> TestResult {
    with_employees(&db).await?;
    let [set, unset, says] = read_only(db.backend());
    let pool = session(&db, set).await?;
    refused(&db, &pool, says).await?;
    pool.execute_unprepared(unset).await?;
    succeeds(&db, &pool).await?;
    if db.backend() == DbBackend::Sqlite {
        let pool = connect(&db.url.replace("mode=rwc", "mode=ro"), 1).await?;
        refused(&db, &pool, says).await?;
        assert!(!sync().check(&pool).await?);
    }
    Ok(())
}

async fn nothing_to_do_can_be_found_on_a_server_that_only_reads(db: Db) -> TestResult {
    with_employees(&db).await?;
    sync().exec(&db.pool).await?;
    let [set, ..] = read_only(db.backend());
    let pool = session(&db, set).await?;
    let result = sync().exec(&pool).await?;
    assert_eq!((result.created, result.updated, result.deleted), (0, 0, 0));
    Ok(())
}

async fn a_pool_without_a_free_connection_is_an_error(db: Db) -> TestResult {
    with_employees(&db).await?;
    let mut options = ConnectOptions::new(&db.url);
    options.max_connections(1).acquire_timeout(LONG / 100).sqlx_logging(false);
    let pool = Database::connect(options).await?;
    let transaction = pool.begin().await?;
    let error = bounded(sync().exec(&pool)).await?.err().ok_or("the sync was done")?;
    assert!(chain(&error).contains("pool timed out"), "{error:?}");
    assert_eq!(table(&db).await?, Table::Before);
    transaction.rollback().await?;
    succeeds(&db, &pool).await
}

async fn a_right_that_is_missing_is_an_error_whatever_the_operation(db: Db) -> TestResult {
    with_employees(&db).await?;
    let user = User::create(&db, "").await?;
    let denied = async {
        for operation in OPERATIONS {
            user.grant("SELECT, INSERT, UPDATE, DELETE").await?;
            user.revoke(operation).await?;
            let pool = connect(&user.url, 1).await?;
            refused(&db, &pool, "denied").await?;
            user.grant(operation).await?;
            succeeds(&db, &pool).await?;
            pool.close().await?;
        }
        Ok(())
    };
    let denied = denied.await;
    user.remove().await?;
    denied
}

async fn a_sync_that_updates_nothing_needs_no_right_to_update(db: Db) -> TestResult {
    with_employees(&db).await?;
    let user = User::create(&db, "").await?;
    let synced = async {
        // PostgreSQL lets those lock rows who may update a column of them
        user.grant(match db.backend() {
            DbBackend::Postgres => "SELECT, INSERT, DELETE, UPDATE (id)",
            _ => "SELECT, INSERT, DELETE",
        })
        .await?;
        let pool = connect(&user.url, 1).await?;
        let result = sync().skip_updates().exec(&pool).await?;
        pool.close().await?;
        Ok(result)
    };
    let synced: Result<SyncResult, Failure> = synced.await;
    user.remove().await?;
    assert_eq!(synced?.to_string(), "8 created, 0 updated, 8 deleted, 8 unchanged");
    Ok(())
}

async fn too_many_connections_are_an_error(db: Db) -> TestResult {
    with_employees(&db).await?;
    let (limit, says) = match db.backend() {
        // sqlx tries again until there is no time left
        DbBackend::Postgres => ("CONNECTION LIMIT 1", "pool timed out"),
        _ => ("WITH MAX_USER_CONNECTIONS 1", "max_user_connections"),
    };
    let user = User::create(&db, limit).await?;
    let tested = async {
        user.grant("SELECT, INSERT, UPDATE, DELETE").await?;
        let only = connect(&user.url, 1).await?;
        let mut options = ConnectOptions::new(&user.url);
        options
            .acquire_timeout(LONG / 30)
            .connect_lazy(true)
            .max_connections(1)
            .sqlx_logging(false);
        let pool = Database::connect(options).await?;
        let error = bounded(sync().exec(&pool)).await?.err().ok_or("the sync was done")?;
        ensure(chain(&error).contains(says), chain(&error))?;
        let before = table(&db).await?;
        ensure(before == Table::Before, format!("{before:?}"))?;
        only.close().await?;
        // the server takes its time to see that a connection is closed
        let begun = Instant::now();
        while let Err(error) = sync().exec(&pool).await {
            if begun.elapsed() > LONG {
                return Err(error.into());
            }
        }
        let after = table(&db).await?;
        ensure(after == Table::After, format!("{after:?}"))?;
        Ok(pool.close().await?)
    };
    let tested: TestResult = tested.await;
    user.remove().await?;
    tested
}

async fn a_connection_that_the_server_closes_is_an_error(db: Db) -> TestResult {
    with_employees(&db).await?;
    let pool = connect(&db.url, 1).await?;
    let (kill, says) = match db.backend() {
        DbBackend::Postgres => {
            ("PERFORM pg_terminate_backend(pg_backend_pid())", "administrator command")
        }
        _ => ("KILL CONNECTION_ID()", "Connection was killed"),
    };
    for operation in OPERATIONS {
        create_trigger(&db, operation, kill).await?;
        refused(&db, &pool, says).await?;
        drop_trigger(&db).await?;
        succeeds(&db, &pool).await?;
    }
    Ok(())
}

async fn a_full_database_is_an_error(db: Db) -> TestResult {
    with_employees(&db).await?;
    let pool = session(&db, "PRAGMA max_page_count = 1").await?;
    let many = employees(0..10_000);
    let sync =
        || employee::Entity::bulk_sync(many.clone(), employee::Column::CompanyId.eq(501), None);
    for _ in 0..2 {
        let error = bounded(sync().exec(&pool)).await?.err().ok_or("the sync was done")?;
        assert!(chain(&error).contains("database or disk is full"), "{error:?}");
        assert_eq!(table(&db).await?, Table::Before);
        settled(&db, &pool).await?;
    }
    pool.execute_unprepared("PRAGMA max_page_count = 1000000").await?;
    assert_eq!(sync().exec(&pool).await?.created, 10_000 - 24);
    Ok(())
}

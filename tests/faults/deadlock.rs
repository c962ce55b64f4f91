//! Transactions of a sync that the server ends: by a deadlock from within a
//! savepoint, and unheard.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use bulk_sync::{BulkSync, SyncError, SyncPlan, prelude::*};
use bulk_sync_tests::{
    entity::project::{self, project},
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    DatabaseTransaction, IntoActiveModel, Statement, TransactionTrait, entity::prelude::*,
};

use crate::fixture::{Failure, LONG, bounded};

pub const TESTS: [Test; 2] = tests![
    a_deadlock_while_unique_values_move_is_no_lost_savepoint,
    a_transaction_that_ended_unheard_is_never_told_as_done,
];

/// Unique values that move between rows, which takes a savepoint; one row a
/// statement.
fn swap(first: &str, second: &str) -> BulkSync<project::Entity> {
    let hosted = |id, code, domain: &str| project::Model {
        domain: Some(domain.to_owned()),
        ..project(id, code)
    };
    // the first is locked, and in nobody's way
    let free = format!("{first} alone");
    let models = [hosted(1, "one", &free), hosted(2, "two", first), hosted(3, "three", second)];
    project::Entity::bulk_sync(models, project::Column::Id.lte(3), 1)
}

async fn touch(db: &impl ConnectionTrait, id: i32) -> Result<(), DbErr> {
    let sql = format!("UPDATE project SET code = CONCAT(code, '') WHERE id = {id}");
    db.execute_unprepared(&sql).await.map(|_| ())
}

async fn a_deadlock_while_unique_values_move_is_no_lost_savepoint(db: Db) -> TestResult {
    db.create_table(project::Entity).await?;
    swap("a", "b").exec(&db.pool).await?;
    let other = db.pool.begin().await?;
    touch(&other, 2).await?;
    // the transaction that has written less is the one that is ended
    let heavy = (100..300).map(|id| project(id, &format!("other {id}")).into_active_model());
    project::Entity::insert_many(heavy).exec_without_returning(&other).await?;
    let pool = db.pool.clone();
    let synced = tokio::spawn(async move { swap("b", "a").exec(&pool).await });
    waits_for_a_lock(&db).await?;
    bounded(touch(&other, 1)).await??;
    other.commit().await?;
    let synced = bounded(synced).await??;
    assert!(synced.is_ok(), "{synced:?}");
    assert_eq!(bounded(swap("b", "a").exec(&db.pool)).await??.deleted, 0);
    assert!(swap("b", "a").check(&db.pool).await?);
    Ok(())
}

/// As a Galera node ends one when the error goes to a command without an answer.
async fn a_transaction_that_ended_unheard_is_never_told_as_done(db: Db) -> TestResult {
    if !is_mariadb(&db).await? {
        // MySQL has no such nodes, and cannot be asked
        return Ok(());
    }
    db.create_table(project::Entity).await?;
    swap("a", "b").exec(&db.pool).await?;
    for endings in [1, usize::MAX] {
        let calls = AtomicUsize::new(0);
        // one column of rows that are there: no count would tell
        let done = swap("c", &format!("d{endings}"))
            .max_tries(2)
            .on_change(async |_: &SyncPlan<project::Entity>, tx: &DatabaseTransaction| {
                if calls.fetch_add(1, Ordering::Relaxed) < endings {
                    tx.execute_unprepared("ROLLBACK").await?;
                }
                Ok::<_, DbErr>(())
            })
            .exec(&db.pool)
            .await;
        assert_eq!(calls.load(Ordering::Relaxed), 2);
        if endings == 1 {
            assert_eq!(done?.updated, 3);
            assert!(swap("c", "d1").check(&db.pool).await?);
        } else {
            assert!(
                matches!(&done, Err(SyncError::TriesExhausted { source, .. })
                    if matches!(**source, SyncError::StalePlan { .. })),
                "{done:?}"
            );
        }
    }
    assert!(swap("c", "d1").check(&db.pool).await?);
    Ok(())
}

async fn is_mariadb(db: &Db) -> Result<bool, Failure> {
    let sql = "SELECT CAST(VERSION() AS CHAR)";
    let row = db.pool.query_one_raw(Statement::from_string(db.backend(), sql)).await?;
    let version: String = row.ok_or("no version")?.try_get_by_index(0)?;
    Ok(version.contains("MariaDB"))
}

/// Waits until a transaction in the database waits for another.
async fn waits_for_a_lock(db: &Db) -> Result<(), Failure> {
    let sql = "SELECT COUNT(*) FROM information_schema.innodb_trx t \
               JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
               WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT'";
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        let row = db.pool.query_one_raw(Statement::from_string(db.backend(), sql)).await?;
        if row.ok_or("no count")?.try_get_by_index::<i64>(0)? > 0 {
            return Ok(());
        }
        // who asks again within 100 ms is given the same answer
        tokio::time::sleep(LONG / 150).await;
    }
    Err("the sync does not wait".into())
}

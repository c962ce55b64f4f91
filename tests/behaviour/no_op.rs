//! What a sync costs: how many statements it sends, and that one with nothing
//! to do leaves no trace.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::employee::{self, imported},
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, Statement,
    TransactionTrait, entity::prelude::*,
};

use crate::fixture::{Failure, of_501, with_ann_bob_and_cid};

pub const TESTS: [Test; 8] = tests![
    a_sync_with_nothing_to_do_changes_and_locks_no_row,
    a_sync_with_nothing_to_do_writes_no_log,
    a_sync_with_nothing_to_do_is_one_select,
    a_small_sync_sends_these_statements,
    keys_are_grouped_only_where_no_index_keeps_them_apart,
    many_rows_share_a_statement,
    updates_on_mysql_go_by_the_primary_key,
    only_statements_for_postgresql_do_not_grow_with_the_rows,
];

fn sync(names: &[(&str, &str)]) -> BulkSync<employee::Entity> {
    let models = names.iter().map(|(external_id, name)| imported(external_id, name));
    employee::Entity::bulk_sync(models.collect::<Vec<_>>(), of_501(), None)
}

const AS_STORED: [(&str, &str); 3] = [("A1", "Ann"), ("B2", "Bob"), ("C3", "Cid")];

async fn text<C: ConnectionTrait>(db: &C, sql: &str) -> Result<String, Failure> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?.ok_or("no row")?;
    Ok(row.try_get_by_index::<Option<String>>(0)?.unwrap_or_default())
}

/// What a transaction has changed and locked, in the words of its server.
fn traces(backend: DbBackend) -> &'static str {
    match backend {
        // locking a row takes a number for the transaction, too
        DbBackend::Postgres => {
            "SELECT concat(pg_current_xact_id_if_assigned(), (SELECT string_agg(locktype, ' ') \
             FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('advisory', 'tuple')), \
             (SELECT string_agg(concat(' ', ctid, xmin, xmax), '' ORDER BY id) FROM employee))"
        }
        DbBackend::MySql => {
            "SELECT concat(coalesce(sum(trx_rows_locked), 0), ' ', \
             coalesce(sum(trx_rows_modified), 0)) FROM information_schema.innodb_trx \
             WHERE trx_mysql_thread_id = connection_id()"
        }
        _ => "SELECT CAST(total_changes() AS text)",
    }
}

async fn left_by(transaction: &DatabaseTransaction) -> Result<String, Failure> {
    let backend = transaction.get_database_backend();
    if backend == DbBackend::MySql {
        // it says the same for a tenth of a second
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    text(transaction, traces(backend)).await
}

async fn a_sync_with_nothing_to_do_changes_and_locks_no_row(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let transaction = db.pool.begin().await?;
    let before = left_by(&transaction).await?;
    assert!(sync(&AS_STORED).exec(&transaction).await?.is_unchanged());
    assert_eq!(left_by(&transaction).await?, before);
    sync(&AS_STORED[..2]).exec(&transaction).await?;
    assert_ne!(left_by(&transaction).await?, before);
    transaction.rollback().await?;
    Ok(())
}

/// The number of records about the table and its indexes that a sync adds to the
/// write-ahead log; others write into the same log, and reading the catalog can
/// tidy it up.
async fn logged_by(db: &Db, names: &[(&str, &str)]) -> Result<String, Failure> {
    let position = "SELECT pg_current_wal_flush_lsn()::text";
    // a commit, after which all that was logged is in the file
    let flush = "SELECT pg_logical_emit_message(true, 'bulk_sync', '')";
    db.execute_unprepared(flush).await?;
    let start = text(&db.pool, position).await?;
    sync(names).exec(&db.pool).await?;
    db.execute_unprepared(flush).await?;
    let end = text(&db.pool, position).await?;
    let records = format!(
        "SELECT count(*)::text FROM pg_get_wal_records_info('{start}', '{end}') \
         WHERE resource_manager IN ('Heap', 'Heap2', 'Btree') AND EXISTS (\
         SELECT FROM pg_class c, pg_database d WHERE d.datname = current_database() \
         AND (c.oid = 'employee'::regclass OR c.oid IN (\
         SELECT indexrelid FROM pg_index WHERE indrelid = 'employee'::regclass)) \
         AND block_ref LIKE format('%%/%s/%s fork%%', d.oid, pg_relation_filenode(c.oid)))"
    );
    text(&db.pool, &records).await
}

async fn a_sync_with_nothing_to_do_writes_no_log(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    if db.backend() == DbBackend::Postgres {
        db.execute_unprepared("CREATE EXTENSION pg_walinspect").await?;
        db.execute_unprepared("ALTER TABLE employee SET (autovacuum_enabled = false)").await?;
        assert_eq!(logged_by(&db, &AS_STORED).await?, "0");
        assert_ne!(logged_by(&db, &AS_STORED[..2]).await?, "0");
    }
    if db.backend() == DbBackend::Sqlite {
        // goes up with each transaction that writes
        let version = "SELECT CAST(data_version AS text) FROM pragma_data_version";
        let other = connect(&db).await?;
        let before = text(&other, version).await?;
        sync(&AS_STORED).exec(&db.pool).await?;
        assert_eq!(text(&other, version).await?, before);
        sync(&AS_STORED[..2]).exec(&db.pool).await?;
        assert_ne!(text(&other, version).await?, before);
        other.close().await?;
    }
    Ok(())
}

async fn connect(db: &Db) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(&db.url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await
}

/// The statements that reach the server, without those that begin and end a transaction.
async fn sent(db: &Db, sync: BulkSync<employee::Entity>) -> Result<Vec<String>, Failure> {
    let mut observed = connect(db).await?;
    let statements = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&statements);
    observed.set_metric_callback(move |info| {
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(info.statement.sql.clone());
    });
    sync.exec(&observed).await?;
    observed.close().await?;
    let mut statements = statements.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *statements))
}

/// What a statement does, in a word: the first of these that it has in it.
fn word(statement: &str) -> &'static str {
    let marks = [
        ("INSERT INTO", "insert"),
        ("UPDATE \"", "update"),
        ("UPDATE `", "update"),
        ("DELETE FROM", "delete"),
        (" FOR UPDATE", "lock"),
        (" FOR NO KEY UPDATE", "lock"),
        ("advisory", "lock"),
        ("pragma_table_xinfo", "catalog"),
        ("pg_attribute", "catalog"),
        ("information_schema", "catalog"),
        ("COUNT(*)", "count"),
        ("@@in_transaction", "open"),
        // which keys of models the database holds equal to those of rows
        ("`v`.`c0`", "match"),
        ("\"v\".\"c0\"", "match"),
    ];
    let found = marks.iter().find(|(mark, _)| statement.contains(mark));
    found.map_or("read", |(_, word)| word)
}

fn words(statements: &[String]) -> Vec<&'static str> {
    statements.iter().map(|statement| word(statement)).collect()
}

async fn a_sync_with_nothing_to_do_is_one_select(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let statements = sent(&db, sync(&AS_STORED)).await?;
    assert_eq!(words(&statements), ["read"], "{statements:?}");
    Ok(())
}

async fn a_small_sync_sends_these_statements(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let statements = sent(&db, sync(&[("A1", "Anna"), ("B2", "Bob"), ("D4", "Dee")])).await?;
    let read: &[_] = match db.backend() {
        // a look, the scope, the rows, and those to write
        DbBackend::Postgres => &["read", "catalog", "lock", "read", "lock"],
        // the scope is locked by its first row, if that still is it afterwards
        DbBackend::MySql => &["read", "catalog", "read", "lock", "read", "read", "match", "lock"],
        _ => &["read", "catalog"],
    };
    let written = ["delete", "update", "insert", "count"];
    // whether a cluster has rolled back
    let last: &[_] = if db.backend() == DbBackend::MySql { &["open"] } else { &[] };
    assert_eq!(words(&statements), [read, &written, last].concat(), "{statements:#?}");
    Ok(())
}

/// Where a unique index covers the key, the database refuses keys that it holds
/// equal, and the proof need not look for them.
async fn keys_are_grouped_only_where_no_index_keeps_them_apart(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let creates = [
        None,
        Some("CREATE UNIQUE INDEX wider ON employee (company_id, external_id, name)"),
        Some("CREATE UNIQUE INDEX by_key ON employee (company_id, external_id)"),
    ];
    for (name, create) in ["none", "wider", "by key"].into_iter().zip(creates) {
        if let Some(create) = create {
            db.pool.execute_unprepared(create).await?;
        }
        let statements = sent(&db, sync(&[(name, "Ann")])).await?;
        let is_looked_for = name != "by key" && db.backend() == DbBackend::MySql;
        assert_eq!(groups(&statements), is_looked_for, "{name}: {statements:#?}");
    }
    Ok(())
}

fn groups(statements: &[String]) -> bool {
    statements.iter().any(|statement| statement.contains("GROUP BY"))
}

async fn many_rows_share_a_statement(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let names = |name: &'static str| (0..2_500).map(move |n| imported(&format!("E{n}"), name));
    let sync = |models: Vec<employee::Model>| {
        employee::Entity::bulk_sync(models, of_501(), 1_000).allow_empty()
    };
    for (models, written) in [
        (names("new").collect::<Vec<_>>(), "insert"),
        (names("changed").collect(), "update"),
        (Vec::new(), "delete"),
    ] {
        let statements = sent(&db, sync(models)).await?;
        let words = words(&statements);
        assert_eq!(words.iter().filter(|word| **word == written).count(), 3, "{words:?}");
        // nor do the others grow with the rows but by the batch
        assert!(words.len() <= 3 + 3 + 8, "{words:?}");
    }
    Ok(())
}

/// By itself, MariaDB goes by the rows that are sent, and takes twice the time.
async fn updates_on_mysql_go_by_the_primary_key(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let sync = |name: &str| {
        let models = (0..25).map(|n| imported(&format!("E{n}"), name));
        employee::Entity::bulk_sync(models.collect::<Vec<_>>(), of_501(), 10)
    };
    sync("new").exec(&db.pool).await?;
    let statements = sent(&db, sync("changed")).await?;
    let updates = statements.iter().filter(|statement| statement.contains("UPDATE `"));
    let hint = "UPDATE `employee` FORCE INDEX (PRIMARY) STRAIGHT_JOIN (";
    let hinted = updates.map(|update| update.starts_with(hint)).collect::<Vec<_>>();
    let expected = if db.backend() == DbBackend::MySql { &[true; 3][..] } else { &[] };
    assert_eq!(hinted, expected, "{statements:#?}");
    assert!(sync("changed").check(&db.pool).await?);
    Ok(())
}

/// Of a list of pairs, PostgreSQL makes as many conditions, which take long to plan.
async fn only_statements_for_postgresql_do_not_grow_with_the_rows(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let mut longest = Vec::new();
    for rows in [5, 500] {
        let models = |name: &'static str| (0..rows).map(move |n| imported(&format!("E{n}"), name));
        let sync =
            |models: Vec<_>| employee::Entity::bulk_sync(models, of_501(), None).skip_deletes();
        let mut statements = sent(&db, sync(models("new").collect())).await?;
        statements.extend(sent(&db, sync(models("changed").collect())).await?);
        let parameters = |sql: &String| sql.matches(['?', '$']).count();
        longest.push(statements.iter().map(parameters).max().unwrap_or_default());
    }
    assert_eq!(longest[0] == longest[1], db.backend() == DbBackend::Postgres, "{longest:?}");
    Ok(())
}

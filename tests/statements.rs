//! The text of the statements of one small sync, for all dialects side by side.

use std::collections::BTreeMap;

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        stock::{self, stock},
    },
    suite::TestResult,
};
use sea_orm::{
    DatabaseConnection, DbBackend, MockDatabase, MockExecResult, Value, entity::prelude::*,
};

const BACKENDS: [DbBackend; 3] = [DbBackend::Sqlite, DbBackend::Postgres, DbBackend::MySql];

fn sync() -> BulkSync<stock::Entity> {
    let models = [stock(0, 1, 5, Some("more")), stock(0, 2, 1, None), stock(0, 4, 4, None)];
    stock::Entity::bulk_sync(models, stock::Column::Warehouse.eq(7), None)
}

fn current() -> Vec<stock::Model> {
    vec![stock(1, 1, 1, None), stock(2, 2, 1, None), stock(3, 3, 1, None)]
}

/// Answers each reading of rows, each write of one row, and a count.
fn mock(backend: DbBackend, in_scope: i64) -> DatabaseConnection {
    let written = MockExecResult { last_insert_id: 0, rows_affected: 1 };
    let count: BTreeMap<&str, Value> = [("count", in_scope.into())].into();
    reading(backend)
        .append_query_results([[count]])
        .append_exec_results([written.clone(), written.clone(), written])
        .into_connection()
}

/// Answers the statements before the first write: on SQLite one reads the rows.
/// On the servers one looks whether there is something to do, others lock the
/// scope, one reads the rows again, and one locks those to write. The catalog is
/// read once (not on a pool that is a mock), and has nothing to tell.
fn reading(backend: DbBackend) -> MockDatabase {
    let first = || vec![stock(1, 1, 1, None)];
    let catalog = Vec::new();
    MockDatabase::new(backend).append_query_results(match backend {
        DbBackend::Postgres => vec![current(), first(), current(), catalog, current()],
        DbBackend::MySql => {
            vec![current(), first(), first(), first(), current(), catalog, current()]
        }
        _ => vec![current(), catalog],
    })
}

fn log(mock: DatabaseConnection) -> Vec<String> {
    let transactions = mock.into_transaction_log();
    let statements = transactions.iter().flat_map(|transaction| transaction.statements());
    statements.map(|statement| statement.sql.clone()).collect()
}

/// The text as it would be without the line breaks of this file.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The last statement of the sync that does this.
async fn statements(verb: &str) -> Result<[String; 3], SyncError> {
    statements_of(sync(), 3, verb).await
}

async fn statements_of(
    sync: BulkSync<stock::Entity>,
    in_scope: i64,
    verb: &str,
) -> Result<[String; 3], SyncError> {
    let mut texts = [const { String::new() }; 3];
    for (text, backend) in texts.iter_mut().zip(BACKENDS) {
        let mock = mock(backend, in_scope);
        sync.clone().exec(&mock).await?;
        *text = log(mock).into_iter().rfind(|statement| does(statement, verb)).unwrap_or_default();
    }
    Ok(texts)
}

/// Whether a statement does this, perhaps after a common table expression.
fn does(statement: &str, verb: &str) -> bool {
    statement.starts_with(verb) || statement.contains(&format!(") {verb} "))
}

#[tokio::test]
async fn deletes_come_before_updates_and_updates_before_creates() -> TestResult {
    let looked = ["SELECT", "BEGIN"];
    let writes = ["DELETE", "UPDATE", "INSERT", "SELECT COUNT", "COMMIT"];
    for (backend, before) in [
        (DbBackend::Sqlite, &["BEGIN", "SELECT", "SELECT"][..]),
        (DbBackend::Postgres, &["SELECT pg_advisory_xact_lock", "SELECT", "SELECT", "SELECT"]),
        (DbBackend::MySql, &["SELECT", "SELECT", "SELECT", "SELECT", "SELECT", "SELECT"]),
    ] {
        let mock = mock(backend, 3);
        let result = sync().exec(&mock).await?;
        assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
        let log = log(mock);
        let looked = if backend == DbBackend::Sqlite { &[][..] } else { &looked };
        let verbs = [looked, before, &writes].concat();
        assert_eq!(log.len(), verbs.len(), "{log:#?}");
        for (statement, verb) in log.iter().zip(verbs) {
            assert!(does(statement, verb), "{verb}: {statement}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn rows_to_write_are_locked_in_the_order_of_their_primary_keys() -> TestResult {
    let expected = [
        String::new(),
        one_line(
            r#"AND "stock"."id" = ANY(CAST($2 AS int4[])) ORDER BY "stock"."id" ASC FOR UPDATE"#,
        ),
        one_line(r"AND `stock`.`id` IN (?, ?) ORDER BY `stock`.`id` ASC FOR UPDATE"),
    ];
    for (backend, expected) in BACKENDS.into_iter().zip(expected) {
        let mock = mock(backend, 3);
        sync().exec(&mock).await?;
        let of_keys = |statement: &String| statement.contains("IN (") || statement.contains("ANY(");
        let mut locking = log(mock).into_iter().filter(of_keys);
        let last_lock = locking.rfind(|statement| statement.contains("FOR UPDATE"));
        assert!(last_lock.as_deref().unwrap_or_default().ends_with(&expected), "{last_lock:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_rows_in_scope_are_read_with_the_needed_columns() -> TestResult {
    let expected = [
        one_line(
            r#"SELECT "stock"."amount" AS "amount", "stock"."code" AS "code", "stock"."id" AS
            "id", "stock"."remark" AS "remark", "stock"."warehouse" AS "warehouse" FROM "stock"
            WHERE "stock"."warehouse" = ?"#,
        ),
        one_line(
            r#"SELECT "stock"."amount" AS "amount", "stock"."code" AS "code", "stock"."id" AS
            "id", "stock"."remark" AS "remark", "stock"."warehouse" AS "warehouse" FROM "stock"
            WHERE "stock"."warehouse" = $1"#,
        ),
        one_line(
            r#"SELECT `stock`.`amount` AS `amount`, `stock`.`code` AS `code`, `stock`.`id` AS
            `id`, `stock`.`remark` AS `remark`, `stock`.`warehouse` AS `warehouse` FROM `stock`
            WHERE `stock`.`warehouse` = ?"#,
        ),
    ];
    let mut read = [const { String::new() }; 3];
    for (text, backend) in read.iter_mut().zip(BACKENDS) {
        let mock = mock(backend, 3);
        sync().exec(&mock).await?;
        let first = log(mock).into_iter().find(|statement| does(statement, "SELECT"));
        *text = first.unwrap_or_default();
    }
    assert_eq!(read, expected);
    Ok(())
}

#[tokio::test]
async fn rows_are_deleted_by_primary_key() -> TestResult {
    let expected = [
        one_line(r#"DELETE FROM "stock" WHERE "stock"."id" IN (?)"#),
        one_line(r#"DELETE FROM "stock" WHERE "stock"."id" = ANY(CAST($1 AS int4[]))"#),
        one_line(
            r"DELETE FROM `stock` WHERE `stock`.`id` IN (?) ORDER BY `stock`.`id` ASC LIMIT ?",
        ),
    ];
    assert_eq!(statements("DELETE").await?, expected);
    Ok(())
}

#[tokio::test]
async fn rows_are_updated_from_a_table_of_values() -> TestResult {
    let expected = [
        one_line(
            r#"WITH "v" ("c0", "c1", "c2", "c3") AS (VALUES (?, ?, ?, ?)) UPDATE "stock" SET
            "amount" = "v"."c1", "remark" = "v"."c2", "y_touched" = "v"."c3" FROM "v" WHERE
            "stock"."id" = "v"."c0""#,
        ),
        one_line(
            r#"WITH "v" ("c0", "c1", "c2", "c3", "n2") AS (SELECT * FROM UNNEST(CAST($1 AS
            int4[]), CAST($2 AS int4[]), CAST($3 AS text[]), CAST($4 AS int4[]), CAST($5 AS
            bool[])) AS "u") UPDATE "stock" SET "amount" = "v"."c1", "remark" = (CASE WHEN
            ("v"."n2") THEN NULL ELSE "v"."c2" END), "y_touched" = "v"."c3" FROM "v" WHERE
            "stock"."id" = "v"."c0""#,
        ),
        one_line(
            r#"UPDATE `stock` JOIN (SELECT ? AS `c0`, ? AS `c1`, CONCAT(?) AS `c2`, ? AS `c3`) AS `v` ON
            `stock`.`id` = `v`.`c0` SET `stock`.`amount` = `v`.`c1`, `stock`.`remark` =
            COALESCE(`v`.`c2`), `stock`.`y_touched` = `v`.`c3`"#,
        ),
    ];
    assert_eq!(statements("UPDATE").await?, expected);
    Ok(())
}

#[tokio::test]
async fn rows_are_created_without_the_generated_key() -> TestResult {
    let expected = [
        one_line(
            r#"INSERT INTO "stock" ("amount", "code", "remark", "warehouse", "x_created",
            "y_touched") VALUES (?, ?, ?, ?, ?, ?)"#,
        ),
        one_line(
            r#"WITH "v" ("c0", "c1", "c2", "c3", "c4", "c5", "n2") AS (SELECT UNNEST(CAST($1
            AS int4[])), UNNEST(CAST($2 AS int4[])), UNNEST(CAST($3 AS text[])), UNNEST(CAST($4
            AS int4[])), UNNEST(CAST($5 AS int4[])), UNNEST(CAST($6 AS int4[])), UNNEST(CAST($7
            AS bool[]))) INSERT INTO "stock" ("amount", "code", "remark", "warehouse", "x_created", "y_touched")
            SELECT "v"."c0", "v"."c1", (CASE WHEN ("v"."n2") THEN NULL ELSE "v"."c2" END),
            "v"."c3", "v"."c4", "v"."c5" FROM "v""#,
        ),
        one_line(
            r#"INSERT INTO `stock` (`amount`, `code`, `remark`, `warehouse`, `x_created`,
            `y_touched`) VALUES (?, ?, ?, ?, ?, ?)"#,
        ),
    ];
    assert_eq!(statements("INSERT").await?, expected);
    Ok(())
}

#[tokio::test]
async fn after_a_delete_the_rows_in_scope_are_counted() -> TestResult {
    let expected = [
        r#"SELECT COUNT(*) FROM "stock" WHERE "stock"."warehouse" = ?"#,
        r#"SELECT COUNT(*) FROM "stock" WHERE "stock"."warehouse" = $1"#,
        "SELECT COUNT(*) FROM `stock` WHERE `stock`.`warehouse` = ?",
    ];
    assert_eq!(statements("SELECT COUNT").await?, expected);
    Ok(())
}

#[tokio::test]
async fn a_few_rows_are_read_and_counted_by_their_keys_where_none_is_deleted() -> TestResult {
    let by_key = [
        one_line(
            r#"WHERE "stock"."warehouse" = ? AND ("stock"."code", "stock"."warehouse") IN
            (SELECT * FROM (VALUES (?, ?), (?, ?)) AS "v")"#,
        ),
        one_line(
            r#"WHERE "stock"."warehouse" = $1 AND ("stock"."code", "stock"."warehouse") IN
            (WITH "v" ("c0", "c1") AS
            (SELECT * FROM UNNEST(CAST($2 AS int4[]), CAST($3 AS int4[])) AS "u")
            SELECT "v"."c0", "v"."c1" FROM "v")"#,
        ),
        one_line(
            r#"WHERE `stock`.`warehouse` = ? AND (`stock`.`code`, `stock`.`warehouse`) IN
            ((?, ?), (?, ?))"#,
        ),
    ];
    let models = [stock(0, 1, 5, Some("more")), stock(0, 4, 4, None)];
    let sync =
        stock::Entity::bulk_sync(models, stock::Column::Warehouse.eq(7), None).skip_deletes();
    let counted = statements_of(sync.clone(), 2, "SELECT COUNT").await?;
    for (position, expected) in by_key.iter().enumerate() {
        let mock = mock(BACKENDS[position], 2);
        sync.clone().exec(&mock).await?;
        let log = log(mock);
        assert!(log.iter().any(|statement| statement.ends_with(expected)), "{log:#?}");
        let count = &counted[position];
        assert!(count.starts_with("SELECT COUNT(*)") && count.ends_with(expected), "{count}");
    }
    Ok(())
}

#[tokio::test]
async fn a_sync_without_a_change_writes_and_proves_nothing() -> TestResult {
    for backend in BACKENDS {
        let mock = mock(backend, 0);
        stock::Entity::bulk_sync(current(), stock::Column::Warehouse.eq(7), None)
            .exec(&mock)
            .await?;
        let statements = if backend == DbBackend::Sqlite { 3 } else { 1 };
        assert_eq!(log(mock).len(), statements);
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_sync_is_rolled_back() -> TestResult {
    for backend in BACKENDS {
        let guarded = mock(backend, 2);
        let error = sync().max_deletes(0).exec(&guarded).await;
        assert!(matches!(error, Err(SyncError::TooManyDeletes { .. })), "{error:?}");
        let log = log(guarded);
        assert_eq!(log.last().map(String::as_str), Some("ROLLBACK"));
        assert!(!log.iter().any(|statement| does(statement, "DELETE")), "{log:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_row_that_is_gone_when_it_is_to_be_updated_fails_the_sync() -> TestResult {
    for backend in BACKENDS {
        let mock = reading(backend)
            .append_exec_results([MockExecResult { last_insert_id: 0, rows_affected: 0 }])
            .into_connection();
        let error = sync().skip_deletes().max_tries(1).exec(&mock).await;
        assert!(matches!(error, Err(SyncError::StalePlan { .. })), "{error:?}");
        assert_eq!(log(mock).last().map(String::as_str), Some("ROLLBACK"));
    }
    Ok(())
}

/// A mock gives its columns in alphabetical order, whatever was asked for.
#[tokio::test]
async fn models_are_rows_of_a_mock_whatever_the_order_of_their_columns() -> TestResult {
    for backend in BACKENDS {
        let rows = [imported("A1", "Ann"), imported("B2", "Bob")];
        let mock =
            MockDatabase::new(backend).append_query_results([rows.clone()]).into_connection();
        let scope = employee::Column::CompanyId.eq(501);
        let result = employee::Entity::bulk_sync(rows, scope, None).exec(&mock).await?;
        assert_eq!(result.unchanged, 2);
    }
    Ok(())
}

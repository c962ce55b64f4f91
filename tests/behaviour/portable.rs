//! What the statements keep to, so that clusters take them: see docs/clusters.md.

use std::sync::{Arc, Mutex};

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        project::{self, project},
        stock::{self, stock},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, entity::prelude::*};

use crate::fixture::{of_501, with_ann_bob_and_cid};

pub const TESTS: [Test; 2] =
    tests![no_statement_needs_a_session_or_a_right_to_create, only_changed_columns_are_set];

/// What would need a session, or is not in every dialect that a cluster speaks.
const FORBIDDEN: [&str; 9] = [
    "TEMP",
    "MERGE",
    "CREATE ",
    "TRUNCATE",
    "GET_LOCK",
    "PG_ADVISORY_LOCK",
    "PG_TRY_ADVISORY_LOCK",
    "LOCK TABLE",
    "DECLARE",
];

/// A pool whose statements are kept in a list.
async fn recorded(db: &Db) -> Result<(DatabaseConnection, Arc<Mutex<Vec<String>>>), DbErr> {
    let mut options = ConnectOptions::new(&db.url);
    options.sqlx_logging(false);
    let mut pool = Database::connect(options).await?;
    let statements = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&statements);
    pool.set_metric_callback(move |info| {
        if let Ok(mut list) = list.lock() {
            list.push(info.statement.sql.clone());
        }
    });
    Ok((pool, statements))
}

async fn no_statement_needs_a_session_or_a_right_to_create(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    db.create_table(project::Entity).await?;
    let (pool, statements) = recorded(&db).await?;

    let models = |name| vec![imported("A1", name), imported("D4", name)];
    let sync = |name| employee::Entity::bulk_sync(models(name), of_501(), None);
    sync("Ann").compare(&pool).await?.apply(&pool).await?;
    sync("Anna").exec_with_returning(&pool).await?;
    assert!(sync("Anna").check(&pool).await?);
    sync("Nan").skip_deletes().delete_duplicates().exec(&pool).await?;

    let hosted = |id, code: &str, domain: &str| project::Model {
        domain: Some(domain.into()),
        ..project(id, code)
    };
    for (first, second) in [("x", "y"), ("y", "x")] {
        let models = [hosted(1, "a", first), hosted(2, "b", second)];
        project::Entity::bulk_sync(models, WholeTable, None).exec(&pool).await?;
    }
    db.create_table(stock::Entity).await?;
    for models in [vec![stock(0, 1, 1, None), stock(0, 2, 1, None)], vec![stock(0, 1, 2, None)]] {
        let sync = stock::Entity::bulk_sync(models, stock::Column::Warehouse.eq(7), None);
        sync.soft_delete([(stock::Column::Remark, "gone")]).exec(&pool).await?;
    }
    pool.close().await?;

    let statements = statements.lock().map_err(|error| error.to_string())?;
    for verb in ["SELECT", "DELETE", "UPDATE", "INSERT"] {
        assert!(statements.iter().any(|sql| sql.contains(verb)), "no {verb} in {statements:?}");
    }
    for sql in &*statements {
        let upper = sql.to_uppercase();
        let found: Vec<_> = FORBIDDEN.iter().filter(|word| upper.contains(*word)).collect();
        assert!(found.is_empty() && !upper.starts_with("SET "), "{found:?} in {sql}");
    }
    Ok(())
}

/// A key is never among them: clusters refuse to set the column that says on
/// which machine a row is.
async fn only_changed_columns_are_set(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let (pool, statements) = recorded(&db).await?;
    let ann = employee::Model { phone: Some("555".into()), ..imported("A1", "Ann") };
    let models = [ann, imported("B2", "Bob"), imported("C3", "Cid")];
    let result = employee::Entity::bulk_sync(models, of_501(), None).exec(&pool).await?;
    assert_eq!(result.updated, 1);
    pool.close().await?;

    let statements = statements.lock().map_err(|error| error.to_string())?;
    let mut updates = statements.iter().filter_map(|sql| sql.split_once(" SET "));
    let (_, assignments) = updates.next().ok_or("no update")?;
    let assignments = assignments.split(" FROM ").next().unwrap_or(assignments);
    for column in ["phone", "touched_by"] {
        assert!(assignments.contains(column), "{column} is not in {assignments}");
    }
    for column in ["id", "company_id", "external_id", "name", "salary", "source"] {
        let quoted = [format!("\"{column}\" ="), format!("`{column}` =")];
        assert!(!quoted.iter().any(|name| assignments.contains(name)), "{column} in {assignments}");
    }
    assert!(updates.next().is_none());
    Ok(())
}

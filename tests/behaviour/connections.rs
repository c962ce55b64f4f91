//! What a call runs on, and that it happens as a whole or not at all.

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        project::{self, project},
        reading,
        stock::{self, stock},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    DatabaseExecutor, EntityName, TransactionTrait,
    entity::prelude::*,
    rbac::{RbacContext, RbacUserId},
};

use crate::fixture::{insert, of_501, outsider, people, rows, with_ann_bob_and_cid};

pub const TESTS: [Test; 14] = tests![
    a_sync_in_a_transaction_is_part_of_it,
    a_sync_in_a_transaction_is_rolled_back_with_it,
    a_sync_that_fails_in_a_transaction_leaves_the_callers_writes,
    a_model_outside_the_scope_is_refused_in_a_transaction_that_leaves_other_rows,
    a_sync_in_a_nested_transaction_is_rolled_back_with_it,
    an_executor_on_a_pool_will_do,
    an_executor_on_a_transaction_will_do,
    a_sync_can_be_spawned,
    a_restricted_connection_will_do,
    a_restricted_transaction_will_do,
    a_restricted_connection_with_every_right_asks_the_database_too,
    a_user_without_the_right_to_delete_changes_nothing,
    a_failure_in_the_last_batch_leaves_the_table_as_it_was,
    a_sync_on_a_pool_of_one_connection_does_not_wait_for_itself,
];

fn sync(names: [(&str, &str); 2]) -> BulkSync<employee::Entity> {
    let models = names.map(|(external_id, name)| imported(external_id, name));
    employee::Entity::bulk_sync(models, of_501(), None)
}

const CHANGED: [(&str, &str); 2] = [("A1", "Anna"), ("D4", "Dee")];
const BEFORE: [&str; 4] = ["501 A1 Ann", "501 B2 Bob", "501 C3 Cid", "502 B2 Bob"];
const AFTER: [&str; 3] = ["501 A1 Anna", "501 D4 Dee", "502 B2 Bob"];

async fn a_sync_in_a_transaction_is_part_of_it(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let transaction = db.pool.begin().await?;
    employee::Entity::delete_many()
        .filter(employee::Column::CompanyId.eq(502))
        .exec(&transaction)
        .await?;
    let result = sync(CHANGED).exec(&transaction).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 2 deleted, 0 unchanged");
    assert_eq!(people(&transaction).await?, AFTER[..2]);
    transaction.commit().await?;
    assert_eq!(people(&db.pool).await?, AFTER[..2]);
    Ok(())
}

async fn a_sync_in_a_transaction_is_rolled_back_with_it(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let transaction = db.pool.begin().await?;
    sync(CHANGED).exec(&transaction).await?;
    transaction.rollback().await?;
    assert_eq!(people(&db.pool).await?, BEFORE);
    Ok(())
}

async fn a_sync_that_fails_in_a_transaction_leaves_the_callers_writes(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let transaction = db.pool.begin().await?;
    employee::Entity::delete_many()
        .filter(employee::Column::CompanyId.eq(502))
        .exec(&transaction)
        .await?;
    let astray = [imported("A1", "Anna"), outsider("Z9", "Zoe")];
    let error = employee::Entity::bulk_sync(astray, of_501(), None).exec(&transaction).await;
    assert!(matches!(error, Err(SyncError::OutOfScope { .. })), "{error:?}");
    assert_eq!(people(&transaction).await?, BEFORE[..3]);
    transaction.commit().await?;
    assert_eq!(people(&db.pool).await?, BEFORE[..3]);
    Ok(())
}

/// However many rows of the scope it leaves, they do not count for those that it creates.
async fn a_model_outside_the_scope_is_refused_in_a_transaction_that_leaves_other_rows(
    db: Db,
) -> TestResult {
    db.create_table(stock::Entity).await?;
    insert::<stock::Entity>(&db, vec![stock(1, 1, 10, None), stock(2, 2, 20, None)]).await?;
    let before = rows::<stock::Entity>(&db.pool).await?;
    for astray in 1..=3 {
        let models = (1..=astray)
            .map(|code| stock::Model { warehouse: 8, ..stock(10 + code, code, 1, None) });
        let transaction = db.pool.begin().await?;
        let sync = stock::Entity::bulk_sync(models, stock::Column::Warehouse.eq(7), None);
        let error = sync.skip_deletes().exec(&transaction).await;
        assert!(matches!(error, Err(SyncError::OutOfScope { .. })), "{astray}: {error:?}");
        transaction.commit().await?;
        assert_eq!(rows::<stock::Entity>(&db.pool).await?, before);
    }
    Ok(())
}

async fn a_sync_in_a_nested_transaction_is_rolled_back_with_it(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let outer = db.pool.begin().await?;
    sync(CHANGED).exec(&outer).await?;
    let inner = outer.begin().await?;
    sync([("E5", "Eve"), ("F6", "Fay")]).exec(&inner).await?;
    inner.rollback().await?;
    outer.commit().await?;
    assert_eq!(people(&db.pool).await?, AFTER);
    Ok(())
}

async fn an_executor_on_a_pool_will_do(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    sync(CHANGED).exec(&DatabaseExecutor::from(&db.pool)).await?;
    assert_eq!(people(&db.pool).await?, AFTER);
    Ok(())
}

async fn an_executor_on_a_transaction_will_do(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let transaction = db.pool.begin().await?;
    sync(CHANGED).exec(&DatabaseExecutor::from(&transaction)).await?;
    transaction.rollback().await?;
    assert_eq!(people(&db.pool).await?, BEFORE);
    let owned = DatabaseExecutor::OwnedTransaction(db.pool.begin().await?);
    sync(CHANGED).exec(&owned).await?;
    let DatabaseExecutor::OwnedTransaction(owned) = owned else { return Ok(()) };
    owned.commit().await?;
    assert_eq!(people(&db.pool).await?, AFTER);
    Ok(())
}

async fn a_sync_can_be_spawned(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let pool = db.pool.clone();
    tokio::spawn(async move { sync(CHANGED).exec(&pool).await }).await??;
    let pool = db.pool.clone();
    let again = async move { sync(CHANGED).exec_with_returning(&pool).await };
    assert!(tokio::spawn(again).await??.result.is_unchanged());
    assert_eq!(people(&db.pool).await?, AFTER);
    Ok(())
}

const ADMIN: RbacUserId = RbacUserId(1);
const CLERK: RbacUserId = RbacUserId(2);

/// An admin who may do anything with employees, and a clerk who may not delete them.
async fn with_users(db: &Db) -> Result<(), DbErr> {
    sea_orm::rbac::schema::create_tables(&db.pool, Default::default()).await?;
    let mut rbac = RbacContext::load(&db.pool).await?;
    let table = employee::Entity.table_name();
    rbac.add_tables(&db.pool, &[table]).await?;
    rbac.add_crud_permissions(&db.pool).await?;
    rbac.add_roles(&db.pool, &["admin", "clerk"]).await?;
    let most = ["select", "insert", "update"];
    rbac.add_role_permissions(&db.pool, "clerk", &most, &[table]).await?;
    rbac.add_role_permissions(&db.pool, "admin", &most, &[table]).await?;
    rbac.add_role_permissions(&db.pool, "admin", &["delete"], &[table]).await?;
    rbac.assign_user_role(&db.pool, &[(ADMIN.0, "admin"), (CLERK.0, "clerk")]).await?;
    db.pool.load_rbac().await
}

async fn a_restricted_connection_will_do(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    with_users(&db).await?;
    let restricted = db.pool.restricted_for(ADMIN)?;
    sync(CHANGED).exec_with_returning(&restricted).await?;
    assert_eq!(people(&db.pool).await?, AFTER);
    let few = sync([("A1", "Ann"), ("G7", "Gus")]).skip_deletes();
    few.exec(&db.pool.restricted_for(CLERK)?).await?;
    assert_eq!(people(&db.pool).await?.len(), 4);
    Ok(())
}

async fn a_restricted_transaction_will_do(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    with_users(&db).await?;
    let transaction = db.pool.restricted_for(ADMIN)?.begin().await?;
    sync(CHANGED).exec(&transaction).await?;
    transaction.rollback().await?;
    assert_eq!(people(&db.pool).await?, BEFORE);
    Ok(())
}

/// It may read the catalog, and takes no raw statement.
async fn a_restricted_connection_with_every_right_asks_the_database_too(db: Db) -> TestResult {
    reading::create_table(&db.pool).await?;
    sea_orm::rbac::schema::create_tables(&db.pool, Default::default()).await?;
    let mut rbac = RbacContext::load(&db.pool).await?;
    rbac.add_tables(&db.pool, &["*"]).await?;
    rbac.add_crud_permissions(&db.pool).await?;
    rbac.add_roles(&db.pool, &["owner"]).await?;
    let all = ["select", "insert", "update", "delete"];
    rbac.add_role_permissions(&db.pool, "owner", &all, &["*"]).await?;
    rbac.assign_user_role(&db.pool, &[(ADMIN.0, "owner")]).await?;
    db.pool.load_rbac().await?;
    let restricted = db.pool.restricted_for(ADMIN)?;
    let taken_at = DateTimeUtc::from_timestamp(1_700_000_000, 123_456_789).ok_or("no time")?;
    let models = |price| {
        ["a", "b", "c"].map(|name| reading::Model {
            id: 0,
            name: name.into(),
            taken_at,
            price: Decimal::new(price, 3),
            code: "ab".into(),
            detail: None,
        })
    };
    // several statements of each kind
    let sync = |price| reading::Entity::bulk_sync(models(price), WholeTable, 1);
    assert_eq!(sync(10_005).exec(&restricted).await?.created, 3);
    assert!(sync(10_005).exec(&restricted).await?.is_unchanged());
    assert_eq!(sync(20_005).exec(&restricted).await?.updated, 3);
    assert!(sync(20_005).exec(&restricted).await?.is_unchanged());
    Ok(())
}

async fn a_user_without_the_right_to_delete_changes_nothing(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    with_users(&db).await?;
    let error = sync(CHANGED).exec(&db.pool.restricted_for(CLERK)?).await;
    let Err(SyncError::Statement { source, .. }) = error else {
        return Err(format!("{error:?}").into());
    };
    assert!(matches!(*source, DbErr::AccessDenied { .. }), "{source:?}");
    assert_eq!(people(&db.pool).await?, BEFORE);
    Ok(())
}

async fn a_failure_in_the_last_batch_leaves_the_table_as_it_was(db: Db) -> TestResult {
    db.create_table(project::Entity).await?;
    let hosted =
        |id, domain: &str| project::Model { domain: Some(domain.into()), ..project(id, domain) };
    insert::<project::Entity>(&db, vec![hosted(1, "a"), hosted(2, "b"), hosted(3, "c")]).await?;
    let before = rows::<project::Entity>(&db.pool).await?;
    let mut models: Vec<_> = (10..20).map(|n| hosted(n, &format!("new {n}"))).collect();
    models.push(project::Model { domain: Some("z".into()), ..hosted(1, "a") });
    models.push(project::Model { domain: Some("z".into()), ..hosted(20, "last") });
    let error = project::Entity::bulk_sync(models, WholeTable, 1).exec(&db.pool).await;
    let Err(SyncError::Constraint { table, keys, .. }) = error else {
        return Err(format!("{error:?}").into());
    };
    assert_eq!((table.as_str(), &keys[..]), ("project", &["code = 'last'".to_owned()][..]));
    assert_eq!(rows::<project::Entity>(&db.pool).await?, before);
    Ok(())
}

async fn a_sync_on_a_pool_of_one_connection_does_not_wait_for_itself(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let mut options = sea_orm::ConnectOptions::new(&db.url);
    options.max_connections(1).sqlx_logging(false);
    let pool = sea_orm::Database::connect(options).await?;
    sync(CHANGED).exec_with_returning(&pool).await?;
    assert_eq!(people(&pool).await?, AFTER);
    pool.close().await?;
    Ok(())
}

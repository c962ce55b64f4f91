//! Guards against a bad import, and the proof of the scope.

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        project::{self, project},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ActiveValue::Set,
    QuerySelect, QueryTrait, SqlErr,
    entity::prelude::*,
    sea_query::{ExprTrait, SelectStatement},
};

use crate::fixture::{
    insert, of_501, outsider, people, refused, rows, with_ann_bob_and_cid, with_employees,
};

pub const TESTS: [Test; 20] = tests![
    empty_input_that_would_delete_is_refused,
    empty_input_that_deletes_nothing_is_done,
    deletes_above_the_limit_are_refused,
    deletes_up_to_the_limit_are_done,
    deletes_above_the_share_are_refused,
    deletes_up_to_the_share_are_done,
    updates_above_the_limit_are_refused,
    updates_up_to_the_limit_are_done,
    a_dry_run_is_not_refused_by_a_guard_and_tells_what_it_says,
    duplicate_rows_are_each_named,
    duplicate_rows_that_no_model_is_given_for_are_deleted,
    of_duplicate_rows_the_one_with_the_lowest_primary_key_can_be_kept,
    an_update_out_of_the_scope_is_refused_where_a_duplicate_stays_in_it,
    deleted_duplicates_count_for_the_guard,
    every_model_outside_the_scope_is_named,
    an_update_out_of_a_scope_with_a_subquery_is_refused,
    a_scope_with_a_subquery_on_the_table_itself_is_proved,
    a_row_that_leaves_the_scope_for_another_is_missed,
    a_created_row_that_brings_others_into_an_empty_scope_is_refused,
    an_error_becomes_an_error_of_the_database,
];

fn only_ann() -> BulkSync<employee::Entity> {
    employee::Entity::bulk_sync([imported("A1", "Ann")], of_501(), None)
}

fn nobody() -> BulkSync<employee::Entity> {
    employee::Entity::bulk_sync(Vec::<employee::Model>::new(), of_501(), None)
}

fn all_renamed() -> BulkSync<employee::Entity> {
    let models = ["A1", "B2", "C3"].map(|number| imported(number, "X"));
    employee::Entity::bulk_sync(models, of_501(), None)
}

fn keys<const N: usize>(numbers: [&str; N]) -> [String; N] {
    numbers.map(|number| format!("company_id = 501, external_id = '{number}'"))
}

async fn empty_input_that_would_delete_is_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let error = refused(&db, nobody()).await?;
    assert!(error.to_string().contains("allow_empty()"), "{error}");
    let SyncError::EmptyInput { table, would_delete } = error else { return Err(error.into()) };
    assert_eq!((table.as_str(), would_delete), ("employee", 3));
    Ok(())
}

async fn empty_input_that_deletes_nothing_is_done(db: Db) -> TestResult {
    with_employees(&db, &[outsider("B2", "Bob")]).await?;
    assert!(nobody().exec(&db.pool).await?.is_unchanged());
    insert::<employee::Entity>(&db, vec![imported("A1", "Ann")]).await?;
    let result = nobody().skip_deletes().exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 0 deleted, 0 unchanged");
    Ok(())
}

async fn deletes_above_the_limit_are_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let error = refused(&db, only_ann().max_deletes(1)).await?;
    let SyncError::TooManyDeletes { table, would_delete, in_scope, limit, option, keys: named } =
        error
    else {
        return Err(error.into());
    };
    assert_eq!((table.as_str(), option), ("employee", "max_deletes"));
    assert_eq!((would_delete, in_scope, limit), (2, 3, 1));
    assert_eq!(named, keys(["B2", "C3"]));
    Ok(())
}

async fn deletes_up_to_the_limit_are_done(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    assert_eq!(only_ann().max_deletes(2).exec(&db.pool).await?.deleted, 2);
    assert_eq!(only_ann().max_deletes(0).exec(&db.pool).await?.deleted, 0);
    Ok(())
}

async fn deletes_above_the_share_are_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let error = refused(&db, only_ann().max_delete_share(0.5)).await?;
    let SyncError::TooManyDeletes { would_delete, in_scope, limit, option, .. } = error else {
        return Err(error.into());
    };
    assert_eq!((would_delete, in_scope, limit, option), (2, 3, 1, "max_delete_share"));
    Ok(())
}

async fn deletes_up_to_the_share_are_done(db: Db) -> TestResult {
    let rows: Vec<_> = (0..100).map(|n| imported(&n.to_string(), "X")).collect();
    with_employees(&db, &rows).await?;
    let sync = |kept: usize| {
        employee::Entity::bulk_sync(rows[..kept].to_vec(), of_501(), None).max_delete_share(0.29)
    };
    let error = refused(&db, sync(70)).await?;
    assert!(matches!(error, SyncError::TooManyDeletes { limit: 29, .. }), "{error:?}");
    assert_eq!(sync(71).exec(&db.pool).await?.deleted, 29);
    Ok(())
}

async fn updates_above_the_limit_are_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let error = refused(&db, all_renamed().max_updates(2)).await?;
    let SyncError::TooManyUpdates { table, would_update, in_scope, limit, keys: named } = error
    else {
        return Err(error.into());
    };
    assert_eq!((table.as_str(), would_update, in_scope, limit), ("employee", 3, 3, 2));
    assert_eq!(named, keys(["A1", "B2", "C3"]));
    Ok(())
}

async fn updates_up_to_the_limit_are_done(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    assert_eq!(all_renamed().max_updates(3).exec(&db.pool).await?.updated, 3);
    Ok(())
}

async fn a_dry_run_is_not_refused_by_a_guard_and_tells_what_it_says(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let plan = only_ann().max_deletes(1).compare(&db.pool).await?;
    assert_eq!(plan.deleted().count(), 2);
    assert!(matches!(plan.guard(), Err(SyncError::TooManyDeletes { .. })));
    only_ann().compare(&db.pool).await?.guard()?;
    Ok(())
}

async fn with_duplicates(db: &Db) -> Result<(), DbErr> {
    with_ann_bob_and_cid(db).await?;
    let more = ["B2", "C3", "B2"].map(|number| imported(number, "again"));
    insert::<employee::Entity>(db, more.to_vec()).await
}

fn ann_bob_and_cid() -> BulkSync<employee::Entity> {
    let models = [imported("A1", "Ann"), imported("B2", "Bob"), imported("C3", "Cid")];
    employee::Entity::bulk_sync(models, of_501(), None)
}

async fn duplicate_rows_are_each_named(db: Db) -> TestResult {
    with_duplicates(&db).await?;
    let error = refused(&db, ann_bob_and_cid()).await?;
    assert!(error.to_string().contains("delete_duplicates()"), "{error}");
    let SyncError::DuplicateRows { table, keys: mut named } = error else {
        return Err(error.into());
    };
    named.sort();
    named.dedup();
    assert_eq!((table.as_str(), &named[..]), ("employee", &keys(["B2", "C3"])[..]));
    Ok(())
}

async fn duplicate_rows_that_no_model_is_given_for_are_deleted(db: Db) -> TestResult {
    with_duplicates(&db).await?;
    let result = only_ann().exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 5 deleted, 1 unchanged");
    assert_eq!(people(&db.pool).await?, ["501 A1 Ann", "502 B2 Bob"]);
    Ok(())
}

async fn of_duplicate_rows_the_one_with_the_lowest_primary_key_can_be_kept(db: Db) -> TestResult {
    with_duplicates(&db).await?;
    let kept = rows::<employee::Entity>(&db.pool).await?[..4].to_vec();
    let result = ann_bob_and_cid().delete_duplicates().exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 3 deleted, 3 unchanged");
    assert_eq!(rows::<employee::Entity>(&db.pool).await?, kept);
    Ok(())
}

/// Of two rows in scope with the key of a model, one equals it already; the other one, which
/// is updated, would leave the scope.
async fn an_update_out_of_the_scope_is_refused_where_a_duplicate_stays_in_it(db: Db) -> TestResult {
    let of_502 = |phone: Option<&str>| employee::Model {
        phone: phone.map(Into::into),
        ..outsider("A1", "Ann")
    };
    with_employees(&db, &[imported("A1", "Ann"), of_502(Some("1"))]).await?;
    let scope = of_501().or(employee::Column::Phone.eq("1"));
    let sync = employee::Entity::bulk_sync([of_502(None)], scope, None)
        .key([employee::Column::ExternalId])
        .ignore([employee::Column::Phone])
        .skip_deletes()
        .delete_duplicates();
    let SyncError::OutOfScope { keys, .. } = refused(&db, sync).await? else {
        return Err("another error".into());
    };
    assert_eq!(keys, ["id = 1"]);
    Ok(())
}

async fn deleted_duplicates_count_for_the_guard(db: Db) -> TestResult {
    with_duplicates(&db).await?;
    let error = refused(&db, ann_bob_and_cid().delete_duplicates().max_deletes(2)).await?;
    assert!(matches!(error, SyncError::TooManyDeletes { would_delete: 3, .. }), "{error:?}");
    Ok(())
}

async fn every_model_outside_the_scope_is_named(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [
        outsider("Y8", "Yan"),
        imported("A1", "Anna"),
        imported("D4", "Dee"),
        outsider("Z9", "Zoe"),
    ];
    for batch_size in [None, Some(1)] {
        let sync = employee::Entity::bulk_sync(models.clone(), of_501(), batch_size);
        let SyncError::OutOfScope { table, keys } = refused(&db, sync).await? else {
            return Err("another error".into());
        };
        assert_eq!(table, "employee");
        let outside =
            ["Y8", "Z9"].map(|number| format!("company_id = 502, external_id = '{number}'"));
        assert_eq!(keys, outside);
    }
    Ok(())
}

/// Employees whose phone number is the code of a project.
fn on_a_project() -> sea_orm::sea_query::Expr {
    let codes = project::Entity::find().select_only().column(project::Column::Code);
    employee::Column::Phone.in_subquery(codes.into_query())
}

async fn an_update_out_of_a_scope_with_a_subquery_is_refused(db: Db) -> TestResult {
    let called = |number, phone: &str| employee::Model {
        phone: Some(phone.into()),
        ..imported(number, number)
    };
    with_employees(&db, &[called("A1", "one"), called("B2", "two"), called("C3", "other")]).await?;
    db.create_table(project::Entity).await?;
    insert::<project::Entity>(&db, vec![project(1, "one"), project(2, "two")]).await?;
    let sync = |phone| {
        let models = [called("A1", "two"), called("B2", phone)];
        employee::Entity::bulk_sync(models, on_a_project(), None)
    };
    let SyncError::OutOfScope { keys: named, .. } = refused(&db, sync("other")).await? else {
        return Err("another error".into());
    };
    assert_eq!(named, keys(["B2"]));
    let result = sync("one").exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 2 updated, 0 deleted, 0 unchanged");
    Ok(())
}

/// The companies that have an employee with this phone number.
fn companies_called(phone: &str) -> SelectStatement {
    employee::Entity::find()
        .select_only()
        .column(employee::Column::CompanyId)
        .filter(employee::Column::Phone.eq(phone))
        .into_query()
}

/// The best paid may be changed, but not so that others become the best paid.
async fn a_scope_with_a_subquery_on_the_table_itself_is_proved(db: Db) -> TestResult {
    let paid =
        |number, salary| employee::Model { salary: Decimal::from(salary), ..imported(number, "X") };
    with_employees(&db, &[paid("A1", 3_000), paid("B2", 2_000)]).await?;
    let best = employee::Entity::find()
        .select_only()
        .column_as(employee::Column::Salary.max(), "best")
        .into_query();
    let sync = |salary| {
        let scope = employee::Column::Salary.in_subquery(best.clone());
        employee::Entity::bulk_sync([paid("A1", salary)], scope, None)
    };
    for salary in [1_000, 2_000] {
        let error = refused(&db, sync(salary)).await?;
        assert!(matches!(error, SyncError::OutOfScope { .. }), "{error:?}");
    }
    assert_eq!(sync(2_001).exec(&db.pool).await?.updated, 1);
    Ok(())
}

/// A created row takes one out of the scope and brings another one in.
async fn a_row_that_leaves_the_scope_for_another_is_missed(db: Db) -> TestResult {
    let called = |row| employee::Model { phone: Some("1".into()), ..row };
    let initial = [imported("A1", "Ann"), called(imported("B2", "Bob")), outsider("Z9", "Zoe")];
    with_employees(&db, &initial).await?;
    let before = rows::<employee::Entity>(&db.pool).await?;
    let sync = || {
        let scope = employee::Column::CompanyId.in_subquery(companies_called("1"));
        let models = [imported("A1", "Ann"), called(outsider("Y8", "Yan"))];
        employee::Entity::bulk_sync(models, scope, None)
    };
    let plan = sync().compare(&db.pool).await?;
    assert_eq!(plan.summary().to_string(), "1 created, 0 updated, 1 deleted, 1 unchanged");
    let Err(SyncError::OutOfScope { keys, .. }) = plan.apply(&db.pool).await else {
        return Err("not refused, or by another error".into());
    };
    assert_eq!(keys, ["id = 1"]);
    assert_eq!(rows::<employee::Entity>(&db.pool).await?, before, "the table has changed");
    let error = refused(&db, sync()).await?;
    assert!(matches!(error, SyncError::OutOfScope { .. }), "{error:?}");
    Ok(())
}

/// On MySQL there is no row to lock, and others could have put one there: a second try
/// tells that they have not.
async fn a_created_row_that_brings_others_into_an_empty_scope_is_refused(db: Db) -> TestResult {
    with_employees(&db, &[imported("A1", "Ann")]).await?;
    let model = employee::Model { phone: Some("1".into()), ..imported("B2", "Bob") };
    let scope = employee::Column::CompanyId.in_subquery(companies_called("1"));
    let error = refused(&db, employee::Entity::bulk_sync([model], scope, None)).await?;
    assert!(matches!(error, SyncError::OutOfScope { .. }), "{error:?}");
    Ok(())
}

async fn an_error_becomes_an_error_of_the_database(db: Db) -> TestResult {
    async fn service(db: &Db) -> Result<u64, DbErr> {
        Ok(nobody().exec(&db.pool).await?.deleted)
    }
    with_ann_bob_and_cid(&db).await?;
    let Err(DbErr::Custom(text)) = service(&db).await else { return Err("another error".into()) };
    assert!(text.contains("no models were given for employee"), "{text}");
    let mut taken = employee::ActiveModel::from(imported("D4", "Dee"));
    taken.id = Set(1);
    let sync = employee::Entity::bulk_sync([taken], of_501(), None).skip_deletes();
    let error: DbErr = refused(&db, sync).await?.into();
    let cause = error.sql_err();
    assert!(matches!(cause, Some(SqlErr::UniqueConstraintViolation(_))), "{error:?}");
    Ok(())
}

//! Plans: what they show, that they are what happens, and that they go stale.

use bulk_sync::{SyncError, prelude::*};
use bulk_sync_tests::{
    entity::employee::{self, imported},
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ActiveValue::Set,
    DbBackend, IntoActiveModel,
    entity::prelude::*,
    sea_query::{Condition, Expr},
};

pub const TESTS: [Test; 11] = tests![
    a_plan_is_stale_when_a_row_to_update_has_left_the_scope,
    a_plan_made_without_a_database_is_checked_before_it_is_applied,
    a_plan_reads_like_a_diff_sorted_by_key,
    a_long_plan_ends_with_the_number_of_the_rest_and_is_whole_on_request,
    applying_a_plan_does_what_exec_would_do,
    a_plan_is_stale_when_a_row_to_update_has_changed,
    a_plan_is_stale_when_a_row_to_delete_is_gone,
    a_plan_is_stale_when_a_row_to_create_has_appeared,
    a_fingerprint_is_the_same_for_the_same_plan_and_no_other,
    a_plan_of_nothing_is_empty_and_applies_to_nothing,
    a_plan_serialises_with_its_rows_and_values,
];

fn scope() -> Expr {
    employee::Column::CompanyId.eq(501)
}

/// A table with Ann, Bob and Cid.
async fn set_up(db: &Db) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    db.create_table(employee::Entity).await?;
    let models = [imported("C3", "Cid"), imported("A1", "Ann"), imported("B2", "Bob")];
    employee::Entity::bulk_sync(models, scope(), None).exec(&db.pool).await?;
    Ok(())
}

/// Ann stays, Bob becomes Robert, Cid goes, Dee comes.
async fn plan(db: &Db) -> Result<SyncPlan<employee::Entity>, SyncError> {
    let mut bob = imported("B2", "Robert");
    bob.phone = Some("555".into());
    let models = [imported("D4", "Dee"), bob, imported("A1", "Ann")];
    employee::Entity::bulk_sync(models, scope(), None).compare(&db.pool).await
}

async fn names(db: &Db) -> Result<Vec<String>, DbErr> {
    let rows = employee::Entity::find().all(&db.pool).await?;
    let mut names: Vec<_> = rows.into_iter().map(|row| row.name).collect();
    names.sort_unstable();
    Ok(names)
}

async fn a_plan_reads_like_a_diff_sorted_by_key(db: Db) -> TestResult {
    set_up(&db).await?;
    assert_eq!(
        plan(&db).await?.to_string(),
        "employee: 1 created, 1 updated, 1 deleted, 1 unchanged\n\
         ~ company_id = 501, external_id = 'B2': name 'Bob' → 'Robert', phone NULL → '555'\n\
         - company_id = 501, external_id = 'C3': name = 'Cid', phone = NULL, \
         salary = 1234.56, source = 'import', touched_by = 'import'\n\
         + company_id = 501, external_id = 'D4': name = 'Dee', phone = NULL, \
         salary = 1234.56, source = 'import', touched_by = 'import'"
    );
    Ok(())
}

async fn a_long_plan_ends_with_the_number_of_the_rest_and_is_whole_on_request(
    db: Db,
) -> TestResult {
    db.create_table(employee::Entity).await?;
    let models = (0..100).map(|n| imported(&format!("E{n:03}"), "Ann"));
    let plan = employee::Entity::bulk_sync(models, scope(), None).compare(&db.pool).await?;
    let short = plan.to_string();
    assert_eq!(short.lines().count(), 1 + bulk_sync::LISTED_ROWS + 1);
    assert!(short.ends_with("\n… and 80 more"), "{short}");
    let whole = format!("{plan:#}");
    assert_eq!(whole.lines().count(), 1 + 100);
    assert!(whole.contains("external_id = 'E099'"), "{whole}");
    Ok(())
}

async fn applying_a_plan_does_what_exec_would_do(db: Db) -> TestResult {
    set_up(&db).await?;
    let plan = plan(&db).await?;
    assert_eq!(names(&db).await?, ["Ann", "Bob", "Cid"]);
    let summary = plan.summary();
    let result = plan.apply(&db.pool).await?;
    assert_eq!(result, summary);
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    assert_eq!(names(&db).await?, ["Ann", "Dee", "Robert"]);
    Ok(())
}

async fn assert_stale(
    db: &Db,
    plan: SyncPlan<employee::Entity>,
    row: &str,
    left: &[&str],
) -> TestResult {
    match plan.apply(&db.pool).await {
        Err(SyncError::StalePlan { table, rows }) => {
            assert_eq!(table, "employee");
            assert_eq!(rows, [row]);
        }
        other => return Err(format!("{other:?}").into()),
    }
    assert_eq!(names(db).await?, left);
    Ok(())
}

async fn a_plan_is_stale_when_a_row_to_update_has_changed(db: Db) -> TestResult {
    set_up(&db).await?;
    let plan = plan(&db).await?;
    employee::Entity::update_many()
        .col_expr(employee::Column::Salary, Expr::val(7))
        .filter(employee::Column::Name.eq("Bob"))
        .exec(&db.pool)
        .await?;
    let row = "company_id = 501, external_id = 'B2' has changed";
    assert_stale(&db, plan, row, &["Ann", "Bob", "Cid"]).await
}

async fn a_plan_is_stale_when_a_row_to_delete_is_gone(db: Db) -> TestResult {
    set_up(&db).await?;
    let plan = plan(&db).await?;
    employee::Entity::delete_many().filter(employee::Column::Name.eq("Cid")).exec(&db.pool).await?;
    let row = "company_id = 501, external_id = 'C3' is gone";
    assert_stale(&db, plan, row, &["Ann", "Bob"]).await
}

async fn a_plan_is_stale_when_a_row_to_create_has_appeared(db: Db) -> TestResult {
    set_up(&db).await?;
    let plan = plan(&db).await?;
    let mut dee = imported("D4", "Somebody").into_active_model();
    dee.id = sea_orm::ActiveValue::NotSet;
    dee.source = Set("elsewhere".into());
    employee::Entity::insert(dee).exec(&db.pool).await?;
    let row = "company_id = 501, external_id = 'D4' has appeared";
    assert_stale(&db, plan, row, &["Ann", "Bob", "Cid", "Somebody"]).await
}

async fn a_fingerprint_is_the_same_for_the_same_plan_and_no_other(db: Db) -> TestResult {
    set_up(&db).await?;
    let first = plan(&db).await?.fingerprint();
    assert_eq!(plan(&db).await?.fingerprint(), first);
    assert_eq!(first.to_string().parse(), Ok(first));
    employee::Entity::update_many()
        .col_expr(employee::Column::Salary, Expr::val(7))
        .filter(employee::Column::Name.eq("Cid"))
        .exec(&db.pool)
        .await?;
    assert_ne!(plan(&db).await?.fingerprint(), first);
    Ok(())
}

async fn a_plan_of_nothing_is_empty_and_applies_to_nothing(db: Db) -> TestResult {
    set_up(&db).await?;
    plan(&db).await?.apply(&db.pool).await?;
    let plan = plan(&db).await?;
    assert!(plan.is_empty());
    assert_eq!(plan.to_string(), "employee: 0 created, 0 updated, 0 deleted, 3 unchanged");
    assert!(plan.apply(&db.pool).await?.is_unchanged());
    Ok(())
}

async fn a_plan_serialises_with_its_rows_and_values(db: Db) -> TestResult {
    set_up(&db).await?;
    let plan = plan(&db).await?;
    let json = serde_json::to_value(&plan)?;
    assert_eq!(json["table"], "employee");
    assert_eq!(json["fingerprint"], plan.fingerprint().to_string());
    assert_eq!(json["summary"]["unchanged"], 1);
    assert_eq!(
        json["updated"][0],
        serde_json::json!({
            "key": {"company_id": 501, "external_id": "B2"},
            "primary_key": {"id": json["updated"][0]["primary_key"]["id"]},
            "changes": [
                {"column": "name", "current": "Bob", "desired": "Robert"},
                {"column": "phone", "current": null, "desired": "555"},
            ],
            "revived": false,
        })
    );
    assert_eq!(json["created"][0]["salary"], "1234.56");
    assert_eq!(json["deleted"][0]["name"], "Cid");
    Ok(())
}

async fn a_plan_is_stale_when_a_row_to_update_has_left_the_scope(db: Db) -> TestResult {
    set_up(&db).await?;
    let plan = plan(&db).await?;
    employee::Entity::update_many()
        .col_expr(employee::Column::CompanyId, Expr::val(502))
        .filter(employee::Column::Name.eq("Bob"))
        .exec(&db.pool)
        .await?;
    let row = "company_id = 501, external_id = 'B2' is gone";
    assert_stale(&db, plan, row, &["Ann", "Bob", "Cid"]).await
}

async fn a_plan_made_without_a_database_is_checked_before_it_is_applied(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let models = [imported("A1", "A\0nn")];
    let everything = Condition::all();
    let plan = employee::Entity::bulk_sync(models.clone(), everything, None).compare_with([])?;
    let error = plan.apply(&db.pool).await.err().ok_or("it was done")?;
    assert!(error.to_string().contains("the condition is empty"), "{error}");
    let plan = employee::Entity::bulk_sync(models, scope(), None).compare_with([])?;
    let applied = plan.apply(&db.pool).await;
    if db.backend() == DbBackend::Postgres {
        assert!(matches!(applied, Err(SyncError::InvalidInput { .. })), "{applied:?}");
    } else {
        assert_eq!(applied?.created, 1);
    }
    Ok(())
}

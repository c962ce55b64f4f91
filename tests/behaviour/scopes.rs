//! Which rows a call is about, and into how many statements it is split.

use bulk_sync::{InputFault, IntoScope, SyncResult, prelude::*};
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        membership::{self, membership},
        project::{self, project},
        zone::{self, zone},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    Condition, DbBackend, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Func},
};

use crate::fixture::{
    Failure, ids, insert, of_501, outsider, people, refused, rows, settled, with_ann_bob_and_cid,
    with_employees,
};

pub const TESTS: [Test; 17] = tests![
    a_condition_that_only_one_backend_knows_is_a_scope_there,
    a_condition_is_a_scope,
    an_expression_is_a_scope,
    a_function_is_a_scope,
    a_subquery_over_another_table_is_a_scope,
    a_comparison_of_columns_is_a_scope,
    the_whole_table_is_a_scope_by_name,
    a_scope_that_no_row_meets_is_filled,
    a_scope_with_thousands_of_values_leaves_room_for_the_rows,
    a_batch_size_of_0_is_refused,
    batches_of_one_row_do_what_one_batch_does,
    batches_of_seven_rows_do_what_one_batch_does,
    a_batch_size_that_is_left_to_the_library_does,
    the_largest_batch_size_does_what_one_batch_does,
    many_rows_in_the_largest_batches_end_up_as_given,
    a_sync_that_deletes_nothing_leaves_rows_outside_its_scope_alone,
    a_sync_of_thousands_that_deletes_nothing_leaves_other_rows_alone,
];

/// Syncs Ann with a new name, and so deletes Bob and Cid, and nobody else.
async fn keeps_ann_only(db: &Db, scope: impl IntoScope) -> TestResult {
    with_ann_bob_and_cid(db).await?;
    let sync = employee::Entity::bulk_sync([imported("A1", "Anna")], scope, None);
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 2 deleted, 0 unchanged");
    assert_eq!(people(&db.pool).await?, ["501 A1 Anna", "502 B2 Bob"]);
    Ok(())
}

async fn a_condition_is_a_scope(db: Db) -> TestResult {
    let either = Condition::any().add(employee::Column::Name.eq("?")).add(of_501());
    keeps_ann_only(&db, either).await
}

async fn an_expression_is_a_scope(db: Db) -> TestResult {
    keeps_ann_only(&db, Expr::col(employee::Column::CompanyId).lt(502)).await
}

async fn a_function_is_a_scope(db: Db) -> TestResult {
    let lower = Func::lower(Expr::col(employee::Column::ExternalId));
    keeps_ann_only(&db, Expr::expr(lower).is_in(["a1", "b2", "c3"]).and(of_501())).await
}

async fn a_comparison_of_columns_is_a_scope(db: Db) -> TestResult {
    let same = Expr::col(employee::Column::Source).eq(Expr::col(employee::Column::TouchedBy));
    keeps_ann_only(&db, same.and(of_501())).await
}

async fn the_whole_table_is_a_scope_by_name(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [imported("A1", "Anna"), outsider("Z9", "Zoe")];
    let result = employee::Entity::bulk_sync(models, WholeTable, None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 3 deleted, 0 unchanged");
    assert_eq!(people(&db.pool).await?, ["501 A1 Anna", "502 Z9 Zoe"]);
    Ok(())
}

async fn a_subquery_over_another_table_is_a_scope(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    db.create_table(project::Entity).await?;
    insert::<project::Entity>(&db, vec![project(1, "north one"), project(2, "south")]).await?;
    insert::<project::Entity>(&db, vec![project(3, "north two")]).await?;
    db.create_table(membership::Entity).await?;
    let ids = ids(&db.pool).await?;
    let current =
        vec![membership(1, ids[0], None), membership(2, ids[0], None), membership(3, ids[1], None)];
    insert::<membership::Entity>(&db, current).await?;
    let northern = project::Entity::find()
        .select_only()
        .column(project::Column::Id)
        .filter(project::Column::Code.starts_with("north"));
    let scope = membership::Column::ProjectId.in_subquery(northern.into_query());
    let models = [membership(1, ids[0], Some(ids[2])), membership(3, ids[2], None)];
    let sync = membership::Entity::bulk_sync(models, scope.clone(), None);
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 0 unchanged");
    let rows = rows::<membership::Entity>(&db.pool).await?;
    let pairs: Vec<_> = rows.iter().map(|row| (row.project_id, row.employee_id)).collect();
    assert_eq!(pairs, [(1, ids[0]), (2, ids[0]), (3, ids[2])]);
    let southern = membership::Entity::bulk_sync([membership(2, ids[1], None)], scope, None);
    let error = refused(&db, southern.skip_deletes()).await?;
    assert!(matches!(error, SyncError::OutOfScope { .. }), "{error:?}");
    Ok(())
}

async fn a_scope_that_no_row_meets_is_filled(db: Db) -> TestResult {
    with_employees(&db, &[outsider("B2", "Bob")]).await?;
    let models = [imported("A1", "Ann"), imported("B2", "Bob")];
    let result = employee::Entity::bulk_sync(models, of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "2 created, 0 updated, 0 deleted, 0 unchanged");
    Ok(())
}

async fn a_scope_with_thousands_of_values_leaves_room_for_the_rows(db: Db) -> TestResult {
    let most = if db.backend() == DbBackend::Sqlite { 32_700 } else { 65_500 };
    with_employees(&db, &[]).await?;
    let scope = || employee::Column::CompanyId.is_in(501..501 + most);
    let models =
        |name: &str| -> Vec<_> { (0..400).map(|n| imported(&format!("E{n}"), name)).collect() };
    let sync = |name| employee::Entity::bulk_sync(models(name), scope(), None);
    let created = sync("Ann").exec_with_returning(&db.pool).await?.created;
    assert_eq!(created.len(), 400);
    assert_eq!(sync("Anna").skip_deletes().exec(&db.pool).await?.updated, 400);
    let few = models("Zoe").into_iter().take(50);
    let few = employee::Entity::bulk_sync(few, scope(), None).skip_deletes();
    assert_eq!(few.exec(&db.pool).await?.updated, 50);
    Ok(())
}

async fn a_batch_size_of_0_is_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let sync = employee::Entity::bulk_sync([imported("A1", "Anna")], of_501(), 0);
    let SyncError::InvalidInput { faults, .. } = refused(&db, sync).await? else {
        return Err("another error".into());
    };
    assert_eq!(faults, [InputFault::ZeroBatchSize]);
    Ok(())
}

/// Creates 20 rows, then deletes half, changes some and creates others.
async fn in_batches(db: &Db, size: impl Into<Option<usize>>) -> Result<SyncResult, Failure> {
    with_employees(db, &[outsider("E1", "Zoe")]).await?;
    let size = size.into();
    let row = |n: u32| imported(&format!("E{n}"), &format!("Name {n}"));
    employee::Entity::bulk_sync((0..20).map(row), of_501(), size).exec(&db.pool).await?;
    let changed =
        |n: u32| employee::Model { phone: n.is_multiple_of(3).then(|| n.to_string()), ..row(n) };
    let sync = || employee::Entity::bulk_sync((10..35).map(changed), of_501(), size);
    let result = sync().exec(&db.pool).await?;
    assert!(sync().check(&db.pool).await?);
    assert_eq!(rows::<employee::Entity>(&db.pool).await?.len(), 26);
    Ok(result)
}

const IN_BATCHES: &str = "15 created, 3 updated, 10 deleted, 7 unchanged";

async fn batches_of_one_row_do_what_one_batch_does(db: Db) -> TestResult {
    assert_eq!(in_batches(&db, 1).await?.to_string(), IN_BATCHES);
    Ok(())
}

async fn batches_of_seven_rows_do_what_one_batch_does(db: Db) -> TestResult {
    assert_eq!(in_batches(&db, 7).await?.to_string(), IN_BATCHES);
    Ok(())
}

async fn a_batch_size_that_is_left_to_the_library_does(db: Db) -> TestResult {
    assert_eq!(in_batches(&db, None).await?.to_string(), IN_BATCHES);
    Ok(())
}

async fn the_largest_batch_size_does_what_one_batch_does(db: Db) -> TestResult {
    assert_eq!(in_batches(&db, usize::MAX).await?.to_string(), IN_BATCHES);
    Ok(())
}

async fn many_rows_in_the_largest_batches_end_up_as_given(db: Db) -> TestResult {
    db.create_table(zone::Entity).await?;
    for offset in [0, 60] {
        let models: Vec<_> = (0..40_000).map(|n| zone(&format!("zone {n}"), offset)).collect();
        let sync = zone::Entity::bulk_sync(models, WholeTable, usize::MAX);
        let result = sync.exec(&db.pool).await?;
        assert_eq!(result.created + result.updated, 40_000);
    }
    assert_eq!(settled::<zone::Entity>(&db, vec![zone("zone 1", 60)]).await?.deleted, 39_999);
    Ok(())
}

/// A few models are looked up by their keys: a row of another company with the
/// same number must not be among them.
async fn a_sync_that_deletes_nothing_leaves_rows_outside_its_scope_alone(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let result = employee::Entity::bulk_sync([imported("B2", "Robert")], of_501(), None)
        .key([employee::Column::ExternalId])
        .skip_deletes()
        .exec(&db.pool)
        .await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 0 deleted, 0 unchanged");
    let names = ["501 A1 Ann", "501 B2 Robert", "501 C3 Cid", "502 B2 Bob"];
    assert_eq!(people(&db.pool).await?, names);
    Ok(())
}

/// So many models are not looked up: the whole scope is read.
async fn a_sync_of_thousands_that_deletes_nothing_leaves_other_rows_alone(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let mut models: Vec<_> = (0..3_000).map(|n| imported(&format!("E{n}"), "Eve")).collect();
    models.push(imported("A1", "Anna"));
    let sync = employee::Entity::bulk_sync(models, of_501(), None).skip_deletes();
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "3000 created, 1 updated, 0 deleted, 0 unchanged");
    let people = people(&db.pool).await?;
    assert_eq!(people[..3], ["501 A1 Anna", "501 B2 Bob", "501 C3 Cid"]);
    assert_eq!(people.len(), 3_004);
    Ok(())
}

/// `= ANY($1)` is known to PostgreSQL alone.
async fn a_condition_that_only_one_backend_knows_is_a_scope_there(db: Db) -> TestResult {
    if db.backend() != DbBackend::Postgres {
        return Ok(());
    }
    with_ann_bob_and_cid(&db).await?;
    let scope = || employee::Column::CompanyId.eq_any([501]);
    let sync = employee::Entity::bulk_sync([imported("A1", "Anna")], scope(), None);
    assert_eq!(
        sync.exec(&db.pool).await?.to_string(),
        "0 created, 1 updated, 2 deleted, 0 unchanged"
    );
    Ok(())
}

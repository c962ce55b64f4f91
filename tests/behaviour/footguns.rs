//! What goes wrong with django-bulk-sync and must not go wrong here; the
//! numbers are those of the list of footguns. Number 8 between two kept rows is
//! in `kept_rows`.

use bulk_sync::{InputFault, prelude::*};
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        every_type,
        project::{self, project},
        slot,
        stock::{self, stock},
        zone::{self, zone},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    Condition, DbBackend, MockDatabase, PaginatorTrait,
    entity::prelude::*,
    sea_query::{Alias, Expr, ExprTrait, Query},
};

use crate::fixture::{
    insert, of_501, outsider, people, refused, rows, with_ann_bob_and_cid, with_employees,
};

pub const TESTS: [Test; 18] = tests![
    footgun_01_a_row_that_differs_in_nothing_is_neither_written_nor_counted,
    footgun_02_duplicate_keys_in_the_input_are_refused,
    footgun_03_duplicate_keys_in_the_table_are_refused_and_listed,
    footgun_04_an_input_outside_the_filter_is_refused,
    footgun_04_an_update_that_moves_a_row_out_of_the_filter_is_refused,
    footgun_05_a_null_key_in_the_input_is_refused,
    footgun_05_rows_with_a_null_key_match_nothing_and_are_each_deleted,
    footgun_06_a_key_with_more_digits_than_its_column_matches_its_row,
    footgun_07_a_nan_key_is_refused,
    footgun_08_a_unique_value_moves_from_a_deleted_row_to_a_created_row,
    footgun_08_a_unique_value_moves_from_a_deleted_row_to_a_kept_row,
    footgun_09_an_empty_condition_is_refused,
    footgun_10_a_partial_model_leaves_the_other_columns_alone,
    footgun_11_a_filter_on_data_that_the_sync_changes_is_refused,
    footgun_12_many_thousands_of_stale_rows_are_deleted_in_one_call,
    footgun_12_more_models_than_a_statement_has_parameters_are_created_and_updated,
    footgun_13_ten_thousand_unchanged_rows_cost_one_select,
    footgun_14_a_small_upsert_reads_only_the_rows_that_match,
];

async fn footgun_01_a_row_that_differs_in_nothing_is_neither_written_nor_counted(
    db: Db,
) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let again = |name: &str| employee::Model { touched_by: "again".into(), ..imported("A1", name) };
    let sync = |name| employee::Entity::bulk_sync([again(name)], of_501(), None).skip_deletes();
    let result = sync("Ann").exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 0 deleted, 1 unchanged");
    assert_eq!(rows::<employee::Entity>(&db.pool).await?[0].touched_by, "import");
    sync("Anna").exec(&db.pool).await?;
    assert_eq!(rows::<employee::Entity>(&db.pool).await?[0].touched_by, "again");
    Ok(())
}

async fn footgun_02_duplicate_keys_in_the_input_are_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [imported("A1", "Ann"), imported("D4", "Dee"), imported("A1", "Anna")];
    let error = refused(&db, employee::Entity::bulk_sync(models, of_501(), None)).await?;
    let SyncError::InvalidInput { faults, .. } = error else { return Err(error.into()) };
    let key = "company_id = 501, external_id = 'A1'".to_owned();
    assert_eq!(faults, [InputFault::DuplicateKey { positions: (0, 2), key }]);
    Ok(())
}

async fn footgun_03_duplicate_keys_in_the_table_are_refused_and_listed(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    insert::<employee::Entity>(&db, vec![imported("B2", "Bob again")]).await?;
    let sync = || employee::Entity::bulk_sync([imported("B2", "Bob")], of_501(), None);
    let error = refused(&db, sync()).await?;
    let SyncError::DuplicateRows { table, keys } = error else { return Err(error.into()) };
    assert_eq!(table, "employee");
    assert_eq!(keys, ["company_id = 501, external_id = 'B2'"]);
    let plan = sync().compare(&db.pool).await;
    assert!(matches!(plan, Err(SyncError::DuplicateRows { .. })));
    Ok(())
}

async fn footgun_04_an_input_outside_the_filter_is_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [imported("A1", "Anna"), outsider("Z9", "Zoe")];
    let error = refused(&db, employee::Entity::bulk_sync(models, of_501(), None)).await?;
    let SyncError::OutOfScope { keys, .. } = error else { return Err(error.into()) };
    assert_eq!(keys, ["company_id = 502, external_id = 'Z9'"]);
    Ok(())
}

async fn footgun_04_an_update_that_moves_a_row_out_of_the_filter_is_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let salaried = of_501().and(employee::Column::Salary.gt(0));
    let volunteer = employee::Model { salary: Decimal::ZERO, ..imported("B2", "Bob") };
    let models = [imported("A1", "Anna"), volunteer, imported("C3", "Cid")];
    let error = refused(&db, employee::Entity::bulk_sync(models, salaried, None)).await?;
    let SyncError::OutOfScope { keys, .. } = error else { return Err(error.into()) };
    assert_eq!(keys, ["company_id = 501, external_id = 'B2'"]);
    Ok(())
}

async fn footgun_05_a_null_key_in_the_input_is_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let sync = employee::Entity::bulk_sync([imported("A1", "Ann")], of_501(), None)
        .key([employee::Column::Phone]);
    let error = refused(&db, sync).await?;
    let SyncError::InvalidInput { faults, .. } = error else { return Err(error.into()) };
    let [InputFault::MissingKey { position, column, .. }] = &faults[..] else {
        return Err(format!("{faults:?}").into());
    };
    assert_eq!((*position, *column), (0, "phone"));
    Ok(())
}

async fn footgun_05_rows_with_a_null_key_match_nothing_and_are_each_deleted(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let dee = employee::Model { phone: Some("555".into()), ..imported("D4", "Dee") };
    let result = employee::Entity::bulk_sync([dee], of_501(), None)
        .key([employee::Column::Phone])
        .exec(&db.pool)
        .await?;
    assert_eq!(result.to_string(), "1 created, 0 updated, 3 deleted, 0 unchanged");
    assert_eq!(people(&db.pool).await?, ["501 D4 Dee", "502 B2 Bob"]);
    Ok(())
}

async fn footgun_07_a_nan_key_is_refused(db: Db) -> TestResult {
    db.create_table(every_type::Entity).await?;
    let nan = every_type::Model { double: f64::NAN, ..every_type::sparse("a") };
    let sync = every_type::Entity::bulk_sync([every_type::full("b"), nan], WholeTable, None)
        .key([every_type::Column::Double]);
    let error = refused(&db, sync).await?;
    let SyncError::InvalidInput { faults, .. } = error else { return Err(error.into()) };
    assert_eq!(faults, [InputFault::NanKey { position: 1, column: "double" }]);
    Ok(())
}

async fn with_domains(db: &Db, domains: &[(i32, &str, &str)]) -> Result<(), DbErr> {
    db.create_table(project::Entity).await?;
    insert::<project::Entity>(db, domains.iter().map(|&project| hosted(project)).collect()).await
}

fn hosted((id, code, domain): (i32, &str, &str)) -> project::Model {
    project::Model { domain: Some(domain.into()), ..project(id, code) }
}

async fn footgun_08_a_unique_value_moves_from_a_deleted_row_to_a_created_row(db: Db) -> TestResult {
    with_domains(&db, &[(1, "one", "a.example"), (2, "two", "b.example")]).await?;
    let models = [hosted((1, "one", "a.example")), hosted((3, "three", "b.example"))];
    let result =
        project::Entity::bulk_sync(models.clone(), WholeTable, None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 0 updated, 1 deleted, 1 unchanged");
    assert_eq!(rows::<project::Entity>(&db.pool).await?, models);
    Ok(())
}

async fn footgun_08_a_unique_value_moves_from_a_deleted_row_to_a_kept_row(db: Db) -> TestResult {
    with_domains(&db, &[(1, "one", "a.example"), (2, "two", "b.example")]).await?;
    let models = [hosted((1, "one", "b.example")), hosted((3, "three", "a.example"))];
    let result =
        project::Entity::bulk_sync(models.clone(), WholeTable, None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 0 unchanged");
    assert_eq!(rows::<project::Entity>(&db.pool).await?, models);
    Ok(())
}

async fn footgun_09_an_empty_condition_is_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    for condition in [Condition::all(), Condition::any(), Condition::all().add(Condition::any())] {
        let sync = employee::Entity::bulk_sync([imported("A1", "Ann")], condition, None);
        let error = refused(&db, sync).await?;
        assert!(error.to_string().contains("WholeTable"), "{error}");
        let SyncError::InvalidInput { faults, .. } = error else { return Err(error.into()) };
        assert_eq!(faults, [InputFault::EmptyScope]);
    }
    Ok(())
}

async fn footgun_10_a_partial_model_leaves_the_other_columns_alone(db: Db) -> TestResult {
    let ann = employee::Model { phone: Some("555".into()), ..imported("A1", "Ann") };
    with_employees(&db, &[ann]).await?;
    let partial = employee::ActiveModel {
        company_id: Set(501),
        external_id: Set("A1".into()),
        name: Set("Anna".into()),
        phone: NotSet,
        ..Default::default()
    };
    let result = employee::Entity::bulk_sync([partial], of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("name", 1)]);
    let rows = rows::<employee::Entity>(&db.pool).await?;
    assert_eq!(rows[0].name, "Anna");
    assert_eq!(rows[0].phone.as_deref(), Some("555"));
    assert_eq!(rows[0].salary, imported("A1", "Ann").salary);
    assert_eq!((rows[0].source.as_str(), rows[0].touched_by.as_str()), ("import", "import"));
    Ok(())
}

/// Rows of company 501, as long as Ann is called Ann.
fn while_ann_is_ann() -> Expr {
    let other = Alias::new("other");
    let ann = Query::select()
        .expr(Expr::val(1))
        .from_as(employee::Entity, other.clone())
        .and_where(Expr::col((other.clone(), employee::Column::ExternalId)).eq("A1"))
        .and_where(Expr::col((other, employee::Column::Name)).eq("Ann"))
        .to_owned();
    of_501().and(Expr::exists(ann))
}

async fn footgun_11_a_filter_on_data_that_the_sync_changes_is_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let sync = |models: Vec<employee::Model>| {
        employee::Entity::bulk_sync(models, while_ann_is_ann(), None)
    };
    for models in [vec![imported("A1", "Anna"), imported("B2", "Bob")], vec![imported("B2", "Bob")]]
    {
        let error = refused(&db, sync(models)).await?;
        assert!(matches!(error, SyncError::OutOfScope { .. }), "{error:?}");
    }
    let result = sync(vec![imported("A1", "Ann"), imported("B2", "Robert")]).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 1 deleted, 1 unchanged");
    Ok(())
}

/// The table of zones with that many rows.
async fn with_zones(db: &Db, count: i32) -> TestResult {
    db.create_table(zone::Entity).await?;
    for from in (0..count).step_by(10_000) {
        let zones = (from..Ord::min(count, from + 10_000)).map(|n| zone_model(n, 0));
        zone::Entity::insert_many(zones).exec_without_returning(&db.pool).await?;
    }
    Ok(())
}

fn zone_model(number: i32, offset: i32) -> zone::ActiveModel {
    zone(&format!("zone {number}"), offset).into()
}

async fn footgun_12_many_thousands_of_stale_rows_are_deleted_in_one_call(db: Db) -> TestResult {
    let count = if db.backend() == DbBackend::Sqlite { 260_000 } else { 70_000 };
    with_zones(&db, count).await?;
    let kept = [zone_model(7, 0)];
    let result = zone::Entity::bulk_sync(kept, WholeTable, 100_000).exec(&db.pool).await?;
    assert_eq!((result.deleted, result.unchanged), (u64::try_from(count)? - 1, 1));
    assert_eq!(zone::Entity::find().count(&db.pool).await?, 1);
    Ok(())
}

async fn footgun_12_more_models_than_a_statement_has_parameters_are_created_and_updated(
    db: Db,
) -> TestResult {
    with_zones(&db, 0).await?;
    for (offset, expected) in [(0, (70_000, 0)), (60, (0, 70_000))] {
        let models = (0..70_000).map(|n| zone_model(n, offset));
        let result = zone::Entity::bulk_sync(models, WholeTable, None).exec(&db.pool).await?;
        assert_eq!((result.created, result.updated), expected);
    }
    assert_eq!(
        zone::Entity::find().filter(zone::Column::Offset.eq(60)).count(&db.pool).await?,
        70_000
    );
    Ok(())
}

async fn footgun_13_ten_thousand_unchanged_rows_cost_one_select(db: Db) -> TestResult {
    let models: Vec<_> = (0..10_000).map(|n| stock(n, n, n, None)).collect();
    let mock = MockDatabase::new(db.backend()).append_query_results([models.clone()]);
    let mock = mock.into_connection();
    let scope = stock::Column::Warehouse.eq(7);
    let result = stock::Entity::bulk_sync(models, scope, None).exec(&mock).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 0 deleted, 10000 unchanged");
    let log = mock.into_transaction_log();
    let statements: Vec<_> = log.iter().flat_map(|transaction| transaction.statements()).collect();
    let verbs: Vec<_> =
        statements.iter().map(|statement| statement.sql.split(' ').next()).collect();
    if db.backend() == DbBackend::Sqlite {
        assert_eq!(verbs, [Some("BEGIN"), Some("SELECT"), Some("COMMIT")]);
    } else {
        assert_eq!(verbs, [Some("SELECT")]);
    }
    Ok(())
}

async fn footgun_14_a_small_upsert_reads_only_the_rows_that_match(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = || [imported("B2", "Robert"), imported("D4", "Dee")];
    let sync = || employee::Entity::bulk_sync(models(), of_501(), None).skip_deletes();
    let mock =
        MockDatabase::new(db.backend()).append_query_results([Vec::<employee::Model>::new()]);
    let mock = mock.into_connection();
    assert!(!sync().check(&mock).await?);
    let log = mock.into_transaction_log();
    let select = log[0].statements()[0].to_string();
    assert!(select.contains("'B2'") && select.contains("'D4'"), "{select}");
    let result = sync().exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 0 deleted, 0 unchanged");
    Ok(())
}

async fn footgun_06_a_key_with_more_digits_than_its_column_matches_its_row(db: Db) -> TestResult {
    slot::create_table(&db.pool).await?;
    let slot = |price: i64, name: &str| {
        let starts_at = DateTimeUtc::from_timestamp(1_700_000_000, 123_456_789).ok_or("no time")?;
        let price = Decimal::new(price, 3);
        Ok::<_, &str>(slot::Model { id: 0, starts_at, price, name: name.into() })
    };
    let sync = |slots: Vec<slot::Model>| slot::Entity::bulk_sync(slots, WholeTable, None);
    let slots = vec![slot(10_004, "a")?, slot(20_014, "b")?];
    assert_eq!(sync(slots.clone()).exec(&db.pool).await?.created, 2);
    assert!(sync(slots.clone()).exec(&db.pool).await?.is_unchanged());
    let renamed = vec![slot(10_004, "c")?, slot(20_014, "b")?];
    let result = sync(renamed).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 0 deleted, 1 unchanged");

    // to the column these are one key
    let merged = sync(vec![slot(30_001, "d")?, slot(30_004, "e")?]).compare(&db.pool).await;
    if db.backend() == DbBackend::Sqlite {
        assert_eq!(merged?.summary().created, 2);
    } else {
        assert!(matches!(merged, Err(SyncError::InvalidInput { .. })), "{merged:?}");
    }
    Ok(())
}

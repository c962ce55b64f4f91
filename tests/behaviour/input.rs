//! Faults of the input: found before any I/O, all of them at once.

use bulk_sync::{BulkSync, InputFault, ValueFault, prelude::*};
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        meter::{self, meter},
        typed::{Typed, TypedRow, ip_network},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    Condition, DbBackend, IntoActiveModel, MockDatabase,
    entity::prelude::*,
};

use crate::fixture::{Failure, of_501, people, refused, with_ann_bob_and_cid, with_employees};

pub const TESTS: [Test; 15] = tests![
    every_duplicate_key_is_reported_with_both_positions,
    a_key_that_is_null_or_not_set_is_reported_with_its_position,
    a_nan_in_a_key_is_reported_and_nan_elsewhere_is_not,
    text_with_a_nul_character_is_refused_on_postgres,
    a_number_above_the_range_is_refused_where_it_cannot_be_stored,
    a_type_that_the_backend_does_not_have_is_refused,
    options_that_name_a_column_of_the_key_are_refused,
    a_key_without_a_column_is_refused,
    a_share_that_is_no_share_is_refused,
    faults_of_the_call_and_of_the_models_come_in_one_error,
    faults_of_the_options_and_of_the_models_come_in_one_error,
    faults_are_found_before_any_io,
    compare_finds_the_same_faults_as_exec,
    the_first_of_models_with_the_same_key_can_win,
    the_last_of_models_with_the_same_key_can_win,
];

async fn faults<E>(db: &Db, sync: BulkSync<E>) -> Result<Vec<InputFault>, Failure>
where
    E: EntityTrait,
    E::Model: SyncKey + PartialEq,
{
    match refused(db, sync).await? {
        SyncError::InvalidInput { faults, .. } => Ok(faults),
        error => Err(error.into()),
    }
}

fn key_of(external_id: &str) -> String {
    format!("company_id = 501, external_id = '{external_id}'")
}

async fn every_duplicate_key_is_reported_with_both_positions(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = ["A1", "B2", "A1", "B2", "A1"].map(|number| imported(number, number));
    let found = faults(&db, employee::Entity::bulk_sync(models, of_501(), None)).await?;
    let duplicate = |positions, number| InputFault::DuplicateKey { positions, key: key_of(number) };
    let expected = [duplicate((0, 2), "A1"), duplicate((1, 3), "B2"), duplicate((0, 4), "A1")];
    assert_eq!(found, expected);
    Ok(())
}

async fn a_key_that_is_null_or_not_set_is_reported_with_its_position(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let active = |number: &str| imported(number, number).into_active_model();
    let models = [
        active("A1"),
        employee::ActiveModel { external_id: NotSet, ..active("B2") },
        employee::ActiveModel { company_id: NotSet, ..active("C3") },
    ];
    let found = faults(&db, employee::Entity::bulk_sync(models, of_501(), None)).await?;
    let missing =
        |position, column, key: &str| InputFault::MissingKey { position, column, key: key.into() };
    let expected = [
        missing(1, "external_id", "company_id = 501, external_id not set"),
        missing(2, "company_id", "company_id not set, external_id = 'C3'"),
    ];
    assert_eq!(found, expected);
    let unset = employee::ActiveModel { phone: NotSet, ..active("A1") };
    let by_phone = employee::Entity::bulk_sync([unset, active("B2")], of_501(), None)
        .key([employee::Column::Phone]);
    let found = faults(&db, by_phone).await?;
    let expected = [missing(0, "phone", "phone not set"), missing(1, "phone", "phone = NULL")];
    assert_eq!(found, expected);
    Ok(())
}

async fn a_nan_in_a_key_is_reported_and_nan_elsewhere_is_not(db: Db) -> TestResult {
    db.create_table(meter::Entity).await?;
    let models = || [meter(1, 1.5), meter(2, f64::NAN)];
    let by_reading = meter::Entity::bulk_sync(models(), WholeTable, None);
    let mock = MockDatabase::new(db.backend()).into_connection();
    let sync = by_reading.key([meter::Column::Reading]);
    let Err(SyncError::InvalidInput { faults, .. }) = sync.exec(&mock).await else {
        return Err("another outcome".into());
    };
    assert_eq!(faults, [InputFault::NanKey { position: 1, column: "reading" }]);
    let sync = meter::Entity::bulk_sync(models(), WholeTable, None);
    assert_eq!(sync.compare_with([])?.created().count(), 2);
    Ok(())
}

async fn text_with_a_nul_character_is_refused_on_postgres(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [imported("A1", "Ann"), imported("B2", "B\0b"), imported("C\0", "Cid")];
    let sync = || employee::Entity::bulk_sync(models.clone(), of_501(), None);
    if db.backend() != DbBackend::Postgres {
        sync().exec(&db.pool).await?;
        assert!(sync().check(&db.pool).await?);
        return Ok(());
    }
    let found = faults(&db, sync()).await?;
    let nul = |position, column, key| InputFault::Value {
        position,
        column,
        key,
        fault: ValueFault::NulCharacter,
    };
    assert_eq!(found[0], nul(1, "name", key_of("B2")));
    let InputFault::Value { position: 2, column: "external_id", .. } = found[1] else {
        return Err(format!("{found:?}").into());
    };
    assert_eq!(found.len(), 2);
    Ok(())
}

async fn a_number_above_the_range_is_refused_where_it_cannot_be_stored(db: Db) -> TestResult {
    let largest = u64::try_from(i64::MAX)?;
    let models = [meter(largest, 0.0), meter(largest + 1, 0.0), meter(u64::MAX, 0.0)];
    let sync = meter::Entity::bulk_sync(models, WholeTable, None);
    let mock = MockDatabase::new(db.backend()).into_connection();
    let error = sync.check(&mock).await;
    match error {
        Err(SyncError::InvalidInput { faults, .. }) if db.backend() != DbBackend::MySql => {
            let key = (largest + 1).to_string();
            let fault = InputFault::Value {
                position: 1,
                column: "serial",
                key: format!("serial = {key}"),
                fault: ValueFault::AboveI64,
            };
            assert_eq!((faults.len(), &faults[0]), (2, &fault));
        }
        Err(SyncError::Statement { .. }) if db.backend() == DbBackend::MySql => {}
        other => return Err(format!("{other:?}").into()),
    }
    Ok(())
}

async fn a_type_that_the_backend_does_not_have_is_refused(db: Db) -> TestResult {
    let row = TypedRow { number: 1, value: "10.0.0.0/8".parse()?, optional: None, note: "".into() };
    let models = [ip_network::Entity::model(row)];
    let mock = MockDatabase::new(db.backend()).into_connection();
    match ip_network::Entity::bulk_sync(models, WholeTable, None).check(&mock).await {
        Err(SyncError::InvalidInput { faults, .. }) if db.backend() != DbBackend::Postgres => {
            let fault = |column| InputFault::Value {
                position: 0,
                column,
                key: "number = 1".into(),
                fault: ValueFault::NoSuchType,
            };
            assert_eq!(faults, ["value", "optional"].map(fault));
        }
        Err(SyncError::Statement { .. }) if db.backend() == DbBackend::Postgres => {}
        other => return Err(format!("{other:?}").into()),
    }
    Ok(())
}

async fn options_that_name_a_column_of_the_key_are_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let sync = employee::Entity::bulk_sync([imported("A1", "Anna")], of_501(), None)
        .only([employee::Column::Name, employee::Column::ExternalId])
        .ignore([employee::Column::CompanyId]);
    let expected = [
        InputFault::KeyColumn { option: "only", column: "external_id" },
        InputFault::KeyColumn { option: "ignore", column: "company_id" },
    ];
    assert_eq!(faults(&db, sync).await?, expected);
    Ok(())
}

async fn a_key_without_a_column_is_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let sync = employee::Entity::bulk_sync([imported("A1", "Anna")], of_501(), None).key([]);
    assert_eq!(faults(&db, sync).await?, [InputFault::NoKey]);
    Ok(())
}

async fn a_share_that_is_no_share_is_refused(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let sync = employee::Entity::bulk_sync([imported("A1", "Anna")], of_501(), None)
            .max_delete_share(share);
        let found = faults(&db, sync).await?;
        assert!(matches!(found[..], [InputFault::Share { .. }]), "{found:?}");
    }
    Ok(())
}

async fn faults_of_the_call_and_of_the_models_come_in_one_error(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let mut unset = imported("B2", "Bob").into_active_model();
    unset.external_id = NotSet;
    let models = [
        imported("A1", "Ann").into_active_model(),
        unset,
        imported("A1", "Anna").into_active_model(),
    ];
    let sync = employee::Entity::bulk_sync(models, Condition::all(), 0).max_delete_share(2.0);
    let found = faults(&db, sync).await?;
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found.contains(&InputFault::EmptyScope));
    assert!(found.contains(&InputFault::ZeroBatchSize));
    assert!(found.contains(&InputFault::Share { share: 2.0 }));
    let text = SyncError::InvalidInput { table: "employee".into(), faults: found }.to_string();
    for part in ["WholeTable", "batch size", "models 0 and 2", "model 1", "cannot sync employee"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    Ok(())
}

async fn faults_of_the_options_and_of_the_models_come_in_one_error(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [imported("A1", "Ann"), imported("A1", "Anna")];
    let sync =
        employee::Entity::bulk_sync(models, of_501(), None).ignore([employee::Column::CompanyId]);
    let expected = [
        InputFault::KeyColumn { option: "ignore", column: "company_id" },
        InputFault::DuplicateKey { positions: (0, 1), key: key_of("A1") },
    ];
    assert_eq!(faults(&db, sync).await?, expected);
    Ok(())
}

/// A mock without any result refuses every statement, and logs it.
async fn faults_are_found_before_any_io(db: Db) -> TestResult {
    let mock = MockDatabase::new(db.backend()).into_connection();
    let models = [imported("A1", "Ann"), imported("A1", "Anna")];
    let sync = || employee::Entity::bulk_sync(models.clone(), of_501(), None);
    assert!(matches!(sync().exec(&mock).await, Err(SyncError::InvalidInput { .. })));
    assert!(matches!(sync().check(&mock).await, Err(SyncError::InvalidInput { .. })));
    let returning = sync().exec_with_returning(&mock).await;
    assert!(matches!(returning, Err(SyncError::InvalidInput { .. })));
    assert!(mock.into_transaction_log().is_empty());
    Ok(())
}

async fn compare_finds_the_same_faults_as_exec(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [imported("A1", "Ann"), imported("A1", "Anna")];
    let sync = || employee::Entity::bulk_sync(models.clone(), of_501(), None);
    let expected = faults(&db, sync()).await?;
    for plan in [sync().compare(&db.pool).await, sync().compare_with([])] {
        let Err(SyncError::InvalidInput { faults, .. }) = plan else {
            return Err("it was planned".into());
        };
        assert_eq!(faults, expected);
    }
    let lists = employee::Entity::compare(&[], &models);
    let Err(SyncError::InvalidInput { faults, .. }) = lists else {
        return Err(format!("{lists:?}").into());
    };
    assert_eq!(faults, expected);
    Ok(())
}

fn repeated() -> Vec<employee::ActiveModel> {
    let model = |number, name| imported(number, name).into_active_model();
    let mut models =
        vec![model("A1", "Ann"), model("B2", "Bob"), model("A1", "Anna"), model("A1", "Anne")];
    models[0].phone = Set(Some("555".into()));
    models
}

async fn the_first_of_models_with_the_same_key_can_win(db: Db) -> TestResult {
    with_employees(&db, &[imported("A1", "?")]).await?;
    let sync = employee::Entity::bulk_sync(repeated(), of_501(), None).first_wins();
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 0 deleted, 0 unchanged");
    assert_eq!(people(&db.pool).await?, ["501 A1 Ann", "501 B2 Bob"]);
    Ok(())
}

async fn the_last_of_models_with_the_same_key_can_win(db: Db) -> TestResult {
    with_employees(&db, &[imported("A1", "?")]).await?;
    let sync = employee::Entity::bulk_sync(repeated(), of_501(), None).last_wins();
    let result = sync.exec_with_returning(&db.pool).await?;
    assert_eq!(result.result.to_string(), "1 created, 1 updated, 0 deleted, 0 unchanged");
    assert_eq!(result.updated[0].phone, None);
    assert_eq!(people(&db.pool).await?, ["501 A1 Anne", "501 B2 Bob"]);
    Ok(())
}

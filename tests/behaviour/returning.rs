//! `exec_with_returning`: the rows themselves, on every backend.

use bulk_sync::{SyncReturning, prelude::*};
use bulk_sync_tests::{
    entity::{
        booking::{self, booking},
        employee::{self, imported},
        every_type::{self, full, sparse},
        zone::{self, zone},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{DbBackend, entity::prelude::*};

use crate::fixture::{id_of, insert, of_501, outsider, rows, with_ann_bob_and_cid, with_employees};

pub const TESTS: [Test; 8] = tests![
    created_rows_come_back_with_generated_keys_and_defaults,
    updated_rows_come_back_as_they_are_in_the_table,
    deleted_rows_come_back_as_they_were,
    a_sync_with_nothing_to_do_gives_no_rows,
    rows_of_every_type_come_back_as_given,
    hundreds_of_rows_come_back_in_small_batches,
    rows_whose_keys_differ_by_case_only_are_not_confused,
    a_primary_key_that_is_respelled_comes_back_as_it_is,
];

async fn change(db: &Db) -> Result<SyncReturning<employee::Model>, SyncError> {
    let models = [imported("A1", "Ann"), imported("B2", "Robert"), imported("D4", "Dee")];
    employee::Entity::bulk_sync(models, of_501(), None).exec_with_returning(&db.pool).await
}

async fn created_rows_come_back_with_generated_keys_and_defaults(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let SyncReturning { result, created, .. } = change(&db).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    let id = id_of(&db.pool, "D4").await?;
    assert_eq!(created, [employee::Model { id, ..imported("D4", "Dee") }]);
    Ok(())
}

async fn updated_rows_come_back_as_they_are_in_the_table(db: Db) -> TestResult {
    with_employees(&db, &[outsider("B2", "Bob"), imported("B2", "Bob")]).await?;
    let bob = employee::Model { source: "other".into(), ..imported("B2", "Robert") };
    let sync = employee::Entity::bulk_sync([bob], of_501(), None);
    let updated = sync.exec_with_returning(&db.pool).await?.updated;
    let id = id_of(&db.pool, "B2").await?;
    assert_eq!(updated, [employee::Model { id, ..imported("B2", "Robert") }]);
    Ok(())
}

async fn deleted_rows_come_back_as_they_were(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let id = id_of(&db.pool, "C3").await?;
    let SyncReturning { deleted, .. } = change(&db).await?;
    assert_eq!(deleted, [employee::Model { id, ..imported("C3", "Cid") }]);
    Ok(())
}

async fn a_sync_with_nothing_to_do_gives_no_rows(db: Db) -> TestResult {
    with_employees(&db, &[imported("A1", "Ann")]).await?;
    let sync = employee::Entity::bulk_sync([imported("A1", "Ann")], of_501(), None);
    let SyncReturning { result, created, updated, deleted, .. } =
        sync.exec_with_returning(&db.pool).await?;
    assert!(result.is_unchanged());
    assert_eq!(result.unchanged, 1);
    assert_eq!((created.len(), updated.len(), deleted.len()), (0, 0, 0));
    Ok(())
}

async fn rows_of_every_type_come_back_as_given(db: Db) -> TestResult {
    db.create_table(every_type::Entity).await?;
    let sync = |models: [every_type::Model; 2]| {
        every_type::Entity::bulk_sync(models, WholeTable, None).exec_with_returning(&db.pool)
    };
    let mut created = sync([sparse("a"), full("b")]).await?.created;
    created.sort_by_key(|row| row.id);
    assert_eq!(created, rows::<every_type::Entity>(&db.pool).await?);
    let changed = sync([full("a"), full("c")]).await?;
    assert_eq!(changed.updated, [every_type::Model { id: created[0].id, ..full("a") }]);
    assert_eq!(changed.deleted, [every_type::Model { id: created[1].id, ..full("b") }]);
    Ok(())
}

async fn hundreds_of_rows_come_back_in_small_batches(db: Db) -> TestResult {
    db.create_table(booking::Entity).await?;
    let bookings = |passenger| (0..250).map(move |number| booking("F", number, passenger));
    let sync = |passenger| {
        booking::Entity::bulk_sync(bookings(passenger), booking::Column::Flight.eq("F"), 7)
            .exec_with_returning(&db.pool)
    };
    let sorted = |mut rows: Vec<booking::Model>| {
        rows.sort_by_key(|row| row.number);
        rows
    };
    assert_eq!(sorted(sync(None).await?.created), bookings(None).collect::<Vec<_>>());
    assert_eq!(sorted(sync(Some("Ann")).await?.updated), bookings(Some("Ann")).collect::<Vec<_>>());
    Ok(())
}

/// MySQL's usual collations take `a1` and `A1` for the same.
async fn rows_whose_keys_differ_by_case_only_are_not_confused(db: Db) -> TestResult {
    with_employees(&db, &[imported("a1", "Ann")]).await?;
    let models = [imported("a1", "Ann"), imported("A1", "Other")];
    let sync = || employee::Entity::bulk_sync(models.clone(), of_501(), None);
    let done = sync().exec_with_returning(&db.pool).await;
    if db.backend() == DbBackend::MySql {
        // its usual collation holds the two keys equal
        let message = done.map_err(|error| error.to_string()).err().unwrap_or_default();
        let says = "models 0 and 1 have the same key (company_id = 501, external_id = 'A1')";
        assert!(message.contains(says), "{message}");
        return Ok(());
    }
    let SyncReturning { result, created, .. } = done?;
    assert_eq!(result.to_string(), "1 created, 0 updated, 0 deleted, 1 unchanged");
    assert_eq!(created, [employee::Model { id: 2, ..imported("A1", "Other") }]);
    assert!(sync().check(&db.pool).await?);
    Ok(())
}

async fn a_primary_key_that_is_respelled_comes_back_as_it_is(db: Db) -> TestResult {
    db.create_table(zone::Entity).await?;
    insert::<zone::Entity>(&db, vec![zone("utc", 0)]).await?;
    let renamed = zone::Entity::bulk_sync([zone("UTC", 0)], WholeTable, None);
    let SyncReturning { created, updated, deleted, .. } =
        renamed.exec_with_returning(&db.pool).await?;
    if db.backend() == DbBackend::MySql {
        assert_eq!((updated, created.len(), deleted.len()), (vec![zone("UTC", 0)], 0, 0));
    } else {
        assert_eq!((created, deleted), (vec![zone("UTC", 0)], vec![zone("utc", 0)]));
    }
    Ok(())
}

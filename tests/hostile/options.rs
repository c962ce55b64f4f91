//! Hostile values together with the options of a call, and values that the
//! driver leaves out of a statement.

use bulk_sync::{SyncError, prelude::*};
use bulk_sync_tests::{
    entity::{
        seat::{self, seat},
        typed::{Typed, TypedRow, double, text, time_date_time_with_time_zone},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    QueryOrder,
    prelude::{EntityTrait, TimeDateTimeWithTimeZone},
    sea_query::prelude::time::UtcOffset,
};

use crate::{
    case::{chain, in_task},
    numbers::doubles,
    text::texts,
};

pub const TESTS: [Test; 5] = tests![
    a_value_that_cannot_be_bound_does_not_shift_the_others,
    hostile_keys_are_stamped_and_revived,
    hostile_stamps_are_stored_or_refused,
    hostile_duplicates_are_deleted,
    skip_options_take_hostile_keys,
];

fn row<T: Clone>(number: i32, value: &T, note: &str) -> TypedRow<T> {
    TypedRow { number, value: value.clone(), optional: Some(value.clone()), note: note.into() }
}

async fn rows<E: Typed>(db: &Db) -> Result<Vec<TypedRow<E::Type>>, sea_orm::DbErr> {
    let rows = E::find().order_by_asc(E::NUMBER).all(&db.pool).await?;
    Ok(rows.iter().map(|model| E::row(model).1).collect())
}

/// SeaORM ignores that a value cannot be encoded: the parameters behind it
/// move up, and SQLite takes NULL for the last.
async fn a_value_that_cannot_be_bound_does_not_shift_the_others(db: Db) -> TestResult {
    type Entity = time_date_time_with_time_zone::Entity;
    db.create_table(Entity::default()).await?;
    let noon = TimeDateTimeWithTimeZone::from_unix_timestamp(1_704_110_400)?;
    let offset = UtcOffset::from_hms(0, 19, 32)?;
    let odd = noon.to_offset(offset);
    let mut models = [row(1, &noon, "one"), row(2, &noon, "two"), row(3, &noon, "three")];
    models[1].optional = Some(odd);
    let sync = || Entity::bulk_sync(models.clone().map(Entity::model), WholeTable, None);
    match sync().exec(&db.pool).await {
        Ok(_) => assert_eq!(rows::<Entity>(&db).await?, models),
        Err(error) => {
            assert!(matches!(error, SyncError::InvalidInput { .. }), "{}", chain(&error));
            assert!(rows::<Entity>(&db).await?.is_empty());
        }
    }
    Ok(())
}

/// Keys of seats: 40 characters at most, which none of these has.
fn codes() -> Vec<String> {
    texts().into_iter().filter(|text| text.chars().count() <= 20).collect()
}

async fn hostile_keys_are_stamped_and_revived(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    for code in codes() {
        let work = db.clone();
        let given = code.clone();
        in_task(async move {
            let sync = |seats: Vec<seat::Model>| {
                let sync = seat::Entity::bulk_sync(seats, WholeTable, None).allow_empty();
                sync.soft_delete([(seat::Column::RemovedAt, "now"), (seat::Column::Code, "gone")])
            };
            // the key cannot be a stamp, whatever it is
            if sync(vec![]).check(&work.pool).await.is_ok() {
                return Err("a key column was taken as a stamp".to_owned());
            }
            let sync = |seats: Vec<seat::Model>| {
                let sync = seat::Entity::bulk_sync(seats, WholeTable, None).allow_empty();
                sync.soft_delete([(seat::Column::RemovedAt, "now")])
            };
            let hostile = vec![seat(&given, 1, "Ann", None)];
            let Ok(created) = sync(hostile.clone()).exec(&work.pool).await else { return Ok(()) };
            let stamped = sync(vec![]).exec(&work.pool).await.map_err(|e| chain(&e))?;
            let revived = sync(hostile.clone()).exec(&work.pool).await.map_err(|e| chain(&e))?;
            let all = (created.created, stamped.deleted, revived.revived);
            if all != (1, 1, 1) {
                return Err(format!("{created}; {stamped}; {revived}"));
            }
            seat::Entity::delete_many().exec(&work.pool).await.map_err(|e| e.to_string())?;
            Ok(())
        })
        .await
        .map_err(|failure| format!("{code:?}: {failure}"))?;
    }
    Ok(())
}

async fn hostile_stamps_are_stored_or_refused(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    for stamp in texts() {
        seat::Entity::delete_many().exec(&db.pool).await?;
        let seats = [seat("a", 1, "Ann", None)];
        seat::Entity::bulk_sync(seats, WholeTable, None).exec(&db.pool).await?;
        let stamped = seat::Entity::bulk_sync(Vec::<seat::Model>::new(), WholeTable, None)
            .allow_empty()
            .soft_delete([(seat::Column::RemovedAt, stamp.clone())])
            .exec(&db.pool)
            .await;
        let expected = stamped.is_ok().then_some(stamp);
        let rows = seat::Entity::find().all(&db.pool).await?;
        assert_eq!(rows.len(), 1);
        let removed_at = rows[0].removed_at.as_deref();
        assert_eq!(removed_at.map(str::trim_end), expected.as_deref().map(str::trim_end));
    }
    Ok(())
}

async fn hostile_duplicates_are_deleted(db: Db) -> TestResult {
    db.create_table(double::Entity).await?;
    for value in doubles() {
        double::Entity::delete_many().exec(&db.pool).await?;
        let twins = [row(1, &value, "one"), row(2, &value, "two")].map(double::Entity::model);
        let stored = double::Entity::bulk_sync(twins, WholeTable, None).exec(&db.pool).await;
        let one = [row(1, &value, "one")].map(double::Entity::model);
        let sync = || {
            let sync = double::Entity::bulk_sync(one.clone(), WholeTable, None);
            sync.key([double::Column::Value])
        };
        let deleted = sync().delete_duplicates().exec(&db.pool).await;
        let left = rows::<double::Entity>(&db).await?;
        match (stored, deleted) {
            (Ok(_), Ok(result)) => {
                assert_eq!(result.to_string(), "0 created, 0 updated, 1 deleted, 1 unchanged");
                assert_eq!((left.len(), left[0].note.as_str()), (1, "one"), "{value}");
            }
            (Ok(_), Err(error)) => {
                assert!(value.is_nan(), "{value}: {}", chain(&error));
                assert_eq!(left.len(), 2);
            }
            (Err(_), _) => assert!(!value.is_finite(), "{value}"),
        }
    }
    Ok(())
}

async fn skip_options_take_hostile_keys(db: Db) -> TestResult {
    db.create_table(text::Entity).await?;
    for value in texts().into_iter().filter(|text| text.len() < 10_000) {
        text::Entity::delete_many().exec(&db.pool).await?;
        let models = |note| [row(1, &value, note)].map(text::Entity::model);
        let sync = |note| {
            let sync = text::Entity::bulk_sync(models(note), WholeTable, None);
            sync.key([text::Column::Value])
        };
        assert_eq!(sync("new").skip_creates().exec(&db.pool).await.map_or(0, |r| r.created), 0);
        assert!(rows::<text::Entity>(&db).await?.is_empty());
        if sync("new").skip_deletes().exec(&db.pool).await.is_err() {
            continue;
        }
        let result = sync("later").skip_updates().exec(&db.pool).await?;
        assert!(result.is_unchanged(), "{value:?}: {result}");
        let result = sync("later").skip_deletes().exec(&db.pool).await?;
        assert_eq!((result.created, result.updated), (0, 1), "{value:?}: {result}");
    }
    Ok(())
}

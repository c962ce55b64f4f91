//! What the tests of django-bulk-sync pin, one test each: first those of
//! `bulk_sync`, then those of `bulk_compare`.

use std::collections::HashMap;

use bulk_sync::{Difference, prelude::*};
use bulk_sync_tests::{
    entity::{
        article::{self, article},
        employee::{self, imported},
        every_type::{self, sparse},
        membership::{self, membership},
        project::{self, project},
        token::{self, token},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{ActiveValue::Set, IntoActiveModel, entity::prelude::*};

use crate::fixture::{id_of, ids, insert, of_501, people, refused, rows, with_ann_bob_and_cid};

pub const TESTS: [Test; 15] = tests![
    all_features_at_once_inside_a_filter,
    all_features_at_once_with_a_primary_key_not_called_id,
    a_provided_primary_key_is_kept_on_create,
    a_provided_primary_key_that_is_taken_is_an_error,
    fields_writes_only_those,
    exclude_fields_leaves_that_column,
    skip_creates_creates_nothing,
    skip_updates_updates_nothing,
    skip_deletes_deletes_nothing,
    empty_input_with_the_entity_known_deletes_the_scope,
    composite_keys_on_a_through_table_with_a_nullable_foreign_key,
    compare_gives_four_lists_and_the_details,
    compare_ignores_an_integer_field,
    compare_ignores_a_foreign_key,
    compare_works_with_a_nonstandard_primary_key,
];

async fn all_features_at_once_inside_a_filter(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let outside = employee::Entity::find().filter(employee::Column::CompanyId.eq(502));
    let before = outside.clone().all(&db.pool).await?;
    let models = [imported("A1", "Ann"), imported("B2", "Robert"), imported("D4", "Dee")];
    let result = employee::Entity::bulk_sync(models, of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    assert_eq!(
        people(&db.pool).await?,
        ["501 A1 Ann", "501 B2 Robert", "501 D4 Dee", "502 B2 Bob"]
    );
    assert_eq!(outside.all(&db.pool).await?, before);
    Ok(())
}

async fn all_features_at_once_with_a_primary_key_not_called_id(db: Db) -> TestResult {
    db.create_table(article::Entity).await?;
    let current =
        [article(1, "a", 10), article(1, "b", 20), article(1, "c", 30), article(2, "b", 7)];
    insert::<article::Entity>(&db, current.to_vec()).await?;
    let before = rows::<article::Entity>(&db.pool).await?;
    let models = [article(1, "a", 10), article(1, "b", 21), article(1, "d", 40)];
    let scope = article::Column::CompanyId.eq(1);
    let result = article::Entity::bulk_sync(models, scope, None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    let rows = rows::<article::Entity>(&db.pool).await?;
    let texts: Vec<_> =
        rows.iter().map(|row| format!("{} {} {}", row.company_id, row.sku, row.price)).collect();
    assert_eq!(texts, ["1 a 10", "1 b 21", "2 b 7", "1 d 40"]);
    assert_eq!(rows[0].article_no, before[0].article_no);
    assert_eq!(rows[1].article_no, before[1].article_no);
    Ok(())
}

async fn a_provided_primary_key_is_kept_on_create(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let mut dee = imported("D4", "Dee").into_active_model();
    dee.id = Set(4_000);
    let result =
        employee::Entity::bulk_sync([dee], of_501(), None).skip_deletes().exec(&db.pool).await?;
    assert_eq!(result.created, 1);
    let row = employee::Entity::find_by_id(4_000).one(&db.pool).await?;
    assert_eq!(row.map(|row| row.name).as_deref(), Some("Dee"));
    Ok(())
}

async fn a_provided_primary_key_that_is_taken_is_an_error(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let mut dee = imported("D4", "Dee").into_active_model();
    dee.id = Set(id_of(&db.pool, "B2").await?);
    let sync = employee::Entity::bulk_sync([dee], of_501(), None).skip_deletes();
    let error = refused(&db, sync).await?;
    let SyncError::Constraint { table, keys, .. } = error else { return Err(error.into()) };
    assert_eq!(table, "employee");
    assert_eq!(keys, ["company_id = 501, external_id = 'D4'"]);
    Ok(())
}

async fn fields_writes_only_those(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let mut ann = imported("A1", "Anna");
    ann.phone = Some("555".into());
    ann.salary = Decimal::ONE;
    let sync = || employee::Entity::bulk_sync([ann.clone()], of_501(), None).skip_deletes();
    let result = sync().only([employee::Column::Phone]).exec(&db.pool).await?;
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("phone", 1)]);
    let rows = rows::<employee::Entity>(&db.pool).await?;
    assert_eq!(rows[0].phone.as_deref(), Some("555"));
    assert_eq!(rows[0].name, "Ann");
    assert_eq!(rows[0].salary, imported("A1", "Ann").salary);
    Ok(())
}

/// That it refuses an unknown name has no counterpart: a name that the entity
/// does not have is not a `Column`.
async fn exclude_fields_leaves_that_column(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let mut ann = imported("A1", "Anna");
    ann.phone = Some("555".into());
    let models = [ann, imported("D4", "Dee")];
    let result = employee::Entity::bulk_sync(models, of_501(), None)
        .ignore([employee::Column::Name])
        .skip_deletes()
        .exec(&db.pool)
        .await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 0 deleted, 0 unchanged");
    let rows = rows::<employee::Entity>(&db.pool).await?;
    assert_eq!((rows[0].name.as_str(), rows[0].phone.as_deref()), ("Ann", Some("555")));
    assert_eq!(rows[4].name, "Dee", "a new row is written whole");
    Ok(())
}

fn changed_import() -> [employee::Model; 3] {
    [imported("A1", "Ann"), imported("B2", "Robert"), imported("D4", "Dee")]
}

async fn skip_creates_creates_nothing(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let sync = employee::Entity::bulk_sync(changed_import(), of_501(), None).skip_creates();
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 1 deleted, 1 unchanged");
    assert_eq!(people(&db.pool).await?, ["501 A1 Ann", "501 B2 Robert", "502 B2 Bob"]);
    Ok(())
}

async fn skip_updates_updates_nothing(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let sync = employee::Entity::bulk_sync(changed_import(), of_501(), None).skip_updates();
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 0 updated, 1 deleted, 1 unchanged");
    assert_eq!(people(&db.pool).await?, ["501 A1 Ann", "501 B2 Bob", "501 D4 Dee", "502 B2 Bob"]);
    Ok(())
}

async fn skip_deletes_deletes_nothing(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let sync = employee::Entity::bulk_sync(changed_import(), of_501(), None).skip_deletes();
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 0 deleted, 1 unchanged");
    assert_eq!(
        people(&db.pool).await?,
        ["501 A1 Ann", "501 B2 Robert", "501 C3 Cid", "501 D4 Dee", "502 B2 Bob"]
    );
    Ok(())
}

async fn empty_input_with_the_entity_known_deletes_the_scope(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let nobody: [employee::Model; 0] = [];
    let sync = employee::Entity::bulk_sync(nobody, of_501(), None).allow_empty();
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 3 deleted, 0 unchanged");
    assert_eq!(people(&db.pool).await?, ["502 B2 Bob"]);
    Ok(())
}

async fn composite_keys_on_a_through_table_with_a_nullable_foreign_key(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    db.create_table(project::Entity).await?;
    insert::<project::Entity>(&db, vec![project(1, "one"), project(2, "two")]).await?;
    db.create_table(membership::Entity).await?;
    let ids = ids(&db.pool).await?;
    let current = vec![
        membership(1, ids[0], None),
        membership(1, ids[1], Some(ids[0])),
        membership(1, ids[2], None),
        membership(2, ids[0], None),
    ];
    insert::<membership::Entity>(&db, current).await?;
    let models = [
        membership(1, ids[0], Some(ids[1])),
        membership(1, ids[1], None),
        membership(1, ids[3], Some(ids[0])),
    ];
    let scope = || membership::Column::ProjectId.eq(1);
    let result =
        membership::Entity::bulk_sync(models.clone(), scope(), None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 2 updated, 1 deleted, 0 unchanged");
    let rows = rows::<membership::Entity>(&db.pool).await?;
    let sponsors: Vec<_> =
        rows.iter().map(|row| (row.project_id, row.employee_id, row.sponsor_id)).collect();
    assert_eq!(
        sponsors,
        [
            (1, ids[0], Some(ids[1])),
            (1, ids[1], None),
            (2, ids[0], None),
            (1, ids[3], Some(ids[0]))
        ]
    );
    assert!(membership::Entity::bulk_sync(models, scope(), None).check(&db.pool).await?);
    Ok(())
}

async fn compare_gives_four_lists_and_the_details(_: Db) -> TestResult {
    let current = [imported("A1", "Ann"), imported("B2", "Bob"), imported("C3", "Cid")];
    let mut bob = imported("B2", "Robert");
    bob.phone = Some("555".into());
    let desired = [imported("D4", "Dee"), bob, imported("A1", "Ann")];
    let Difference { added, unchanged, updated, removed, .. } =
        employee::Entity::compare(&current, &desired)?;
    assert_eq!(added, [&desired[0]]);
    assert_eq!(unchanged, [&desired[2]]);
    assert_eq!(removed, [&current[2]]);
    assert_eq!(updated.len(), 1);
    assert_eq!((updated[0].current, updated[0].desired), (&current[1], &desired[1]));
    let details: Vec<_> = updated[0]
        .changes
        .iter()
        .map(|change| (change.column, change.current.clone(), change.desired.clone()))
        .collect();
    assert_eq!(
        details,
        [
            ("name", "Bob".into(), "Robert".into()),
            ("phone", Value::String(None), Some("555".to_owned()).into()),
        ]
    );
    Ok(())
}

async fn compare_ignores_an_integer_field(_: Db) -> TestResult {
    let current = every_type::Model { small: 1, ..sparse("a") };
    let desired = every_type::Model { small: 2, ..sparse("a") };
    let sync = || every_type::Entity::bulk_sync([desired.clone()], WholeTable, None);
    assert_eq!(sync().compare_with([current.clone()])?.updated().count(), 1);
    let plan = sync().ignore([every_type::Column::Small]).compare_with([current])?;
    assert!(plan.is_empty());
    assert_eq!(plan.unchanged(), 1);
    Ok(())
}

async fn compare_ignores_a_foreign_key(_: Db) -> TestResult {
    let (current, desired) = (membership(1, 1, Some(1)), membership(1, 1, Some(2)));
    let sync = || membership::Entity::bulk_sync([desired.clone()], WholeTable, None);
    assert_eq!(sync().compare_with([current.clone()])?.updated().count(), 1);
    let plan = sync().ignore([membership::Column::SponsorId]).compare_with([current])?;
    assert!(plan.is_empty());
    Ok(())
}

async fn compare_works_with_a_nonstandard_primary_key(_: Db) -> TestResult {
    let current = [token(1, "a", 1), token(2, "b", 1), token(3, "c", 1)];
    let desired = [token(9, "a", 1), token(8, "b", 2), token(7, "d", 1)];
    let difference = token::Entity::compare(&current, &desired)?;
    assert_eq!(difference.added, [&desired[2]]);
    assert_eq!(difference.unchanged, [&desired[0]]);
    assert_eq!(difference.updated[0].current, &current[1]);
    assert_eq!(difference.removed, [&current[2]]);
    let plan = token::Entity::bulk_sync(desired, WholeTable, None).compare_with(current)?;
    let updated: Vec<_> = plan.updated().collect();
    let primary_key: HashMap<_, _> = updated[0].primary_key.iter().cloned().collect();
    assert_eq!(primary_key["id"], Uuid::from_u128(2).into());
    Ok(())
}

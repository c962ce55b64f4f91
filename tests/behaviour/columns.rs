//! Which columns a call matches by, compares and writes.

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        stock::{self, stock},
        token::{self, token},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{ActiveValue::Set, IntoActiveModel, entity::prelude::*};

use crate::fixture::{id_of, insert, of_501, people, rows, with_ann_bob_and_cid, with_employees};

pub const TESTS: [Test; 12] = tests![
    an_ignored_column_is_written_on_create_and_never_again,
    a_touched_column_is_written_with_an_update_and_is_no_reason_for_one,
    a_touched_column_that_is_ignored_in_a_call_is_not_written,
    only_and_ignore_together_leave_what_both_allow,
    only_does_not_stop_a_touched_column,
    a_call_can_match_by_other_columns,
    a_key_of_the_derive_that_a_call_does_not_match_by_is_a_value,
    a_call_can_match_by_the_primary_key,
    primary_keys_of_kept_rows_never_change,
    the_columns_that_changed_are_counted_in_the_order_of_the_entity,
    a_null_key_in_the_table_is_no_match_for_any_model,
    a_dry_run_shows_the_change_and_writes_nothing,
];

async fn an_ignored_column_is_written_on_create_and_never_again(db: Db) -> TestResult {
    with_employees(&db, &[imported("A1", "Ann")]).await?;
    let by_hand = |model| employee::Model { source: "by hand".into(), ..model };
    let models = [by_hand(imported("A1", "Ann")), by_hand(imported("D4", "Dee"))];
    let result = employee::Entity::bulk_sync(models, of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 0 updated, 0 deleted, 1 unchanged");
    let anna = [by_hand(imported("A1", "Anna")), by_hand(imported("D4", "Dee"))];
    employee::Entity::bulk_sync(anna, of_501(), None).exec(&db.pool).await?;
    let rows = rows::<employee::Entity>(&db.pool).await?;
    assert_eq!((rows[0].name.as_str(), rows[0].source.as_str()), ("Anna", "import"));
    assert_eq!(rows[1].source, "by hand");
    Ok(())
}

fn touched(external_id: &str, name: &str) -> employee::Model {
    employee::Model { touched_by: "second".into(), ..imported(external_id, name) }
}

async fn touched_by(db: &Db) -> Result<Vec<String>, DbErr> {
    let rows = rows::<employee::Entity>(&db.pool).await?;
    Ok(rows.into_iter().map(|row| row.touched_by).collect())
}

async fn a_touched_column_is_written_with_an_update_and_is_no_reason_for_one(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [touched("A1", "Ann"), touched("B2", "Robert"), touched("C3", "Cid")];
    let result = employee::Entity::bulk_sync(models, of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 0 deleted, 2 unchanged");
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("name", 1)]);
    assert_eq!(touched_by(&db).await?, ["import", "second", "import", "import"]);
    Ok(())
}

async fn a_touched_column_that_is_ignored_in_a_call_is_not_written(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let result = employee::Entity::bulk_sync([touched("B2", "Robert")], of_501(), None)
        .ignore([employee::Column::TouchedBy])
        .skip_deletes()
        .exec(&db.pool)
        .await?;
    assert_eq!(result.updated, 1);
    assert_eq!(touched_by(&db).await?, ["import"; 4]);
    Ok(())
}

async fn only_does_not_stop_a_touched_column(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    employee::Entity::bulk_sync([touched("B2", "Robert")], of_501(), None)
        .only([employee::Column::Name])
        .skip_deletes()
        .exec(&db.pool)
        .await?;
    assert_eq!(touched_by(&db).await?, ["import", "second", "import", "import"]);
    Ok(())
}

async fn only_and_ignore_together_leave_what_both_allow(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let ann = employee::Model {
        phone: Some("555".into()),
        salary: Decimal::ONE,
        ..imported("A1", "Anna")
    };
    let result = employee::Entity::bulk_sync([ann], of_501(), None)
        .only([employee::Column::Name, employee::Column::Phone])
        .ignore([employee::Column::Name])
        .skip_deletes()
        .exec(&db.pool)
        .await?;
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("phone", 1)]);
    Ok(())
}

async fn a_call_can_match_by_other_columns(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let bob = id_of(&db.pool, "B2").await?;
    let models = [imported("A1", "Ann"), imported("X9", "Bob")];
    let result = employee::Entity::bulk_sync(models, of_501(), None)
        .key([employee::Column::CompanyId, employee::Column::Name])
        .exec(&db.pool)
        .await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 1 deleted, 1 unchanged");
    assert_eq!(id_of(&db.pool, "X9").await?, bob);
    Ok(())
}

async fn a_key_of_the_derive_that_a_call_does_not_match_by_is_a_value(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [imported("B2", "Ann"), imported("A1", "Bob"), imported("C3", "Cid")];
    let result = employee::Entity::bulk_sync(models, of_501(), None)
        .key([employee::Column::Name])
        .exec(&db.pool)
        .await?;
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("external_id", 2)]);
    let names = ["501 A1 Bob", "501 B2 Ann", "501 C3 Cid", "502 B2 Bob"];
    assert_eq!(people(&db.pool).await?, names);
    Ok(())
}

async fn a_call_can_match_by_the_primary_key(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [
        employee::Model { id: id_of(&db.pool, "B2").await?, ..imported("B3", "Bob") },
        employee::Model { id: 77, ..imported("D4", "Dee") },
    ];
    let result = employee::Entity::bulk_sync(models, of_501(), None)
        .key([employee::Column::Id])
        .exec(&db.pool)
        .await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 2 deleted, 0 unchanged");
    assert_eq!(people(&db.pool).await?, ["501 B3 Bob", "501 D4 Dee", "502 B2 Bob"]);
    assert_eq!(id_of(&db.pool, "D4").await?, 77);
    Ok(())
}

async fn primary_keys_of_kept_rows_never_change(db: Db) -> TestResult {
    db.create_table(token::Entity).await?;
    insert::<token::Entity>(&db, vec![token(1, "a", 1), token(2, "b", 1)]).await?;
    let mut explicit = token(8, "b", 2).into_active_model();
    explicit.id = Set(explicit.id.unwrap());
    let models = [token(9, "a", 1).into_active_model(), explicit];
    let result = token::Entity::bulk_sync(models, WholeTable, None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 0 deleted, 1 unchanged");
    assert_eq!(rows::<token::Entity>(&db.pool).await?, [token(1, "a", 1), token(2, "b", 2)]);
    Ok(())
}

async fn the_columns_that_changed_are_counted_in_the_order_of_the_entity(db: Db) -> TestResult {
    db.create_table(stock::Entity).await?;
    let current = vec![stock(1, 1, 1, None), stock(2, 2, 1, None), stock(3, 3, 1, None)];
    insert::<stock::Entity>(&db, current).await?;
    let models = [stock(1, 1, 1, Some("new")), stock(2, 2, 2, Some("new")), stock(3, 3, 1, None)];
    let result = stock::Entity::bulk_sync(models, WholeTable, None).exec(&db.pool).await?;
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("amount", 1), ("remark", 2)]);
    Ok(())
}

async fn a_null_key_in_the_table_is_no_match_for_any_model(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let ann = employee::Model { phone: Some(String::new()), ..imported("A1", "Ann") };
    let result = employee::Entity::bulk_sync([ann], of_501(), None)
        .key([employee::Column::Phone])
        .skip_deletes()
        .exec(&db.pool)
        .await?;
    assert_eq!(result.to_string(), "1 created, 0 updated, 0 deleted, 0 unchanged");
    assert_eq!(people(&db.pool).await?.len(), 5);
    Ok(())
}

async fn a_dry_run_shows_the_change_and_writes_nothing(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let before = rows::<employee::Entity>(&db.pool).await?;
    let models = [imported("A1", "Ann"), imported("B2", "Robert"), imported("D4", "Dee")];
    let sync = || employee::Entity::bulk_sync(models.clone(), of_501(), None);
    let plan = sync().compare(&db.pool).await?;
    assert_eq!(rows::<employee::Entity>(&db.pool).await?, before);
    let created: Vec<_> = plan.created().map(|row| row.name.unwrap()).collect();
    let deleted: Vec<_> = plan.deleted().map(|row| row.name.clone().unwrap()).collect();
    assert_eq!((created, deleted), (vec!["Dee".to_owned()], vec!["Cid".to_owned()]));
    let updated: Vec<_> = plan.updated().collect();
    assert_eq!(updated[0].key, [("company_id", 501.into()), ("external_id", "B2".into())]);
    assert_eq!(updated[0].primary_key, [("id", before[1].id.into())]);
    assert_eq!(updated[0].changes[0].desired, "Robert".into());
    assert!(!sync().check(&db.pool).await?);
    assert_eq!(sync().exec(&db.pool).await?, plan.summary());
    Ok(())
}

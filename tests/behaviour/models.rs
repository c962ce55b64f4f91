//! The models of a call: their forms, and columns that are not set.

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::{
        booking::{self, booking},
        employee::{self, imported},
        stock::{self, stock},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    DeriveIntoActiveModel, IntoActiveModel, TransactionTrait,
    entity::prelude::*,
};

use crate::fixture::{insert, of_501, people, rows, with_ann_bob_and_cid, with_employees};

pub const TESTS: [Test; 14] = tests![
    active_models_do_what_models_do,
    forms_do_what_models_do,
    any_iterator_of_models_will_do,
    a_column_that_is_not_set_is_neither_compared_nor_updated,
    a_column_that_is_not_set_is_left_to_the_default_on_create,
    rows_with_different_sets_of_columns_are_created_in_one_call,
    rows_with_different_sets_of_columns_are_updated_in_one_call,
    a_model_without_any_column_to_compare_is_unchanged,
    null_is_a_value_and_is_written,
    the_primary_key_is_the_databases_even_if_a_model_carries_one,
    the_order_of_the_models_is_irrelevant,
    unchanged_values_of_an_active_model_count_as_values,
    equal_decimals_of_different_scale_are_the_same,
    an_update_of_long_text_after_short_text_is_not_cut,
];

/// What a form of an application gives.
#[derive(Clone, DeriveIntoActiveModel)]
#[sea_orm(active_model = "employee::ActiveModel")]
struct Form {
    company_id: i32,
    external_id: String,
    name: String,
    salary: Decimal,
}

fn form(external_id: &str, name: &str) -> Form {
    let employee::Model { company_id, external_id, name, salary, .. } = imported(external_id, name);
    Form { company_id, external_id, name, salary }
}

fn changed() -> [employee::Model; 3] {
    [imported("A1", "Ann"), imported("B2", "Robert"), imported("D4", "Dee")]
}

async fn makes_the_change(db: &Db, sync: BulkSync<employee::Entity>) -> TestResult {
    with_ann_bob_and_cid(db).await?;
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    let names = ["501 A1 Ann", "501 B2 Robert", "501 D4 Dee", "502 B2 Bob"];
    assert_eq!(people(&db.pool).await?, names);
    Ok(())
}

async fn active_models_do_what_models_do(db: Db) -> TestResult {
    let models = changed().map(IntoActiveModel::into_active_model);
    makes_the_change(&db, employee::Entity::bulk_sync(models, of_501(), None)).await
}

async fn forms_do_what_models_do(db: Db) -> TestResult {
    let forms = [form("A1", "Ann"), form("B2", "Robert"), form("D4", "Dee")];
    makes_the_change(&db, employee::Entity::bulk_sync(forms, of_501(), None)).await
}

async fn any_iterator_of_models_will_do(db: Db) -> TestResult {
    let models = changed().into_iter().rev().filter(|model| model.company_id == 501);
    makes_the_change(&db, employee::Entity::bulk_sync(models, of_501(), 1)).await
}

async fn a_column_that_is_not_set_is_neither_compared_nor_updated(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let mut ann = imported("A1", "Anna").into_active_model();
    ann.phone = Set(Some("555".into()));
    ann.name = NotSet;
    let result =
        employee::Entity::bulk_sync([ann], of_501(), None).skip_deletes().exec(&db.pool).await?;
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("phone", 1)]);
    let row = rows::<employee::Entity>(&db.pool).await?.swap_remove(0);
    assert_eq!((row.name.as_str(), row.phone.as_deref()), ("Ann", Some("555")));
    Ok(())
}

async fn a_column_that_is_not_set_is_left_to_the_default_on_create(db: Db) -> TestResult {
    with_employees(&db, &[]).await?;
    employee::Entity::bulk_sync([form("A1", "Ann")], of_501(), None).exec(&db.pool).await?;
    let row = rows::<employee::Entity>(&db.pool).await?.swap_remove(0);
    assert_eq!((row.source.as_str(), row.touched_by.as_str()), ("imported", "nobody"));
    assert_eq!(row.phone, None);
    Ok(())
}

async fn rows_with_different_sets_of_columns_are_created_in_one_call(db: Db) -> TestResult {
    with_employees(&db, &[]).await?;
    let mut models: Vec<employee::ActiveModel> =
        ["A1", "B2", "C3", "D4"].map(|number| form(number, number).into_active_model()).into();
    models[1].source = Set("by hand".into());
    models[2].phone = Set(Some("555".into()));
    models[3].source = Set("by phone".into());
    let result = employee::Entity::bulk_sync(models, of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.created, 4);
    let mut rows = rows::<employee::Entity>(&db.pool).await?;
    rows.sort_by(|a, b| a.external_id.cmp(&b.external_id));
    let sources: Vec<_> = rows.iter().map(|row| row.source.as_str()).collect();
    assert_eq!(sources, ["imported", "by hand", "imported", "by phone"]);
    let phones: Vec<_> = rows.iter().map(|row| row.phone.as_deref()).collect();
    assert_eq!(phones, [None, None, Some("555"), None]);
    Ok(())
}

fn partial(external_id: &str) -> employee::ActiveModel {
    employee::ActiveModel {
        company_id: Set(501),
        external_id: Set(external_id.into()),
        ..Default::default()
    }
}

async fn rows_with_different_sets_of_columns_are_updated_in_one_call(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [
        employee::ActiveModel { name: Set("Anna".into()), ..partial("A1") },
        employee::ActiveModel { phone: Set(Some("555".into())), ..partial("B2") },
        employee::ActiveModel {
            name: Set("Cy".into()),
            salary: Set(Decimal::ONE),
            ..partial("C3")
        },
    ];
    let result = employee::Entity::bulk_sync(models, of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 3 updated, 0 deleted, 0 unchanged");
    let counts = [("name", 2), ("phone", 1), ("salary", 1)];
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), counts);
    let rows = rows::<employee::Entity>(&db.pool).await?;
    let cells: Vec<_> =
        rows.iter().map(|row| (row.name.as_str(), row.phone.as_deref(), row.salary)).collect();
    let salary = imported("A1", "Ann").salary;
    let expected = [
        ("Anna", None, salary),
        ("Bob", Some("555"), salary),
        ("Cy", None, Decimal::ONE),
        ("Bob", None, salary),
    ];
    assert_eq!(cells, expected);
    Ok(())
}

async fn a_model_without_any_column_to_compare_is_unchanged(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [partial("A1"), partial("B2"), partial("C3")];
    let result = employee::Entity::bulk_sync(models, of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 0 deleted, 3 unchanged");
    Ok(())
}

async fn null_is_a_value_and_is_written(db: Db) -> TestResult {
    let ann = employee::Model { phone: Some("555".into()), ..imported("A1", "Ann") };
    with_employees(&db, &[ann]).await?;
    let model = employee::ActiveModel { phone: Set(None), ..partial("A1") };
    let result = employee::Entity::bulk_sync([model], of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("phone", 1)]);
    assert_eq!(rows::<employee::Entity>(&db.pool).await?[0].phone, None);
    Ok(())
}

async fn the_primary_key_is_the_databases_even_if_a_model_carries_one(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let before = rows::<employee::Entity>(&db.pool).await?;
    let models = [
        employee::Model { id: 3, ..imported("A1", "Anna") },
        employee::Model { id: 1, ..imported("D4", "Dee") },
        employee::Model { id: 1_000_000, ..imported("E5", "Eve") },
    ];
    let result = employee::Entity::bulk_sync(models, of_501(), None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "2 created, 1 updated, 2 deleted, 0 unchanged");
    let rows = rows::<employee::Entity>(&db.pool).await?;
    assert_eq!((rows[0].id, rows[0].name.as_str()), (before[0].id, "Anna"));
    let given: Vec<_> = rows[2..].iter().map(|row| row.id).collect();
    assert!(given.iter().all(|id| (5..1_000).contains(id)), "{given:?}");
    Ok(())
}

async fn the_order_of_the_models_is_irrelevant(db: Db) -> TestResult {
    with_employees(&db, &[]).await?;
    let mut models: Vec<_> =
        (0..50).map(|n| imported(&format!("E{n}"), &format!("Name {n}"))).collect();
    employee::Entity::bulk_sync(models.clone(), of_501(), None).exec(&db.pool).await?;
    models.reverse();
    models.rotate_left(17);
    assert!(employee::Entity::bulk_sync(models, of_501(), None).check(&db.pool).await?);
    Ok(())
}

async fn unchanged_values_of_an_active_model_count_as_values(db: Db) -> TestResult {
    db.create_table(stock::Entity).await?;
    insert::<stock::Entity>(&db, vec![stock(1, 1, 5, None)]).await?;
    let model = stock(1, 1, 6, None).into_active_model();
    let result = stock::Entity::bulk_sync([model], WholeTable, None).exec(&db.pool).await?;
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("amount", 1)]);
    Ok(())
}

async fn equal_decimals_of_different_scale_are_the_same(db: Db) -> TestResult {
    let paid = |salary| employee::Model { salary, ..imported("A1", "Ann") };
    with_employees(&db, &[paid(Decimal::from(1_000))]).await?;
    for salary in [Decimal::new(100_000, 2), Decimal::new(10_000_000, 4)] {
        assert!(employee::Entity::bulk_sync([paid(salary)], of_501(), None).check(&db.pool).await?);
    }
    Ok(())
}

/// The servers keep prepared statements, and what they found out about the
/// types of the parameters of the first call.
async fn an_update_of_long_text_after_short_text_is_not_cut(db: Db) -> TestResult {
    db.create_table(booking::Entity).await?;
    let long = "x".repeat(200);
    let passengers = [None, Some("a"), Some("bb"), None, Some(&long), Some("c")];
    let transaction = db.pool.begin().await?;
    for pair in passengers.windows(2) {
        let models = [booking("F", 1, pair[0]), booking("F", 2, pair[1])];
        let sync =
            booking::Entity::bulk_sync(models.clone(), booking::Column::Flight.eq("F"), None);
        sync.exec(&transaction).await?;
        assert_eq!(rows::<booking::Entity>(&transaction).await?, models);
    }
    transaction.commit().await?;
    Ok(())
}

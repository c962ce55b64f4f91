//! The counts, and the rows that they count.

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::employee::{self, imported},
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::entity::prelude::*;

pub const TESTS: [Test; 2] = tests![
    a_changed_import_creates_updates_and_deletes_and_leaves_the_rest_alone,
    many_rows_of_each_kind_end_up_as_given,
];

async fn a_changed_import_creates_updates_and_deletes_and_leaves_the_rest_alone(
    db: Db,
) -> TestResult {
    db.create_table(employee::Entity).await?;
    let scope = || employee::Column::CompanyId.eq(501);
    let first = vec![imported("A1", "Ann"), imported("B2", "Bob"), imported("C3", "Cid")];
    let result = employee::Entity::bulk_sync(first.clone(), scope(), 1_000).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "3 created, 0 updated, 0 deleted, 0 unchanged");

    let again = employee::Entity::bulk_sync(first, scope(), None).exec(&db.pool).await?;
    assert_eq!(again.to_string(), "0 created, 0 updated, 0 deleted, 3 unchanged");

    let mut bob = imported("B2", "Robert");
    bob.phone = Some("555".into());
    let second = vec![imported("A1", "Ann"), bob, imported("D4", "Dee")];
    let result = employee::Entity::bulk_sync(second, scope(), None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("name", 1), ("phone", 1)]);
    let rows = employee::Entity::find().all(&db.pool).await?;
    let mut names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Ann", "Dee", "Robert"]);
    Ok(())
}

async fn many_rows_of_each_kind_end_up_as_given(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let scope = || employee::Column::CompanyId.eq(501);
    let row = |n: u32| imported(&format!("E{n}"), &format!("Name {n}"));
    employee::Entity::bulk_sync((0..5_000).map(row), scope(), None).exec(&db.pool).await?;
    let changed = |n: u32| {
        let mut model = row(n);
        if n.is_multiple_of(2) {
            model.name.push('!');
        }
        model.phone = n.is_multiple_of(3).then(|| n.to_string());
        model
    };
    let sync = || employee::Entity::bulk_sync((2_500..7_500).map(changed), scope(), None);
    let result = sync().exec(&db.pool).await?;
    assert_eq!(result.to_string(), "2500 created, 1666 updated, 2500 deleted, 834 unchanged");
    assert!(sync().check(&db.pool).await?);
    let rows = employee::Entity::find().all(&db.pool).await?;
    assert_eq!(rows.len(), 5_000);
    Ok(())
}

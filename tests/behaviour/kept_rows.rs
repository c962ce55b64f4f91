//! Unique values that move, soft deletes, and the hook.

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        pass::{self, pass},
        seat::{self, seat},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    DatabaseTransaction, DbBackend, QueryOrder, Schema, TransactionTrait,
    entity::prelude::*,
    sea_query::{Expr, ForeignKey, Func, Order, Query},
};

use crate::fixture::people;

pub const TESTS: [Test; 16] = tests![
    unique_values_of_any_type_move_in_rings_and_chains,
    rows_that_swap_different_sets_of_columns_end_right,
    a_soft_delete_takes_an_expression,
    a_soft_delete_without_columns_is_refused,
    two_rows_can_exchange_the_values_of_unique_columns,
    unique_values_can_move_along_a_chain_of_rows,
    a_unique_value_held_by_a_row_that_is_kept_is_an_error,
    a_soft_delete_stamps_rows_once_and_revives_the_keys_that_come_back,
    a_soft_delete_by_a_boolean_is_cleared_to_false,
    a_soft_delete_by_a_column_that_cannot_be_cleared_is_refused,
    a_hook_sees_the_change_in_its_transaction_and_is_not_called_without_one,
    a_hook_that_refuses_rolls_the_change_back,
    a_hook_that_ignores_the_error_of_a_statement_is_not_told_as_done,
    a_hook_that_ignores_an_error_takes_nothing_of_the_caller_along,
    rows_of_other_tables_follow_a_unique_value_that_moves,
    unique_values_move_that_refer_to_another_table,
];

async fn sync(db: &Db, seats: Vec<seat::Model>) -> Result<SyncResult, SyncError> {
    seat::Entity::bulk_sync(seats, seat::Column::Room.eq(1), None).exec(&db.pool).await
}

/// The seats, by code: (id, number, holder, badge).
async fn seats(db: &Db) -> Result<Vec<(i32, i32, String, Option<i64>)>, DbErr> {
    let rows = seat::Entity::find().order_by_asc(seat::Column::Code).all(&db.pool).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.number, row.holder, row.badge)).collect())
}

async fn two_rows_can_exchange_the_values_of_unique_columns(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    sync(&db, vec![seat("a", 1, "Ann", Some(7)), seat("b", 2, "Bob", Some(8))]).await?;
    let before = seats(&db).await?;
    let swapped = vec![seat("a", 2, "Bob", Some(8)), seat("b", 1, "Ann", Some(7))];
    let result = sync(&db, swapped.clone()).await?;
    assert_eq!(result.to_string(), "0 created, 2 updated, 0 deleted, 0 unchanged");
    let expected =
        [(before[0].0, 2, "Bob".into(), Some(8)), (before[1].0, 1, "Ann".into(), Some(7))];
    assert_eq!(seats(&db).await?, expected);
    assert!(sync(&db, swapped).await?.is_unchanged());
    Ok(())
}

async fn unique_values_can_move_along_a_chain_of_rows(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    let row = |n: i32, number: i32| {
        seat(&format!("s{n:03}"), number, &format!("h{number}"), Some(number.into()))
    };
    sync(&db, (0..50).map(|n| row(n, n)).collect()).await?;
    let ids: Vec<i32> = seats(&db).await?.into_iter().map(|seat| seat.0).collect();
    for shift in [1, -1, 7] {
        let result = sync(&db, (0..50).map(|n| row(n, n + shift)).collect()).await?;
        assert_eq!(result.updated, 50, "shifted to {shift}");
        let expected: Vec<_> = (0..50)
            .map(|n| {
                (ids[n as usize], n + shift, format!("h{}", n + shift), Some((n + shift).into()))
            })
            .collect();
        assert_eq!(seats(&db).await?, expected);
    }
    Ok(())
}

async fn a_unique_value_held_by_a_row_that_is_kept_is_an_error(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    sync(&db, vec![seat("a", 1, "Ann", None), seat("b", 2, "Bob", None)]).await?;
    let before = seats(&db).await?;
    let taken = vec![seat("a", 1, "Ann", None), seat("b", 1, "Bob", None)];
    match sync(&db, taken).await {
        Err(SyncError::Constraint { table, keys, .. }) => {
            assert_eq!(table, "seat");
            assert_eq!(keys, ["room = 1, code = 'b'"]);
        }
        other => return Err(format!("{other:?}").into()),
    }
    assert_eq!(seats(&db).await?, before);
    Ok(())
}

async fn a_soft_delete_stamps_rows_once_and_revives_the_keys_that_come_back(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    let sync = async |stamp: &str, seats: Vec<seat::Model>| {
        seat::Entity::bulk_sync(seats, seat::Column::Room.eq(1), None)
            .soft_delete([(seat::Column::RemovedAt, stamp)])
            .allow_empty()
            .exec(&db.pool)
            .await
    };
    let ann = seat("a", 1, "Ann", None);
    let bob = seat("b", 2, "Bob", None);
    sync("first", vec![ann.clone(), bob.clone()]).await?;
    let result = sync("first", vec![ann.clone()]).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 1 deleted, 1 unchanged");
    let again = sync("second", vec![ann.clone()]).await?;
    assert_eq!(again.to_string(), "0 created, 0 updated, 0 deleted, 1 unchanged");
    let stamped = seat::Entity::find().filter(seat::Column::Code.eq("b")).one(&db.pool).await?;
    assert_eq!(stamped.and_then(|row| row.removed_at).as_deref(), Some("first"));

    let back = vec![ann.clone(), seat("b", 3, "Bob", None)];
    let result = sync("third", back.clone()).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 0 deleted, 1 unchanged, 1 revived");
    let rows = seat::Entity::find().order_by_asc(seat::Column::Code).all(&db.pool).await?;
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[1].number, rows[1].removed_at.as_deref()), (3, None));
    assert!(sync("fourth", back).await?.is_unchanged());
    assert_eq!(sync("fifth", vec![]).await?.deleted, 2);
    assert_eq!(sync("sixth", vec![]).await?.deleted, 0);
    Ok(())
}

async fn a_soft_delete_by_a_boolean_is_cleared_to_false(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    let sync = async |seats: Vec<seat::Model>| {
        seat::Entity::bulk_sync(seats, WholeTable, None)
            .soft_delete([(seat::Column::Gone, true)])
            .exec(&db.pool)
            .await
    };
    let (ann, bob) = (seat("a", 1, "Ann", None), seat("b", 2, "Bob", None));
    sync(vec![ann.clone(), bob.clone()]).await?;
    assert_eq!(sync(vec![ann.clone()]).await?.deleted, 1);
    assert_eq!(
        sync(vec![ann.clone()]).await?.to_string(),
        "0 created, 0 updated, 0 deleted, 1 unchanged"
    );
    assert_eq!(sync(vec![ann, bob]).await?.revived, 1);
    assert_eq!(seat::Entity::find().filter(seat::Column::Gone.eq(true)).count(&db.pool).await?, 0);
    Ok(())
}

async fn a_soft_delete_by_a_column_that_cannot_be_cleared_is_refused(db: Db) -> TestResult {
    let refused = seat::Entity::bulk_sync([seat("a", 1, "Ann", None)], WholeTable, None)
        .soft_delete([(seat::Column::Holder, "nobody")])
        .exec(&db.pool)
        .await;
    let message = refused.map_err(|error| error.to_string());
    assert!(message.is_err_and(|text| text.contains("soft_delete() names holder")));
    Ok(())
}

async fn a_hook_sees_the_change_in_its_transaction_and_is_not_called_without_one(
    db: Db,
) -> TestResult {
    db.create_table(employee::Entity).await?;
    db.create_table(seat::Entity).await?;
    let import = async |name: &str| {
        employee::Entity::bulk_sync([imported("A1", name)], WholeTable, None)
            .on_change(async |plan: &SyncPlan<employee::Entity>, tx: &DatabaseTransaction| {
                let summary = plan.summary();
                let line = seat("trail", summary.created as i32, name, None);
                let mut line = sea_orm::IntoActiveModel::into_active_model(line);
                line.id = sea_orm::ActiveValue::NotSet;
                seat::Entity::insert(line).exec(tx).await.map(|_| ())
            })
            .exec(&db.pool)
            .await
    };
    import("Ann").await?;
    import("Ann").await?;
    let trail = seats(&db).await?;
    assert_eq!(trail.len(), 1);
    assert_eq!((trail[0].1, trail[0].2.as_str()), (1, "Ann"));
    Ok(())
}

async fn a_hook_that_refuses_rolls_the_change_back(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let pool = db.pool.clone();
    let refused = tokio::spawn(async move {
        employee::Entity::bulk_sync([imported("A1", "Ann")], WholeTable, None)
            .on_change(async |_: &SyncPlan<employee::Entity>, _: &DatabaseTransaction| {
                Err("not on a Sunday")
            })
            .exec(&pool)
            .await
    })
    .await?;
    match refused {
        Err(SyncError::Refused { table, source }) => {
            assert_eq!(
                (table.as_str(), source.to_string().as_str()),
                ("employee", "not on a Sunday")
            );
        }
        other => return Err(format!("{other:?}").into()),
    }
    assert_eq!(employee::Entity::find().count(&db.pool).await?, 0);
    let plan = employee::Entity::bulk_sync([imported("A1", "Ann")], WholeTable, None)
        .compare(&db.pool)
        .await?;
    let refused = plan
        .on_change(async |_: &SyncPlan<employee::Entity>, _: &DatabaseTransaction| Err("no"))
        .apply(&db.pool)
        .await;
    assert!(matches!(refused, Err(SyncError::Refused { .. })));
    Ok(())
}

async fn rows_that_swap_different_sets_of_columns_end_right(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    let first = vec![
        seat("a", 1, "Ann", Some(1)),
        seat("b", 2, "Bob", Some(2)),
        seat("c", 3, "Cid", Some(3)),
        seat("d", 4, "Dee", None),
    ];
    sync(&db, first).await?;
    let ids: Vec<i32> = seats(&db).await?.into_iter().map(|seat| seat.0).collect();
    let gone = |seat: seat::Model| seat::Model { gone: true, ..seat };
    let second = vec![
        gone(seat("a", 2, "Ann", Some(1))),
        seat("b", 1, "Bob", Some(3)),
        seat("c", 4, "Dee", Some(2)),
        gone(seat("d", 3, "Cid", None)),
    ];
    assert_eq!(sync(&db, second.clone()).await?.updated, 4);
    let expected: Vec<_> = ids
        .iter()
        .zip(&second)
        .map(|(id, seat)| (*id, seat.number, seat.holder.clone(), seat.badge))
        .collect();
    assert_eq!(seats(&db).await?, expected);
    assert!(sync(&db, second).await?.is_unchanged());
    Ok(())
}

async fn a_soft_delete_takes_an_expression(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    sync(&db, vec![seat("a", 1, "Ann", None), seat("b", 2, "Bob", None)]).await?;
    let stamp = Func::upper(Expr::col(seat::Column::Holder));
    let result = seat::Entity::bulk_sync([seat("a", 1, "Ann", None)], WholeTable, None)
        .soft_delete([(seat::Column::RemovedAt, stamp)])
        .exec(&db.pool)
        .await?;
    assert_eq!(result.deleted, 1);
    let stamped = seat::Entity::find().filter(seat::Column::Code.eq("b")).one(&db.pool).await?;
    assert_eq!(stamped.and_then(|row| row.removed_at).as_deref(), Some("BOB"));
    Ok(())
}

async fn a_soft_delete_without_columns_is_refused(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    sync(&db, vec![seat("a", 1, "Ann", None), seat("b", 2, "Bob", None)]).await?;
    let refused = seat::Entity::bulk_sync([seat("a", 1, "Ann", None)], WholeTable, None)
        .soft_delete(Vec::<(seat::Column, Expr)>::new())
        .exec(&db.pool)
        .await;
    let message = refused.map_err(|error| error.to_string());
    assert!(message.is_err_and(|text| text.contains("soft_delete() names no column")));
    assert_eq!(seat::Entity::find().count(&db.pool).await?, 2);
    Ok(())
}

/// Uuids and dates have hardly a value to step aside to: the rows take turns.
async fn unique_values_of_any_type_move_in_rings_and_chains(db: Db) -> TestResult {
    db.create_table(pass::Entity).await?;
    let sync = async |passes: Vec<pass::Model>| {
        pass::Entity::bulk_sync(passes, WholeTable, None).exec(&db.pool).await
    };
    let first = (1..=9).map(|n| pass(n, n as u32, n as u32, n)).collect();
    sync(first).await?;
    let order = || pass::Entity::find().order_by_asc(pass::Column::Holder).all(&db.pool);
    let ids: Vec<i32> = order().await?.iter().map(|pass| pass.id).collect();
    // a swap, a ring of three, a chain of three, and one that moves away
    let serials = [2, 1, 4, 5, 3, 7, 8, 20, 9];
    for (days, gates) in [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ([9, 1, 2, 3, 4, 5, 6, 7, 8], [2, 3, 1, 4, 5, 6, 7, 8, 10]),
    ] {
        let passes: Vec<_> =
            (0..9).map(|n| pass(n as i32 + 1, serials[n], days[n], gates[n])).collect();
        sync(passes.clone()).await?;
        let expected: Vec<_> =
            ids.iter().zip(passes.clone()).map(|(&id, pass)| pass::Model { id, ..pass }).collect();
        assert_eq!(order().await?, expected);
        assert!(sync(passes).await?.is_unchanged());
    }
    Ok(())
}

async fn sync_and_ignore_an_error(
    db: &impl SyncConnection<Transaction = DatabaseTransaction>,
) -> Result<SyncResult, SyncError> {
    employee::Entity::bulk_sync(
        [imported("A1", "Ann")],
        employee::Column::ExternalId.eq("A1"),
        None,
    )
    .on_change(async |_: &SyncPlan<employee::Entity>, tx: &DatabaseTransaction| {
        let _ = tx.execute_unprepared("INSERT INTO no_such_table VALUES (1)").await;
        Ok::<_, DbErr>(())
    })
    .exec(db)
    .await
}

/// PostgreSQL gives the whole transaction up, and answers its COMMIT without an error.
async fn a_hook_that_ignores_the_error_of_a_statement_is_not_told_as_done(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let done = sync_and_ignore_an_error(&db.pool).await;
    let count = employee::Entity::find().count(&db.pool).await?;
    if db.backend() != DbBackend::Postgres {
        assert_eq!((done?.created, count), (1, 1));
        return Ok(());
    }
    let Err(SyncError::Refused { table, source }) = done else {
        return Err(format!("{done:?}").into());
    };
    assert_eq!((table.as_str(), count), ("employee", 0));
    let text = source.to_string();
    assert!(text.starts_with("the hook ignored the error of a statement"), "{text}");
    Ok(())
}

/// On PostgreSQL the savepoint of the sync cannot be ended, and is rolled back.
async fn a_hook_that_ignores_an_error_takes_nothing_of_the_caller_along(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let transaction = db.pool.begin().await?;
    let sync = |id| {
        let scope = employee::Column::ExternalId.eq(id);
        employee::Entity::bulk_sync([imported(id, "Bob")], scope, None).exec(&transaction)
    };
    sync("B2").await?;
    let done = sync_and_ignore_an_error(&transaction).await;
    sync("C3").await?;
    transaction.commit().await?;
    assert_eq!(done.is_err(), db.backend() == DbBackend::Postgres, "{done:?}");
    let ann = done.ok().map(|_| "501 A1 Ann");
    let expected: Vec<_> = ann.into_iter().chain(["501 B2 Bob", "501 C3 Bob"]).collect();
    assert_eq!(people(&db.pool).await?, expected);
    Ok(())
}

/// Seats, and a table whose rows refer to their badges, or to which the badges refer.
async fn with_seats_and(db: &Db, others: &str, constraint: Option<&str>) -> Result<(), DbErr> {
    let mut seats = Schema::new(db.backend()).create_table_from_entity(seat::Entity);
    if let Some(referred) = constraint {
        db.pool.execute_unprepared(others).await?;
        let mut key = ForeignKey::create();
        key.from(seat::Entity, seat::Column::Badge).to(referred.to_owned(), "badge");
        seats.foreign_key(&mut key);
    }
    db.pool.execute(&seats).await?;
    if constraint.is_none() {
        db.pool.execute_unprepared(others).await?;
    }
    Ok(())
}

async fn swap_badges(db: &Db) -> TestResult {
    sync(db, vec![seat("a", 1, "Ann", Some(8)), seat("b", 2, "Bob", Some(7))]).await?;
    assert_eq!(seats(db).await?.iter().map(|seat| seat.3).collect::<Vec<_>>(), [Some(8), Some(7)]);
    Ok(())
}

async fn rows_of_other_tables_follow_a_unique_value_that_moves(db: Db) -> TestResult {
    let loans = "CREATE TABLE loan (id INT PRIMARY KEY, badge BIGINT, \
                 FOREIGN KEY (badge) REFERENCES seat (badge) ON UPDATE CASCADE)";
    with_seats_and(&db, loans, None).await?;
    sync(&db, vec![seat("a", 1, "Ann", Some(7)), seat("b", 2, "Bob", Some(8))]).await?;
    db.pool.execute_unprepared("INSERT INTO loan VALUES (1, 7), (2, 8)").await?;
    swap_badges(&db).await?;
    let select = Query::select().column("badge").from("loan").order_by("id", Order::Asc).take();
    let loans = db.pool.query_all(&select).await?;
    let badges: Vec<_> = loans.iter().map(|row| row.try_get_by_index::<Option<i64>>(0)).collect();
    assert_eq!(badges, [Ok(Some(8)), Ok(Some(7))]);
    Ok(())
}

/// Such a column takes no value of nobody's.
async fn unique_values_move_that_refer_to_another_table(db: Db) -> TestResult {
    let badges = "CREATE TABLE badges (badge BIGINT PRIMARY KEY)";
    with_seats_and(&db, badges, Some("badges")).await?;
    db.pool.execute_unprepared("INSERT INTO badges VALUES (7), (8)").await?;
    sync(&db, vec![seat("a", 1, "Ann", Some(7)), seat("b", 2, "Bob", Some(8))]).await?;
    swap_badges(&db).await
}

//! Two syncs of one scope end as one after the other, with and without a unique
//! index on the key; those of two scopes do not wait for each other.

use std::time::Duration;

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::stock::{self, stock},
    stepped::Step,
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    IntoActiveModel,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Index},
};
use tokio::time::Instant;

use crate::explorer::{
    Actor, Outcome, PATIENCE, Running, Scene, connect, create_table, fill_table, in_every_order,
};

pub const TESTS: [Test; 18] = tests![
    two_syncs_that_leave_alone_what_the_other_changes,
    two_syncs_that_leave_alone_what_the_other_changes_with_an_index,
    two_syncs_that_create_the_same_row,
    two_syncs_that_create_the_same_row_with_an_index,
    two_syncs_that_create_the_same_row_and_delete_nothing,
    two_syncs_that_create_the_same_row_and_delete_nothing_that_repeats,
    two_syncs_that_create_the_same_row_and_delete_duplicates,
    two_syncs_that_create_different_rows_in_an_empty_scope,
    two_syncs_that_create_different_rows_in_an_empty_scope_with_an_index,
    two_syncs_that_create_the_same_row_by_a_text_key,
    two_syncs_that_create_a_row_by_a_text_key_beside_others,
    rows_that_come_to_an_empty_scope_are_read_as_they_are_counted,
    one_sync_empties_the_scope_that_another_fills,
    the_first_row_in_scope_goes,
    two_syncs_of_overlapping_scopes_under_one_lock,
    two_syncs_of_overlapping_scopes_under_one_lock_in_an_empty_table,
    three_syncs_under_one_lock_that_no_row_meets_yet,
    syncs_of_two_scopes_do_not_wait_for_each_other,
];

/// A sync of warehouse 7 with these codes and amounts.
fn sync(amounts: &[(i32, i32)]) -> BulkSync<stock::Entity> {
    let models = models(amounts);
    stock::Entity::bulk_sync(models, stock::Column::Warehouse.eq(7), None)
        .allow_empty()
        .max_tries(2)
}

fn models(amounts: &[(i32, i32)]) -> Vec<stock::Model> {
    let model = |&(code, amount)| stock(1_000 + code, code, amount, Some(&format!("no {code}")));
    amounts.iter().map(model).collect()
}

fn scene(
    is_unique: bool,
    before: &[(i32, i32)],
    first: &[(i32, i32)],
    second: &[(i32, i32)],
) -> Scene {
    let actors = [first, second].map(|amounts| Actor::Sync(Box::new(sync(amounts))));
    Scene { before: models(before), actors, is_unique }
}

/// Checks that the rows are those of one of the syncs that are done.
async fn one_after_the_other(
    db: Db,
    is_unique: bool,
    before: &'static [(i32, i32)],
    inputs: [&'static [(i32, i32)]; 2],
) -> TestResult {
    judged(db, scene(is_unique, before, inputs[0], inputs[1])).await
}

async fn judged(db: Db, scene: Scene) -> TestResult {
    // what the judge needs is in the scene: a function pointer takes nothing along
    in_every_order(&db, scene, |scene, outcomes, rows| {
        if outcomes.iter().all(is_locked_out) {
            return is_one_of(rows, &[amounts(&scene.before)]);
        }
        let mut allowed = Vec::new();
        for (actor, is_done) in scene.actors.iter().zip(done(outcomes)?) {
            if let (Actor::Sync(sync), true) = (actor, is_done) {
                allowed.push(wanted(sync)?);
            }
        }
        is_one_of(rows, &allowed)
    })
    .await
}

/// Which of the syncs are done; the other may fail so that it can be tried again.
fn done(outcomes: &[Outcome; 2]) -> Result<[bool; 2], String> {
    let mut done = [true; 2];
    for (done, outcome) in done.iter_mut().zip(outcomes) {
        if let Outcome::Sync(Err(error)) = outcome {
            *done = false;
            if !error.is_retryable() {
                return Err(format!("not to be tried again: {error}"));
            }
        }
    }
    if done == [false; 2] { Err("none is done".to_owned()) } else { Ok(done) }
}

/// Whether its tries have all met the lock of the other. SQLite does not wait here, so
/// that this can be said of both, and of tries without end.
fn is_locked_out(outcome: &Outcome) -> bool {
    let Outcome::Sync(Err(error)) = outcome else { return false };
    format!("{error:?}").contains("database is locked")
}

/// The codes and amounts of rows, sorted.
fn amounts(rows: &[stock::Model]) -> Vec<(i32, i32)> {
    let mut amounts: Vec<_> = rows.iter().map(|row| (row.code, row.amount)).collect();
    amounts.sort_unstable();
    amounts
}

fn is_one_of(rows: &[stock::Model], allowed: &[Vec<(i32, i32)>]) -> Result<(), String> {
    let found = amounts(rows);
    if allowed.contains(&found) { Ok(()) } else { Err(format!("{found:?} not {allowed:?}")) }
}

/// The codes and amounts that a sync makes of an empty table.
fn wanted(sync: &BulkSync<stock::Entity>) -> Result<Vec<(i32, i32)>, String> {
    let plan = BulkSync::clone(sync).compare_with([]).map_err(|error| error.to_string())?;
    let row = |row: stock::ActiveModel| (row.code.unwrap(), row.amount.unwrap());
    Ok(plan.created().map(row).collect())
}

const TWO: &[(i32, i32)] = &[(1, 10), (2, 20)];
const SECOND_CHANGED: &[(i32, i32)] = &[(1, 10), (2, 21), (3, 30)];
const FIRST_CHANGED: &[(i32, i32)] = &[(1, 11), (2, 20), (4, 40)];

async fn two_syncs_that_leave_alone_what_the_other_changes(db: Db) -> TestResult {
    one_after_the_other(db, false, TWO, [SECOND_CHANGED, FIRST_CHANGED]).await
}

async fn two_syncs_that_leave_alone_what_the_other_changes_with_an_index(db: Db) -> TestResult {
    one_after_the_other(db, true, TWO, [SECOND_CHANGED, FIRST_CHANGED]).await
}

async fn two_syncs_that_create_the_same_row(db: Db) -> TestResult {
    one_after_the_other(db, false, &[], [&[(1, 10)], &[(1, 11)]]).await
}

async fn two_syncs_that_create_the_same_row_with_an_index(db: Db) -> TestResult {
    one_after_the_other(db, true, &[], [&[(1, 10)], &[(1, 11)]]).await
}

async fn two_syncs_that_create_the_same_row_and_delete_nothing(db: Db) -> TestResult {
    both(db, BulkSync::skip_deletes).await
}

async fn two_syncs_that_create_the_same_row_and_delete_nothing_that_repeats(db: Db) -> TestResult {
    both(db, |sync| sync.skip_deletes().delete_duplicates()).await
}

async fn two_syncs_that_create_the_same_row_and_delete_duplicates(db: Db) -> TestResult {
    both(db, BulkSync::delete_duplicates).await
}

/// Both with these options, so that the rows in scope are not all read, or not all told.
async fn both(db: Db, with: fn(BulkSync<stock::Entity>) -> BulkSync<stock::Entity>) -> TestResult {
    let actors = [10, 11].map(|amount| Actor::Sync(Box::new(with(sync(&[(1, amount)])))));
    judged(db, Scene { before: Vec::new(), actors, is_unique: false }).await
}

async fn two_syncs_that_create_different_rows_in_an_empty_scope(db: Db) -> TestResult {
    one_after_the_other(db, false, &[], [&[(1, 10)], &[(2, 20)]]).await
}

async fn two_syncs_that_create_different_rows_in_an_empty_scope_with_an_index(
    db: Db,
) -> TestResult {
    one_after_the_other(db, true, &[], [&[(1, 10)], &[(2, 20)]]).await
}

/// A text can be equal to another to the database alone, so that it is asked.
async fn two_syncs_that_create_the_same_row_by_a_text_key(db: Db) -> TestResult {
    by_a_text_key(db, &[], [&[(1, 10)], &[(1, 11)]]).await
}

async fn two_syncs_that_create_a_row_by_a_text_key_beside_others(db: Db) -> TestResult {
    by_a_text_key(db, TWO, [&[(1, 10), (3, 30)], &[(1, 11), (3, 31)]]).await
}

async fn by_a_text_key(
    db: Db,
    before: &[(i32, i32)],
    inputs: [&'static [(i32, i32)]; 2],
) -> TestResult {
    let actors =
        inputs.map(|amounts| Actor::Sync(Box::new(sync(amounts).key([stock::Column::Remark]))));
    judged(db, Scene { before: models(before), actors, is_unique: false }).await
}

/// Where it waits for those who insert, it counts and reads under locks: what MariaDB
/// has let it count can be out of sight of a read without a lock for a moment.
async fn rows_that_come_to_an_empty_scope_are_read_as_they_are_counted(db: Db) -> TestResult {
    if db.backend() != sea_orm::DbBackend::MySql {
        return Ok(());
    }
    create_table(&db, false).await?;
    let pool = connect(&db).await?;
    let mut running = Running::start(&pool, &Actor::Sync(Box::new(sync(TWO).max_tries(1))));
    while running.finish_step().await?.is_some_and(|next| next != Step::Write) {}
    assert_eq!(running.finish_step().await?, Some(Step::Write), "it counts what is inserted");
    stock::Entity::insert(stock(1_009, 9, 90, None).into_active_model()).exec(&db.pool).await?;
    assert_eq!(running.finish_step().await?, Some(Step::Write), "it reads what it has counted");
    running.finish(PATIENCE).await;
    let outcome = (&mut running.task).await?;
    assert!(outcome.is_stale(), "{outcome:?}");
    Ok(pool.close().await?)
}

async fn one_sync_empties_the_scope_that_another_fills(db: Db) -> TestResult {
    one_after_the_other(db, false, TWO, [&[], &[(1, 10), (2, 20), (3, 30)]]).await
}

async fn the_first_row_in_scope_goes(db: Db) -> TestResult {
    one_after_the_other(db, false, TWO, [&[(2, 20), (3, 30)], &[(1, 11), (2, 21)]]).await
}

async fn two_syncs_of_overlapping_scopes_under_one_lock(db: Db) -> TestResult {
    overlapping(db, &[(1, 10), (2, 20), (3, 30)]).await
}

async fn two_syncs_of_overlapping_scopes_under_one_lock_in_an_empty_table(db: Db) -> TestResult {
    overlapping(db, &[]).await
}

/// One is of the whole warehouse, the other of all codes but the first: each leaves
/// alone what the other changes.
async fn overlapping(db: Db, before: &[(i32, i32)]) -> TestResult {
    const THIRD_CHANGED: &[(i32, i32)] = &[(2, 20), (3, 31)];
    let warehouse = || stock::Column::Warehouse.eq(7);
    let scope = warehouse().and(stock::Column::Code.gte(2));
    let part = stock::Entity::bulk_sync(models(THIRD_CHANGED), scope, None).max_tries(2);
    // the other's scope is that of the lock
    let actors = [sync(SECOND_CHANGED), part.scope_lock(warehouse())];
    let actors = actors.map(|sync| Actor::Sync(Box::new(sync)));
    let scene = Scene { before: models(before), actors, is_unique: false };
    in_every_order(&db, scene, |scene, outcomes, rows| {
        let (whole, part) = (SECOND_CHANGED.to_vec(), THIRD_CHANGED.to_vec());
        let of_first = |row: &&stock::Model| row.code == 1;
        let first = scene.before.iter().find(of_first).map(|row| (row.code, row.amount));
        if outcomes.iter().all(is_locked_out) {
            return is_one_of(rows, &[amounts(&scene.before)]);
        }
        let allowed = match done(outcomes)? {
            [true, true] => vec![[&whole[..1], &part].concat(), whole],
            [true, false] => vec![whole],
            [false, _] => vec![first.into_iter().chain(part).collect()],
        };
        is_one_of(rows, &allowed)
    })
    .await
}

/// The first has written to an empty table when the second brings a row that the third
/// can lock. An index keeps them from waiting for rows out of their scopes.
async fn three_syncs_under_one_lock_that_no_row_meets_yet(db: Db) -> TestResult {
    const LOW: &[(i32, i32)] = &[(2, 20), (3, 30)];
    const ALL: &[(i32, i32)] = &[(2, 21), (4, 41)];
    if db.backend() == sea_orm::DbBackend::Sqlite {
        // it has one writer at a time
        return Ok(());
    }
    create_table(&db, false).await?;
    let mut index = Index::create();
    index.name("by_code").table(stock::Entity);
    index.col(stock::Column::Warehouse).col(stock::Column::Code);
    db.pool.execute(&index).await?;
    let warehouse = || stock::Column::Warehouse.eq(7);
    let part = |amounts, codes: Expr| {
        let sync = stock::Entity::bulk_sync(models(amounts), warehouse().and(codes), None);
        Actor::Sync(Box::new(sync.scope_lock(warehouse())))
    };
    let actors = [
        part(LOW, stock::Column::Code.lt(50)),
        part(&[(100, 10)], stock::Column::Code.gte(100)),
        Actor::Sync(Box::new(sync(ALL).max_tries(10))),
    ];
    let pools = [connect(&db).await?, connect(&db).await?, connect(&db).await?];
    for statements in 1.. {
        fill_table(&db, &[]).await?;
        let low = Running::start(&pools[0], &actors[0]);
        let mut is_done = false;
        for _ in 0..statements {
            is_done = is_done || low.finish_step().await?.is_none();
        }
        let mut running = vec![low];
        for (pool, actor) in pools.iter().zip(&actors).skip(1) {
            let started = Running::start(pool, actor);
            started.finish(Duration::from_millis(100)).await;
            running.push(started);
        }
        let start = Instant::now();
        while running.iter().any(|actor| !actor.task.is_finished()) {
            if start.elapsed() > PATIENCE {
                return Err("the actors hang".into());
            }
            for actor in &running {
                actor.finish(Duration::from_millis(5)).await;
            }
        }
        for mut actor in running {
            let Outcome::Sync(result) = (&mut actor.task).await? else {
                return Err("no sync".into());
            };
            result?;
        }
        let mut rows = stock::Entity::find().all(&db.pool).await?;
        rows.retain(|row| row.code < 50);
        is_one_of(&rows, &[LOW.to_vec(), ALL.to_vec()])
            .map_err(|failure| format!("after {statements} statements of the first: {failure}"))?;
        if is_done {
            break;
        }
    }
    for pool in pools {
        pool.close().await?;
    }
    Ok(())
}

/// One stops before its commit, the other runs to its end meanwhile.
async fn syncs_of_two_scopes_do_not_wait_for_each_other(db: Db) -> TestResult {
    create_table(&db, false).await?;
    let of_8 = |rows: &[(i32, i32)]| {
        let mut rows = models(rows);
        for row in &mut rows {
            row.warehouse = 8;
            row.id += 1_000;
        }
        rows
    };
    fill_table(&db, &[models(TWO), of_8(TWO)].concat()).await?;
    let other = stock::Entity::bulk_sync(of_8(FIRST_CHANGED), stock::Column::Warehouse.eq(8), None);
    let pools = [connect(&db).await?, connect(&db).await?];
    let first = Running::start(&pools[0], &Actor::Sync(Box::new(sync(SECOND_CHANGED))));
    let mut statements = 0;
    while first.finish_step().await?.is_some() {
        statements += 1;
        if db.backend() == sea_orm::DbBackend::Sqlite {
            // it has one writer at a time
            continue;
        }
        let mut second = Running::start(&pools[1], &Actor::Sync(Box::new(other.clone())));
        if !second.finish(PATIENCE).await {
            return Err(format!("it waits for the other, which has run {statements}").into());
        }
        let Outcome::Sync(result) = (&mut second.task).await? else { return Err("no sync".into()) };
        result?;
    }
    for pool in pools {
        pool.close().await?;
    }
    Ok(())
}

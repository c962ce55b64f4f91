//! What an ordinary writer commits is not overwritten by a comparison that was
//! made before.

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::stock::{self, stock},
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::entity::prelude::*;

use crate::explorer::{Actor, Outcome, Scene, in_every_order};

pub const TESTS: [Test; 5] = tests![
    a_row_that_leaves_the_scope_is_not_deleted,
    a_row_that_leaves_the_scope_is_not_updated,
    a_row_that_gets_the_key_of_a_model_is_kept,
    a_row_that_appears_with_the_key_of_a_model_is_matched,
    a_row_that_appears_beside_a_plan_does_not_make_it_stale,
];

/// The row of code 1 is to be updated, that of 2 to be deleted, that of 3 to be
/// created.
fn scene(is_unique: bool, statements: &'static [&'static str]) -> Scene {
    let models = [stock(0, 1, 11, None), stock(0, 3, 30, None)];
    let scope = stock::Column::Warehouse.eq(7);
    let sync = stock::Entity::bulk_sync(models, scope, None).max_tries(2);
    Scene {
        before: vec![stock(1_001, 1, 10, None), stock(1_002, 2, 20, None)],
        actors: [Actor::Sync(Box::new(sync)), Actor::Writer(statements)],
        is_unique,
    }
}

/// The rows that the writer wrote, 0 where others were in its way; whether the
/// sync is done; what went wrong with either otherwise.
fn written([sync, writer]: &[Outcome; 2]) -> Result<(u64, bool), String> {
    let (Outcome::Sync(sync), Outcome::Writer(writer)) = (sync, writer) else {
        return Err("no sync and writer".to_owned());
    };
    let is_done = match sync {
        Ok(_) => true,
        Err(error) if error.is_retryable() => false,
        Err(error) => return Err(format!("not to be tried again: {error}")),
    };
    let written = match writer {
        Ok(rows) => *rows,
        Err(error) if is_expected(error) => 0,
        Err(error) => return Err(format!("the writer failed: {error}")),
    };
    Ok((written, is_done))
}

/// The sync has locked the row, or has written the key before.
fn is_expected(error: &DbErr) -> bool {
    SyncError::from(error.clone()).is_retryable() || error.sql_err().is_some()
}

fn row(rows: &[stock::Model], id: i32) -> Option<(i32, i32, i32)> {
    let found = rows.iter().find(|row| row.id == id)?;
    Some((found.warehouse, found.code, found.amount))
}

async fn a_row_that_leaves_the_scope_is_not_deleted(db: Db) -> TestResult {
    let scene = scene(false, &["UPDATE stock SET warehouse = 8 WHERE id = 1002"]);
    in_every_order(&db, scene, |_, outcomes, rows| {
        let (written, is_done) = written(outcomes)?;
        match row(rows, 1_002) {
            Some((8, 2, 20)) if written == 1 => Ok(()),
            Some((7, 2, 20)) if written == 0 && !is_done => Ok(()),
            None if written == 0 => Ok(()),
            found => Err(format!("{written} rows moved, and it is {found:?}")),
        }
    })
    .await
}

async fn a_row_that_leaves_the_scope_is_not_updated(db: Db) -> TestResult {
    let scene = scene(false, &["UPDATE stock SET warehouse = 8 WHERE id = 1001 AND amount = 10"]);
    in_every_order(&db, scene, |_, outcomes, rows| {
        let (written, is_done) = written(outcomes)?;
        match row(rows, 1_001) {
            Some((8, 1, 10)) if written == 1 => Ok(()),
            Some((7, 1, 11)) if written == 0 && is_done => Ok(()),
            Some((7, 1, 10)) if written == 0 && !is_done => Ok(()),
            found => Err(format!("{written} rows moved, and it is {found:?}")),
        }
    })
    .await
}

async fn a_row_that_gets_the_key_of_a_model_is_kept(db: Db) -> TestResult {
    let scene = scene(false, &["UPDATE stock SET code = 3, amount = 30 WHERE id = 1002"]);
    in_every_order(&db, scene, |_, outcomes, rows| {
        let (written, is_done) = written(outcomes)?;
        let kept = row(rows, 1_002);
        let with_key_3 = rows.iter().filter(|row| row.code == 3).count();
        match kept {
            Some((7, 3, 30)) if written == 1 && with_key_3 == 1 => Ok(()),
            Some((7, 2, 20)) if written == 0 && !is_done => Ok(()),
            None if written == 0 && with_key_3 == 1 => Ok(()),
            _ => {
                Err(format!("{written} rows got the key, {with_key_3} have it, and it is {kept:?}"))
            }
        }
    })
    .await
}

async fn a_row_that_appears_with_the_key_of_a_model_is_matched(db: Db) -> TestResult {
    const INSERT: &[&str] =
        &["INSERT INTO stock (id, warehouse, code, amount, x_created, y_touched) \
         VALUES (9999, 7, 3, 30, 1, 2)"];
    in_every_order(&db, scene(true, INSERT), |_, outcomes, rows| {
        let (written, is_done) = written(outcomes)?;
        let with_key_3: Vec<i32> = rows.iter().filter(|r| r.code == 3).map(|r| r.id).collect();
        match &with_key_3[..] {
            [9999] if written == 1 => Ok(()),
            [_] if written == 0 && is_done => Ok(()),
            [] if written == 0 && !is_done => Ok(()),
            found => Err(format!("{written} rows written, and key 3 is in {found:?}")),
        }
    })
    .await
}

/// The rows in scope are counted before and after the writes.
async fn a_row_that_appears_beside_a_plan_does_not_make_it_stale(db: Db) -> TestResult {
    const INSERT: &[&str] =
        &["INSERT INTO stock (id, warehouse, code, amount, x_created, y_touched) \
         VALUES (9999, 7, 9, 90, 1, 2)"];
    let Scene { before, actors: [sync, writer], is_unique } = scene(false, INSERT);
    let Actor::Sync(sync) = sync else { return Err("no sync".into()) };
    let actors = [Actor::Plan(sync), writer];
    in_every_order(&db, Scene { before, actors, is_unique }, |_, outcomes, rows| {
        let (_, is_done) = written(outcomes)?;
        let is_as_planned = row(rows, 1_001) == Some((7, 1, 11)) && row(rows, 1_002).is_none();
        match (is_done, is_as_planned) {
            (true, true) => Ok(()),
            // SQLite refuses one of two writers
            (false, false) if !outcomes[0].is_stale() => Ok(()),
            _ => Err(format!("{outcomes:?}")),
        }
    })
    .await
}

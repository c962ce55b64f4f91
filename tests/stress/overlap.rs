//! Syncs of different scopes that overlap.

use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{ColumnTrait, IsolationLevel};
use tokio::task::JoinSet;

use crate::{
    arena::{Arena, in_each, settings, unique_settings},
    entry::Column,
    history::History,
    judgement::Judgement,
    syncs::{Options, sync_repeatedly},
    writer::{Range, write_repeatedly},
};

pub const TESTS: [Test; 3] = tests![
    overlapping_scopes_create_no_key_twice,
    overlapping_scopes_under_one_lock_have_one_order,
    serializable_syncs_of_overlapping_scopes_have_one_order,
];

const TENANTS: [i32; 3] = [1, 2, 3];
const SCOPES: [&[i32]; 6] = [&[1, 2], &[2, 3], &[1, 2, 3], &[2], &[1, 3], &[1, 2]];
const WRITERS: i32 = 2;

async fn overlapping_scopes_create_no_key_twice(db: Db) -> TestResult {
    in_each(&db, unique_settings(db.backend()), judge_rows, |arena| run(arena, |call| call)).await
}

async fn overlapping_scopes_under_one_lock_have_one_order(db: Db) -> TestResult {
    let options: Options = |call| call.scope_lock(Column::Owner.eq(0));
    in_each(&db, settings(db.backend()), judge, |arena| run(arena, options)).await
}

async fn serializable_syncs_of_overlapping_scopes_have_one_order(db: Db) -> TestResult {
    let options: Options = |call| call.isolation_level(IsolationLevel::Serializable);
    in_each(&db, unique_settings(db.backend()), judge, |arena| run(arena, options)).await
}

async fn run(arena: Arena, options: Options) -> TestResult {
    let mut tasks = JoinSet::new();
    for (task, scope) in SCOPES.into_iter().enumerate() {
        tasks.spawn(sync_repeatedly(arena.clone(), task, scope.to_vec(), options));
    }
    for writer in 1..=WRITERS {
        tasks.spawn(write_repeatedly(arena.clone(), writer, Range::Outside));
    }
    arena.run(tasks).await
}

fn judge_rows(history: &History, judgement: &mut Judgement) {
    judgement.rows(history);
    judgement.owned_rows(history);
}

fn judge(history: &History, judgement: &mut Judgement) {
    judge_rows(history, judgement);
    judgement.orders(history, &TENANTS);
    for tenant in TENANTS {
        judgement.inputs(history, tenant);
    }
}

//! Syncs of different scopes that overlap, with a unique index on the key.

use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};
use tokio::task::JoinSet;

use crate::{
    arena::{Arena, in_each, unique_settings},
    history::History,
    judgement::Judgement,
    syncs::sync_repeatedly,
    writer::{Range, write_repeatedly},
};

pub const TESTS: [Test; 1] = tests![overlapping_scopes_whose_inputs_meet_have_one_order];

const TENANTS: [i32; 3] = [1, 2, 3];
const SCOPES: [&[i32]; 6] = [&[1, 2], &[2, 3], &[1, 2, 3], &[2], &[1, 3], &[1, 2]];
/// Where inputs have no code in common, they can mix in the overlap: neither
/// writes a row that the other does.
const COMMON: &[i32] = &[1];
const WRITERS: i32 = 2;

async fn overlapping_scopes_whose_inputs_meet_have_one_order(db: Db) -> TestResult {
    in_each(&db, unique_settings(db.backend()), judge, run).await
}

async fn run(arena: Arena) -> TestResult {
    let mut tasks = JoinSet::new();
    for (task, scope) in SCOPES.into_iter().enumerate() {
        tasks.spawn(sync_repeatedly(arena.clone(), task, scope.to_vec(), COMMON));
    }
    for writer in 1..=WRITERS {
        tasks.spawn(write_repeatedly(arena.clone(), writer, Range::Outside));
    }
    arena.run(tasks).await
}

fn judge(history: &History, judgement: &mut Judgement) {
    judgement.rows(history);
    judgement.owned_rows(history);
    judgement.orders(history, &TENANTS);
    for tenant in TENANTS {
        judgement.inputs(history, tenant);
    }
}

//! Syncs of scopes that have nothing in common, beside writers outside of them.

use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};
use tokio::task::JoinSet;

use crate::{
    arena::{Arena, in_each, settings},
    history::History,
    judgement::Judgement,
    syncs::sync_repeatedly,
    writer::{Range, write_repeatedly},
};

pub const TESTS: [Test; 1] = tests![disjoint_scopes_each_equal_their_own_input];

const TENANTS: i32 = 6;
const WRITERS: i32 = 2;

async fn disjoint_scopes_each_equal_their_own_input(db: Db) -> TestResult {
    in_each(&db, settings(db.backend()), judge, run).await
}

async fn run(arena: Arena) -> TestResult {
    let mut tasks = JoinSet::new();
    for (task, tenant) in (1..=TENANTS).enumerate() {
        tasks.spawn(sync_repeatedly(arena.clone(), task, vec![tenant], |call| call));
    }
    for writer in 1..=WRITERS {
        tasks.spawn(write_repeatedly(arena.clone(), writer, Range::Outside));
    }
    arena.run(tasks).await
}

fn judge(history: &History, judgement: &mut Judgement) {
    judgement.rows(history);
    judgement.owned_rows(history);
    for tenant in 1..=TENANTS {
        judgement.inputs(history, tenant);
    }
}

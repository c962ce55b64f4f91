//! Syncs of the same scope, beside writers that are outside of it.

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

pub const TESTS: [Test; 1] = tests![every_state_of_a_scope_is_one_of_its_inputs];

const TENANT: i32 = 1;
const SYNCS: usize = 5;
const WRITERS: i32 = 2;

async fn every_state_of_a_scope_is_one_of_its_inputs(db: Db) -> TestResult {
    in_each(&db, settings(db.backend()), judge, run).await
}

async fn run(arena: Arena) -> TestResult {
    let mut tasks = JoinSet::new();
    for task in 0..SYNCS {
        tasks.spawn(sync_repeatedly(arena.clone(), task, vec![TENANT], |call| call));
    }
    for writer in 1..=WRITERS {
        tasks.spawn(write_repeatedly(arena.clone(), writer, Range::Outside));
    }
    arena.run(tasks).await
}

fn judge(history: &History, judgement: &mut Judgement) {
    judgement.rows(history);
    judgement.inputs(history, TENANT);
    judgement.owned_rows(history);
}

//! Syncs of one scope beside writers in it, who also take rows out of it.

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

pub const TESTS: [Test; 2] = tests![
    one_sync_at_a_time_overwrites_no_change_that_it_has_not_seen,
    syncs_overwrite_no_change_that_they_have_not_seen,
];

const TENANT: i32 = 1;
const WRITERS: i32 = 3;

async fn one_sync_at_a_time_overwrites_no_change_that_it_has_not_seen(db: Db) -> TestResult {
    in_each(&db, settings(db.backend()), judge, |arena| run(arena, 1)).await
}

async fn syncs_overwrite_no_change_that_they_have_not_seen(db: Db) -> TestResult {
    in_each(&db, settings(db.backend()), judge, |arena| run(arena, 4)).await
}

async fn run(arena: Arena, syncs: usize) -> TestResult {
    let mut tasks = JoinSet::new();
    for task in 0..syncs {
        tasks.spawn(sync_repeatedly(arena.clone(), task, vec![TENANT], |call| call));
    }
    for writer in 1..=WRITERS {
        tasks.spawn(write_repeatedly(arena.clone(), writer, Range::Everywhere(TENANT)));
    }
    arena.run(tasks).await
}

fn judge(history: &History, judgement: &mut Judgement) {
    judgement.rows(history);
    judgement.inputs(history, TENANT);
    judgement.owned_rows(history);
    judgement.counters(history);
    judgement.marks(history, TENANT);
}

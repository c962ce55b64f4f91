//! Syncs and ordinary writers at the same time on many connections: what they
//! commit is what some serial order of them would.
//!
//! Everybody keeps a history: when a transaction began, when its commit
//! returned, and what it did. Readers take snapshots of the whole table with one
//! SELECT. In the end the snapshots are judged by the history.
//!
//! The number of operations is fixed, not the time.
//!
//! - `BULK_SYNC_STRESS_ROUNDS`: how many times as many operations as usual.
//! - `BULK_SYNC_STRESS_SEED`: the operations of a seed, as a failure prints it;
//!   how they meet is up to the machine.

use std::process::ExitCode;

mod arena;
mod disjoint;
mod entry;
mod history;
mod judgement;
mod one_scope;
mod overlap;
mod random;
mod syncs;
mod transience;
mod with_writers;
mod writer;

fn main() -> ExitCode {
    bulk_sync_tests::suite::run(&[
        ("one_scope", &one_scope::TESTS),
        ("with_writers", &with_writers::TESTS),
        ("disjoint", &disjoint::TESTS),
        ("overlap", &overlap::TESTS),
    ])
}

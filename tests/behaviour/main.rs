//! What bulk-sync promises, on every backend.

use std::process::ExitCode;

mod basics;
mod django;
mod fixture;

fn main() -> ExitCode {
    bulk_sync_tests::suite::run(&[("basics", &basics::TESTS), ("django", &django::TESTS)])
}

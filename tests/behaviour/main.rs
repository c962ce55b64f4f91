//! What bulk-sync promises, on every backend.

use std::process::ExitCode;

mod basics;

fn main() -> ExitCode {
    bulk_sync_tests::suite::run(&[("basics", &basics::TESTS)])
}

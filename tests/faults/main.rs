//! Faults.
use std::process::ExitCode;
fn main() -> ExitCode {
    bulk_sync_tests::suite::run(&[])
}

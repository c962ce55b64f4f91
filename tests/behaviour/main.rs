//! What bulk-sync promises, on every backend.

use std::process::ExitCode;

mod basics;
mod kept_rows;
mod plan;
mod rounding;

fn main() -> ExitCode {
    bulk_sync_tests::suite::run(&[
        ("basics", &basics::TESTS),
        ("kept_rows", &kept_rows::TESTS),
        ("plan", &plan::TESTS),
        ("rounding", &rounding::TESTS),
    ])
}

//! Hostile values of every column type: each ends in a table that holds it and
//! a second sync with nothing to do, or in a clear error and a table as it was.
//! Never in a panic, a hang or half of a change.
//!
//! What becomes of each type is the table in `docs/types.md`, which is checked;
//! with the variable `BULK_SYNC_TABLE` it is printed.

mod case;
mod column;
mod documents;
mod numbers;
mod options;
mod report;
mod text;
mod times;
mod wide;

fn main() -> std::process::ExitCode {
    bulk_sync_tests::suite::run(&[
        ("numbers", numbers::TESTS),
        ("text", text::TESTS),
        ("times", times::TESTS),
        ("documents", documents::TESTS),
        ("options", &options::TESTS),
        ("wide", &wide::TESTS),
    ])
}

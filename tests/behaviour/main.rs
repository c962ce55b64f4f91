//! What bulk-sync promises, on every backend.

use std::process::ExitCode;

mod basics;
mod connections;
mod django;
mod fixture;
mod footguns;
mod models;
mod scopes;

fn main() -> ExitCode {
    bulk_sync_tests::suite::run(&[
        ("basics", &basics::TESTS),
        ("connections", &connections::TESTS),
        ("django", &django::TESTS),
        ("footguns", &footguns::TESTS),
        ("models", &models::TESTS),
        ("scopes", &scopes::TESTS),
    ])
}

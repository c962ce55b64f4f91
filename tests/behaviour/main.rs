//! What bulk-sync promises, on every backend.

use std::process::ExitCode;

mod basics;
mod columns;
mod connections;
mod constraints;
mod django;
mod entities;
mod fixture;
mod footguns;
mod guards;
mod input;
mod kept_rows;
mod models;
mod plan;
mod portable;
mod returning;
mod rounding;
mod scopes;

fn main() -> ExitCode {
    bulk_sync_tests::suite::run(&[
        ("basics", &basics::TESTS),
        ("columns", &columns::TESTS),
        ("connections", &connections::TESTS),
        ("constraints", &constraints::TESTS),
        ("django", &django::TESTS),
        ("entities", &entities::TESTS),
        ("footguns", &footguns::TESTS),
        ("guards", &guards::TESTS),
        ("input", &input::TESTS),
        ("kept_rows", &kept_rows::TESTS),
        ("models", &models::TESTS),
        ("plan", &plan::TESTS),
        ("portable", &portable::TESTS),
        ("rounding", &rounding::TESTS),
        ("returning", &returning::TESTS),
        ("scopes", &scopes::TESTS),
    ])
}

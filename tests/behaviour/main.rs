//! What bulk-sync promises, on every backend.

use std::process::ExitCode;

mod basics;
mod columns;
mod comparison;
mod computed;
mod concurrency;
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
mod no_op;
mod plan;
mod portable;
mod progress;
mod returning;
mod rounding;
mod scopes;
mod self_references;
mod traces;

fn main() -> ExitCode {
    bulk_sync_tests::suite::run(&[
        ("basics", &basics::TESTS),
        ("columns", &columns::TESTS),
        ("comparison", &comparison::TESTS),
        ("computed", &computed::TESTS),
        ("concurrency", &concurrency::TESTS),
        ("connections", &connections::TESTS),
        ("constraints", &constraints::TESTS),
        ("django", &django::TESTS),
        ("entities", &entities::TESTS),
        ("footguns", &footguns::TESTS),
        ("guards", &guards::TESTS),
        ("input", &input::TESTS),
        ("kept_rows", &kept_rows::TESTS),
        ("models", &models::TESTS),
        ("no_op", &no_op::TESTS),
        ("plan", &plan::TESTS),
        ("portable", &portable::TESTS),
        ("progress", &progress::TESTS),
        ("rounding", &rounding::TESTS),
        ("returning", &returning::TESTS),
        ("scopes", &scopes::TESTS),
        ("self_references", &self_references::TESTS),
        ("traces", &traces::TESTS),
    ])
}

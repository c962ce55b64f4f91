//! The service without a network: requests go straight to its router, on every
//! backend.

use std::process::ExitCode;

use bulk_sync_tests::{
    database::{REMOTE, SERVERS},
    suite::run_on,
};

mod api;
mod availability;
mod client;
mod concurrency;
mod faults;
mod flow;
mod large;
mod safety;
mod start;

fn main() -> ExitCode {
    run_on(&[
        ("api", &SERVERS, &api::TESTS),
        ("availability", &SERVERS, &availability::TESTS),
        ("availability", &REMOTE, &availability::OF_SERVERS),
        ("concurrency", &SERVERS, &concurrency::TESTS),
        ("faults", &SERVERS, &faults::TESTS),
        ("flow", &SERVERS, &flow::TESTS),
        ("large", &SERVERS, &large::TESTS),
        ("safety", &SERVERS, &safety::TESTS),
        ("start", &SERVERS, &start::TESTS),
    ])
}

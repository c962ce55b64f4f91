//! What a sync does when the connection, the server or its caller gives up.

use std::process::ExitCode;

use bulk_sync_tests::{
    database::{REMOTE, SERVERS},
    suite::run_on,
};

mod cut;
mod deadlock;
mod disk;
mod dropped;
mod fixture;
mod packets;
mod promised;
mod refused;
mod round_trips;
mod silent;
mod user;

fn main() -> ExitCode {
    let with_disk = if disk::can_be_mounted() { &SERVERS[1..2] } else { &[] };
    run_on(&[
        ("cut", &REMOTE, &cut::TESTS),
        ("dropped", &REMOTE, &dropped::TESTS),
        ("dropped", &SERVERS[..1], &dropped::POLLED),
        ("deadlock", &SERVERS[2..], &deadlock::TESTS),
        ("disk", with_disk, &disk::TESTS),
        ("packets", &SERVERS[2..], &packets::TESTS),
        ("refused", &SERVERS, &refused::TESTS),
        ("refused", &REMOTE, &refused::OF_SERVERS),
        ("refused", &SERVERS[..1], &refused::OF_SQLITE),
        ("round_trips", &REMOTE, &round_trips::TESTS),
        ("silent", &REMOTE, &silent::TESTS),
    ])
}

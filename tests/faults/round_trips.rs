//! How often a sync waits for the server. The pool's pings are left out: they
//! are its own, and can be switched off.
//!
//! With `BULK_SYNC_ROUND_TRIPS` set, the numbers are printed as a table.

use std::{ops::Range, time::Duration};

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::employee::{self, imported},
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::entity::prelude::*;

use crate::fixture::{Failure, Link, with_employees};

pub const TESTS: [Test; 2] = tests![
    nothing_to_do_takes_a_round_trip_or_two,
    round_trips_grow_with_batches_and_not_with_rows,
];

/// Each way.
const DELAY: Duration = Duration::from_micros(2_500);

/// Rows a statement.
const BATCH: u32 = 1_000;

/// What there is to do to rows.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Nothing,
    Delete,
    Update,
    Create,
}

async fn nothing_to_do_takes_a_round_trip_or_two(db: Db) -> TestResult {
    with_employees(&db).await?;
    let link = Link::new(&db, 1).await?;
    for (rows, expected) in [(0, 1), (10, 1), (10_000, 1), (10_001, 2)] {
        let taken = measure(&db, &link, Kind::Nothing, rows).await?;
        assert_eq!(taken, expected, "round trips for {rows} rows");
    }
    Ok(())
}

async fn round_trips_grow_with_batches_and_not_with_rows(db: Db) -> TestResult {
    with_employees(&db).await?;
    let link = Link::new(&db, 1).await?;
    for kind in [Kind::Delete, Kind::Update, Kind::Create] {
        let few = measure(&db, &link, kind, 10).await?;
        let one_batch = measure(&db, &link, kind, BATCH - 100).await?;
        assert_eq!(few, one_batch, "{kind:?}");
        let mut batches = Vec::new();
        for further in 1..=3 {
            batches.push(measure(&db, &link, kind, (further + 1) * BATCH - 100).await?);
        }
        let more = batches[0] - one_batch;
        assert!((1..=2).contains(&more), "{kind:?}: {batches:?}");
        assert_eq!([batches[1], batches[2]], [1, 2].map(|n| batches[0] + n * more), "{kind:?}");
    }
    Ok(())
}

/// The round trips of a sync that does this to so many rows, on a connection
/// that has done the same before.
async fn measure(db: &Db, link: &Link, kind: Kind, rows: u32) -> Result<usize, Failure> {
    let (before, after) = match kind {
        Kind::Nothing => (people(0..rows, "Name"), people(0..rows, "Name")),
        Kind::Delete => (people(0..rows + 1, "Name"), people(rows..rows + 1, "Name")),
        Kind::Update => (people(0..rows, "Name"), people(0..rows, "Renamed")),
        Kind::Create => (people(0..1, "Name"), people(0..rows + 1, "Name")),
    };
    let sync = |models: &[employee::Model], pool| {
        let scope = employee::Column::CompanyId.eq(501);
        employee::Entity::bulk_sync(models.to_vec(), scope, BATCH as usize).allow_empty().exec(pool)
    };
    sync(&before, &db.pool).await?;
    sync(&after, &link.pool).await?;
    sync(&before, &db.pool).await?;
    link.proxy.delay(DELAY);
    link.proxy.reset();
    let result = sync(&after, &link.pool).await?;
    let traffic = link.proxy.traffic();
    link.proxy.delay(Duration::ZERO);
    let pings = traffic.requests.iter().filter(|request| *request == "ping").count();
    let done = result.deleted + result.updated + result.created;
    let expected = if let Kind::Nothing = kind { 0 } else { u64::from(rows) };
    if done != expected {
        return Err(format!("{kind:?} of {rows} rows: {result}").into());
    }
    let taken = traffic.round_trips - pings;
    if std::env::var_os("BULK_SYNC_ROUND_TRIPS").is_some() {
        let server = db.backend().as_str();
        println!("| {server} | {kind:?} | {rows} | {taken} |");
    }
    Ok(taken)
}

fn people(numbers: Range<u32>, name: &str) -> Vec<employee::Model> {
    numbers.map(|n| imported(&format!("E{n}"), &format!("{name} {n}"))).collect()
}

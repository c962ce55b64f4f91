//! A connection on which nothing comes any more, and nothing says so.

use std::time::Duration;

use bulk_sync::{SyncError, SyncResult};
use bulk_sync_tests::{
    proxy::{Place, Trouble},
    suite::{Db, Test, TestResult},
    tests,
};

use crate::{
    fixture::{
        Failure, Link, Table, bounded, restore, settled, sync, table, with_employees, works,
    },
    promised::given_time,
};

pub const TESTS: [Test; 2] = tests![
    a_call_whose_requests_are_swallowed_ends_in_time,
    a_call_whose_answers_are_swallowed_ends_in_time,
];

type Synced = Result<SyncResult, SyncError>;

/// How long a call may take, which on a machine that has nothing else to do is
/// far more than it needs.
const TIMEOUT: Duration = Duration::from_millis(500);

async fn a_call_whose_requests_are_swallowed_ends_in_time(db: Db) -> TestResult {
    at_every_kind_of_request(&db, Place::Before, Table::Before).await
}

async fn a_call_whose_answers_are_swallowed_ends_in_time(db: Db) -> TestResult {
    at_every_kind_of_request(&db, Place::Answer, Table::After).await
}

async fn at_every_kind_of_request(
    db: &Db,
    place: fn(usize) -> Place,
    after_commit: Table,
) -> TestResult {
    with_employees(db).await?;
    let requests = requests(db).await?;
    restore(db).await?;
    for (number, request) in requests.iter().enumerate() {
        if number > 0 && requests[number - 1] == *request {
            continue;
        }
        let (link, synced) = struck(db, place(number)).await?;
        let is_right = match (&synced, table(db).await?) {
            // the pool has seen that nothing comes, and taken another connection
            (Some(synced), table) => synced.is_ok() && table == Table::After,
            (None, table) if request == "COMMIT" => table == after_commit,
            (None, table) => table == Table::Before,
        };
        if !is_right {
            return Err(format!("request {number}, {request}: {synced:?}").into());
        }
        // only when the network gives up can the server, and the pool, know
        link.proxy.cut();
        settled(db, &link.pool).await.map_err(|error| format!("{request}: {error}"))?;
        works(db, &link.pool).await.map_err(|error| format!("after {request}: {error}"))?;
        restore(db).await?;
    }
    Ok(())
}

/// Syncs until silence strikes, for which there may be too little time.
async fn struck(db: &Db, place: Place) -> Result<(Link, Option<Synced>), Failure> {
    let mut time = TIMEOUT;
    loop {
        let link = Link::new(db, 1).await?;
        link.proxy.fault(place, Trouble::BlackHole);
        let synced = bounded(given_time(sync(), &link.pool, time)).await?;
        if link.proxy.has_struck() {
            return Ok((link, synced));
        }
        if synced.is_some() {
            return Err(format!("{place:?} was not reached").into());
        }
        drop(link);
        restore(db).await?;
        time *= 2;
    }
}

/// What a sync asks for.
async fn requests(db: &Db) -> Result<Vec<String>, Failure> {
    let link = Link::new(db, 1).await?;
    link.proxy.reset();
    sync().exec(&link.pool).await?;
    Ok(link.proxy.traffic().requests)
}

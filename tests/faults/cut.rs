//! A connection that is cut, at every request of a sync.

use bulk_sync::SyncError;
use bulk_sync_tests::{
    proxy::{Place, Trouble},
    suite::{Db, Test, TestResult},
    tests,
};

use crate::{
    fixture::{
        Link, STATEMENTS, Table, bounded, chain, restore, sync, table, with_employees, works,
    },
    promised::{says_not_committed, says_outcome_unknown},
};

pub const TESTS: [Test; 4] = tests![
    a_cut_before_a_request_changes_nothing,
    a_cut_within_a_request_changes_nothing,
    a_lost_answer_changes_all_or_nothing,
    a_torn_answer_changes_all_or_nothing,
];

async fn a_cut_before_a_request_changes_nothing(db: Db) -> TestResult {
    at_every_request(&db, Place::Before, Table::Before).await
}

async fn a_cut_within_a_request_changes_nothing(db: Db) -> TestResult {
    at_every_request(&db, Place::Within, Table::Before).await
}

async fn a_lost_answer_changes_all_or_nothing(db: Db) -> TestResult {
    at_every_request(&db, Place::Answer, Table::After).await
}

async fn a_torn_answer_changes_all_or_nothing(db: Db) -> TestResult {
    at_every_request(&db, Place::WithinAnswer, Table::After).await
}

/// Runs a sync anew with a cut at each request in turn, until one is not reached.
async fn at_every_request(db: &Db, place: fn(usize) -> Place, after_commit: Table) -> TestResult {
    with_employees(db).await?;
    let mut requests = Vec::new();
    loop {
        let link = Link::new(db, 1).await?;
        link.proxy.fault(place(requests.len()), Trouble::Cut);
        let synced = bounded(sync().exec(&link.pool)).await?;
        if !link.proxy.has_struck() {
            synced?;
            break;
        }
        let mut seen = link.proxy.traffic().requests;
        let request = seen.swap_remove(requests.len());
        let table = table(db).await?;
        let right = match &synced {
            // the pool may see that a connection is gone, and take another one
            Ok(_) => table == Table::After,
            Err(error) if request == "COMMIT" => {
                table == after_commit && is_lost(error) && says_outcome_unknown(error)
            }
            Err(error) => table == Table::Before && is_lost(error) && says_not_committed(error),
        };
        if !right {
            let number = requests.len();
            let said = synced.as_ref().map_or_else(chain, ToString::to_string);
            return Err(format!("request {number}, {request}: {said}, {table:?}").into());
        }
        works(db, &link.pool).await.map_err(|error| format!("after {request}: {error}"))?;
        restore(db).await?;
        requests.push(request);
    }
    all_kinds(&requests)
}

/// Whether the error tells that the connection was lost.
fn is_lost(error: &SyncError) -> bool {
    chain(error).contains("error communicating with database")
}

/// The cuts have met every kind of statement, and several of each that writes.
fn all_kinds(requests: &[String]) -> TestResult {
    for kind in ["BEGIN", "SELECT", "DELETE", "UPDATE", "INSERT", "SELECT COUNT", "COMMIT"] {
        if !requests.iter().any(|request| request.contains(kind)) {
            return Err(format!("no {kind} among {requests:?}").into());
        }
    }
    let executed = requests.iter().filter(|request| *request == "execute").count();
    if executed < STATEMENTS {
        return Err(format!("{executed} statements were executed").into());
    }
    Ok(())
}

//! A call that is dropped before it has come to its end, wherever it waits.

use std::{future::Future, pin::pin, task::Poll};

use bulk_sync_tests::{
    proxy::{Place, Trouble},
    suite::{Db, Test, TestResult},
    tests,
};

use crate::fixture::{
    Link, Table, bounded, commits, connect, restore, settled, sync, table, with_employees, works,
};

pub const TESTS: [Test; 2] = tests![
    a_call_dropped_before_a_request_arrives_leaves_nothing_behind,
    a_call_dropped_before_an_answer_arrives_leaves_nothing_behind,
];

pub const POLLED: [Test; 1] =
    tests![a_call_dropped_after_any_number_of_polls_leaves_nothing_behind];

async fn a_call_dropped_before_a_request_arrives_leaves_nothing_behind(db: Db) -> TestResult {
    at_every_request(&db, Place::Before).await
}

async fn a_call_dropped_before_an_answer_arrives_leaves_nothing_behind(db: Db) -> TestResult {
    at_every_request(&db, Place::Answer).await
}

/// Runs a sync anew that is dropped while the proxy holds each request in turn.
async fn at_every_request(db: &Db, place: fn(usize) -> Place) -> TestResult {
    with_employees(db).await?;
    let mut wrong = Vec::new();
    for number in 0.. {
        let link = Link::new(db, 1).await?;
        link.proxy.fault(place(number), Trouble::Hold);
        let call = async {
            tokio::select! {
                synced = sync().exec(&link.pool) => Some(synced),
                () = link.proxy.struck() => None,
            }
        };
        if let Some(synced) = bounded(call).await? {
            synced?;
            break;
        }
        let request = link.proxy.traffic().requests.swap_remove(number);
        link.proxy.release();
        let left = left_behind(db, &link.pool, request == "COMMIT").await;
        if let Err(error) = left {
            wrong.push(format!("dropped at request {number}, {request}: {error}"));
        }
        restore(db).await?;
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Nothing that the dropped call has begun is left.
async fn left_behind(
    db: &Db,
    pool: &sea_orm::DatabaseConnection,
    was_committing: bool,
) -> TestResult {
    settled(db, pool).await?;
    commits(db, pool).await?;
    match table(db).await? {
        Table::Before => {}
        Table::After if was_committing => {}
        other => return Err(format!("{other:?}").into()),
    }
    works(db, pool).await
}

async fn a_call_dropped_after_any_number_of_polls_leaves_nothing_behind(db: Db) -> TestResult {
    with_employees(&db).await?;
    for polls in 1.. {
        let pool = connect(&db.url, 1).await?;
        let ended = bounded(polled(sync().exec(&pool), polls)).await?;
        left_behind(&db, &pool, true).await.map_err(|error| format!("{polls} polls: {error}"))?;
        pool.close().await?;
        restore(&db).await?;
        if let Some(synced) = ended {
            synced?;
            break;
        }
    }
    Ok(())
}

/// What a future gives if it does within so many polls; then it is dropped.
async fn polled<T>(future: impl Future<Output = T>, mut polls: usize) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        polls -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if polls == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

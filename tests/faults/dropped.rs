//! A call that is dropped before it has come to its end, wherever it waits.

use std::{future::Future, pin::pin, task::Poll};

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    proxy::{Place, Trouble},
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{DatabaseConnection, TransactionTrait};

use crate::{
    fixture::{
        Failure, Link, Table, bounded, commits, connect, outsiders_phone, restore,
        set_outsiders_phone, settled, sync, table, unlocked, with_employees, works,
    },
    promised::driver_loses_count,
};

pub const TESTS: [Test; 4] = tests![
    a_call_dropped_before_a_request_arrives_leaves_nothing_behind,
    a_call_dropped_before_an_answer_arrives_leaves_nothing_behind,
    a_call_in_a_transaction_dropped_before_a_request_arrives_leaves_the_callers_writes,
    a_call_in_a_transaction_dropped_before_an_answer_arrives_leaves_the_callers_writes,
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
    for number in 0.. {
        let link = Link::new(db, 1).await?;
        let Some(request) = dropped_at(&link, &link.pool, place(number)).await? else { break };
        let left = if driver_loses_count(db.backend(), &request) {
            // the connection is lost to the pool, and nothing else
            unlocked(db).await?;
            table_is_whole(db, false).await
        } else {
            left_behind(db, &link.pool, request == "COMMIT").await
        };
        left.map_err(|error| format!("dropped at request {number}, {request}: {error}"))?;
        // whatever it holds goes with it
        drop(link);
        restore(db).await?;
    }
    Ok(())
}

/// Drops a sync where it waits for the proxy, which then goes on. Gives the
/// request, or nothing where the sync has come to its end before.
async fn dropped_at<C: SyncConnection>(
    link: &Link,
    db: &C,
    place: Place,
) -> Result<Option<String>, Failure> {
    link.proxy.fault(place, Trouble::Hold);
    let call = async {
        tokio::select! {
            synced = sync().exec(db) => Some(synced),
            () = link.proxy.struck() => None,
        }
    };
    let synced = bounded(call).await?;
    let last = link.proxy.traffic().requests.pop();
    link.proxy.release();
    match synced {
        Some(synced) => {
            synced?;
            Ok(None)
        }
        None => Ok(last),
    }
}

async fn a_call_in_a_transaction_dropped_before_a_request_arrives_leaves_the_callers_writes(
    db: Db,
) -> TestResult {
    in_a_transaction(&db, Place::Before).await
}

async fn a_call_in_a_transaction_dropped_before_an_answer_arrives_leaves_the_callers_writes(
    db: Db,
) -> TestResult {
    in_a_transaction(&db, Place::Answer).await
}

/// The same in a transaction that has written before and is committed after.
async fn in_a_transaction(db: &Db, place: fn(usize) -> Place) -> TestResult {
    with_employees(db).await?;
    for number in 0.. {
        let link = Link::new(db, 1).await?;
        let transaction = link.pool.begin().await?;
        set_outsiders_phone(&transaction, Some("555")).await?;
        let Some(request) = dropped_at(&link, &transaction, place(number)).await? else { break };
        // the savepoint that is to be rolled back may be gone
        let was_released = request.starts_with("RELEASE");
        if !driver_loses_count(db.backend(), &request) {
            let committed = bounded(transaction.commit()).await?;
            let is_written = outsiders_phone(&db.pool).await?.is_some();
            let is_told = committed.is_ok() == is_written;
            if !is_told || (committed.is_err() && !was_released) {
                return Err(format!("dropped at {request}: {committed:?}, {is_written}").into());
            }
        }
        let whole = table_is_whole(db, was_released).await;
        whole.map_err(|error| format!("dropped at request {number}, {request}: {error}"))?;
        drop(link);
        restore(db).await?;
    }
    Ok(())
}

/// Nothing that the dropped call has begun is left.
async fn left_behind(db: &Db, pool: &DatabaseConnection, was_committing: bool) -> TestResult {
    settled(db, pool).await?;
    commits(db, pool).await?;
    table_is_whole(db, was_committing).await?;
    works(db, pool).await
}

async fn table_is_whole(db: &Db, was_committing: bool) -> TestResult {
    match table(db).await? {
        Table::Before => Ok(()),
        Table::After if was_committing => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
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

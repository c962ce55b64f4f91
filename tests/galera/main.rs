//! What bulk-sync promises on a Galera cluster, beside what it promises on any
//! MariaDB: `.ci/galera` starts one and runs a command beside it.

mod cluster;

use std::{
    future::Future,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    entity::{
        category::{self, category},
        project::{self, project},
        stock::{self, stock},
    },
    suite::TestResult,
};
use futures_util::future::{try_join, try_join_all};
use libtest_mimic::{Arguments, Failed, Trial};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, IntoActiveModel, TransactionTrait,
    entity::prelude::*,
};
use tokio::sync::{Barrier, Notify};

use cluster::{Cluster, Failure, VARIABLE, kill};

/// Rounds of the tests that leave it to chance how syncs meet.
const ROUNDS: i32 = 15;

/// What no call may take longer than, whatever happens to the nodes.
const BOUND: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // one at a time, because one of them kills nodes
    arguments.test_threads = Some(1);
    let trials = vec![
        trial("syncs_of_a_scope_on_all_nodes_end_as_one_of_them", same_scope),
        trial("syncs_of_disjoint_scopes_on_all_nodes_all_succeed", disjoint_scopes),
        trial("a_conflict_is_an_error_at_the_commit_of_an_open_transaction", conflict_at_commit),
        trial("a_call_with_a_conflict_compares_again_and_succeeds", conflict_tried_again),
        trial("generated_keys_are_read_back_right_on_each_node", generated_keys),
        trial("writes_that_a_savepoint_rolled_back_are_on_no_node", savepoints),
        trial("syncs_of_a_scope_whose_writes_do_not_meet_both_commit", writes_that_do_not_meet),
        trial(
            "syncs_of_a_scope_in_transactions_of_the_caller_do_not_both_commit",
            writes_that_meet_locks,
        ),
        trial("a_row_of_the_scope_that_is_written_first_makes_them_meet", row_of_the_scope),
        trial("a_sync_on_a_node_that_is_killed_fails_and_others_go_on", killed_node),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test with a database of its own.
fn trial(
    name: &'static str,
    test: impl AsyncFnOnce(&Cluster) -> TestResult + Send + 'static,
) -> Trial {
    let run = move || -> Result<(), Failed> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let outcome: TestResult = runtime.block_on(async {
            let cluster = Cluster::create().await?;
            let outcome = test(&cluster).await;
            cluster.close().await?;
            outcome
        });
        Ok(outcome.map_err(|error| format!("{error}: {error:?}"))?)
    };
    Trial::test(name, run).with_ignored_flag(std::env::var_os(VARIABLE).is_none())
}

/// Goods in a warehouse: some of 40 codes, and the generation in each row, so
/// that any two generations write some of the same rows.
fn generation(warehouse: i32, generation: i32) -> Vec<stock::Model> {
    (0..40)
        .filter(|code| code % 5 != generation % 5)
        .map(|code| stock::Model { warehouse, ..stock(0, code, generation, None) })
        .collect()
}

fn sync(warehouse: i32, models: Vec<stock::Model>) -> BulkSync<stock::Entity> {
    stock::Entity::bulk_sync(models, stock::Column::Warehouse.eq(warehouse), None)
}

/// What tells the generations apart.
fn amounts(rows: &[stock::Model]) -> Vec<(i32, i32, i32)> {
    rows.iter().map(|row| (row.warehouse, row.code, row.amount)).collect()
}

/// The table of goods in stock, with a unique index on the key.
async fn with_stock(cluster: &Cluster) -> Result<(), DbErr> {
    cluster.create_table(stock::Entity).await?;
    let index = "CREATE UNIQUE INDEX warehouse_code ON stock (warehouse, code)";
    cluster.nodes[0].execute_unprepared(index).await?;
    cluster.up_to_date().await
}

/// The goods of warehouse 1 on all nodes.
async fn with_models(cluster: &Cluster, models: Vec<stock::Model>) -> Result<(), Failure> {
    with_stock(cluster).await?;
    sync(1, models).exec(&cluster.nodes[0]).await?;
    Ok(cluster.up_to_date().await?)
}

async fn bounded<T, X>(call: impl Future<Output = Result<T, X>>) -> Result<T, Failure>
where
    X: Into<Failure>,
{
    tokio::time::timeout(BOUND, call).await?.map_err(Into::into)
}

/// Galera's word for "another node was first".
fn is_conflict(error: &impl std::fmt::Debug) -> bool {
    format!("{error:?}").contains("number: 1213")
}

/// What a transaction of the caller is done again for: the server can also take
/// the savepoint of a sync along without a word, or end a transaction at once.
fn is_lost_race(error: &SyncError) -> bool {
    let text = format!("{error:?}");
    let is_gone = text.contains("number: 1305") || text.contains("BeginFailed");
    matches!(error, SyncError::StalePlan { .. }) || is_conflict(error) || is_gone
}

async fn same_scope(cluster: &Cluster) -> TestResult {
    with_stock(cluster).await?;
    for round in 0..ROUNDS {
        let inputs = [1, 2, 3].map(|node| generation(1, 3 * round + node));
        let syncs = cluster.nodes.iter().zip(&inputs);
        try_join_all(syncs.map(|(node, input)| bounded(sync(1, input.clone()).exec(node)))).await?;
        let rows = amounts(&cluster.rows::<stock::Entity>(stock::Column::Code).await?);
        assert!(inputs.iter().any(|input| amounts(input) == rows), "round {round}: {rows:?}");
    }
    Ok(())
}

async fn disjoint_scopes(cluster: &Cluster) -> TestResult {
    with_stock(cluster).await?;
    let syncs = cluster.nodes.iter().zip(1..).map(|(node, warehouse)| async move {
        for round in 1..=ROUNDS {
            bounded(sync(warehouse, generation(warehouse, round)).exec(node)).await?;
        }
        Ok::<_, Failure>(())
    });
    try_join_all(syncs).await?;
    let mut rows = amounts(&cluster.rows::<stock::Entity>(stock::Column::Code).await?);
    rows.sort_unstable();
    let last: Vec<_> = (1..=3).flat_map(|warehouse| generation(warehouse, ROUNDS)).collect();
    assert_eq!(rows, amounts(&last));
    Ok(())
}

/// What another writer does: the amount of one article becomes 99.
async fn write_elsewhere(node: &DatabaseConnection) -> Result<(), DbErr> {
    let update = stock::Entity::update_many()
        .col_expr(stock::Column::Amount, Expr::value(99))
        .filter(stock::Column::Code.eq(7));
    update.exec(node).await?;
    Ok(())
}

async fn conflict_at_commit(cluster: &Cluster) -> TestResult {
    with_models(cluster, generation(1, 1)).await?;
    let transaction = cluster.nodes[0].begin().await?;
    sync(1, generation(1, 2)).exec(&transaction).await?;
    write_elsewhere(&cluster.nodes[1]).await?;
    let Err(error) = transaction.commit().await else { return Err("both were committed".into()) };
    assert!(is_conflict(&error), "{error:?}");
    let mut expected = generation(1, 1);
    expected.iter_mut().filter(|model| model.code == 7).for_each(|model| model.amount = 99);
    let rows = cluster.rows::<stock::Entity>(stock::Column::Code).await?;
    assert_eq!(amounts(&rows), amounts(&expected));
    Ok(())
}

async fn conflict_tried_again(cluster: &Cluster) -> TestResult {
    with_models(cluster, generation(1, 1)).await?;
    let tries = AtomicUsize::new(0);
    let (tries, other) = (&tries, &cluster.nodes[1]);
    let sync = sync(1, generation(1, 2)).on_change(
        async move |_: &SyncPlan<stock::Entity>, _: &DatabaseTransaction| {
            if tries.fetch_add(1, Ordering::Relaxed) == 0 {
                write_elsewhere(other).await?;
            }
            Ok::<_, DbErr>(())
        },
    );
    bounded(sync.exec(&cluster.nodes[0])).await?;
    assert_eq!(tries.load(Ordering::Relaxed), 2);
    let rows = cluster.rows::<stock::Entity>(stock::Column::Code).await?;
    assert_eq!(amounts(&rows), amounts(&generation(1, 2)));
    Ok(())
}

async fn generated_keys(cluster: &Cluster) -> TestResult {
    with_stock(cluster).await?;
    let goods = |warehouse| -> Vec<_> {
        (0..300).map(|code| stock::Model { warehouse, ..stock(0, code, 1, None) }).collect()
    };
    let syncs = cluster.nodes.iter().zip(1..).map(|(node, warehouse)| async move {
        let scope = stock::Column::Warehouse.eq(warehouse);
        let sync = stock::Entity::bulk_sync(goods(warehouse), scope, 70);
        bounded(sync.exec_with_returning(node)).await
    });
    let mut created: Vec<_> =
        try_join_all(syncs).await?.into_iter().flat_map(|returned| returned.created).collect();
    created.sort_unstable_by_key(|row| row.id);
    assert_eq!(created, cluster.rows::<stock::Entity>(stock::Column::Id).await?);
    let of_first: Vec<_> =
        created.iter().filter(|row| row.warehouse == 1).map(|row| row.id).collect();
    assert!(of_first.windows(2).any(|pair| pair[1] - pair[0] > 1), "{of_first:?}");
    Ok(())
}

/// A unique value that moves, and a child that changes its parent while the
/// old one is deleted, are tried once and rolled back before they succeed.
async fn savepoints(cluster: &Cluster) -> TestResult {
    cluster.create_table(project::Entity).await?;
    let hosted =
        |id, domain: &str| project::Model { domain: Some(domain.into()), ..project(id, domain) };
    let named =
        |id, domain: &str, code: &str| project::Model { code: code.into(), ..hosted(id, domain) };
    let node = &cluster.nodes[0];
    let sync = |models| project::Entity::bulk_sync(models, WholeTable, 1);
    sync(vec![hosted(1, "a"), hosted(2, "b"), hosted(3, "c")]).exec(node).await?;
    let swapped = vec![named(1, "b", "a"), named(2, "a", "b"), named(4, "d", "d")];
    sync(swapped.clone()).exec(node).await?;
    assert_eq!(cluster.rows::<project::Entity>(project::Column::Id).await?, swapped);

    cluster.create_table(category::Entity).await?;
    let sync = |models| category::Entity::bulk_sync(models, WholeTable, None);
    sync(vec![category(1, None), category(2, Some(1)), category(3, None)]).exec(node).await?;
    let moved = vec![category(2, Some(3)), category(3, None)];
    sync(moved.clone()).exec(node).await?;
    assert_eq!(cluster.rows::<category::Entity>(category::Column::Id).await?, moved);
    Ok(())
}

/// Three articles, of which one has another amount than 0.
fn one_changed(changed: usize, amount: i32) -> Vec<stock::Model> {
    let model = |(number, code)| {
        let amount = if number == changed { amount } else { 0 };
        stock::Model { warehouse: 1, ..stock(0, code, amount, None) }
    };
    (0..3).enumerate().map(model).collect()
}

/// A limit: Galera compares what transactions write, not what they have read.
async fn writes_that_do_not_meet(cluster: &Cluster) -> TestResult {
    with_models(cluster, one_changed(0, 0)).await?;
    let both_have_written = &Barrier::new(2);
    let syncs = cluster.nodes.iter().zip([(1, 1), (2, 2)]).map(|(node, (changed, amount))| {
        let sync = sync(1, one_changed(changed, amount)).on_change(
            async move |_: &SyncPlan<stock::Entity>, _: &DatabaseTransaction| {
                both_have_written.wait().await;
                Ok::<_, DbErr>(())
            },
        );
        bounded(async move { sync.exec(node).await })
    });
    try_join_all(syncs).await?;
    let rows = cluster.rows::<stock::Entity>(stock::Column::Code).await?;
    assert_eq!(amounts(&rows), [(1, 0, 0), (1, 1, 1), (1, 2, 2)]);
    Ok(())
}

/// In a transaction of the caller, the rows that are compared are locked on the
/// node, and the write that comes from another one takes it down.
async fn writes_that_meet_locks(cluster: &Cluster) -> TestResult {
    with_models(cluster, one_changed(0, 0)).await?;
    let first = cluster.nodes[0].begin().await?;
    let second = cluster.nodes[1].begin().await?;
    sync(1, one_changed(1, 1)).exec(&first).await?;
    sync(1, one_changed(2, 2)).exec(&second).await?;
    first.commit().await?;
    // until then, nobody has told the other node
    cluster.up_to_date().await?;
    let Err(error) = second.commit().await else { return Err("both were committed".into()) };
    assert!(SyncError::from(error).is_retryable());
    let rows = cluster.rows::<stock::Entity>(stock::Column::Code).await?;
    assert_eq!(amounts(&rows), amounts(&one_changed(1, 1)));
    Ok(())
}

/// What to do about it: each sync of the scope begins with a write to one row.
async fn row_of_the_scope(cluster: &Cluster) -> TestResult {
    cluster.create_table(project::Entity).await?;
    let row = project(1, "warehouse 1").into_active_model();
    project::Entity::insert(row).exec_without_returning(&cluster.nodes[0]).await?;
    with_models(cluster, one_changed(0, 0)).await?;
    for round in 1..=ROUNDS {
        let inputs = [0, 1, 2].map(|node| one_changed(node, round));
        let syncs = cluster.nodes.iter().zip(&inputs);
        let calls = syncs.enumerate().map(|(number, (node, input))| {
            let mark = format!("{round} {number}");
            bounded(async move {
                loop {
                    match sync_after_the_row(node, &mark, input).await {
                        Err(error) if is_lost_race(&error) => {}
                        outcome => return outcome,
                    }
                }
            })
        });
        try_join_all(calls).await?;
        let rows = amounts(&cluster.rows::<stock::Entity>(stock::Column::Code).await?);
        assert!(inputs.iter().any(|input| amounts(input) == rows), "round {round}: {rows:?}");
    }
    Ok(())
}

async fn sync_after_the_row(
    node: &DatabaseConnection,
    mark: &str,
    input: &[stock::Model],
) -> Result<(), SyncError> {
    let transaction = node.begin().await?;
    let update = project::Entity::update_many()
        .col_expr(project::Column::Domain, Expr::value(mark))
        .filter(project::Column::Id.eq(1));
    update.exec(&transaction).await?;
    sync(1, input.to_vec()).exec(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// Before its commit, and while it commits.
async fn killed_node(cluster: &Cluster) -> TestResult {
    with_models(cluster, generation(1, 1)).await?;
    killed_before_the_commit(cluster, 2).await?;
    for (round, node) in [(4, 1), (5, 2)] {
        killed_at_the_commit(cluster, node, round).await?;
    }
    Ok(())
}

async fn killed_before_the_commit(cluster: &Cluster, node: usize) -> TestResult {
    let process = &cluster.process(node).await?;
    let sync_there = sync(1, generation(1, 2))
        .on_change(async move |_: &SyncPlan<stock::Entity>, _: &DatabaseTransaction| kill(process));
    let outcome = tokio::time::timeout(BOUND, sync_there.exec(&cluster.nodes[node])).await?;
    assert!(outcome.is_err(), "{outcome:?}");
    let rows = cluster.rows_without::<stock::Entity>(stock::Column::Code, node).await?;
    assert_eq!(amounts(&rows), amounts(&generation(1, 1)));
    others_go_on(cluster, generation(1, 3)).await
}

async fn killed_at_the_commit(cluster: &Cluster, node: usize, round: i32) -> TestResult {
    let before = cluster.rows::<stock::Entity>(stock::Column::Code).await?;
    let after = generation(1, 3 * round);
    let process = &cluster.process(node).await?;
    let committing = &Notify::new();
    let sync_there = sync(1, after.clone()).on_change(
        async move |_: &SyncPlan<stock::Entity>, _: &DatabaseTransaction| {
            committing.notify_one();
            Ok::<_, Failure>(())
        },
    );
    let killing = async {
        committing.notified().await;
        kill(process)
    };
    let (outcome, ()) =
        bounded(try_join(async { Ok(sync_there.exec(&cluster.nodes[node]).await) }, killing))
            .await?;
    let rows = amounts(&cluster.rows_without::<stock::Entity>(stock::Column::Code, node).await?);
    if outcome.is_ok() {
        assert_eq!(rows, amounts(&after));
    } else {
        assert!(rows == amounts(&before) || rows == amounts(&after), "{rows:?}");
    }
    others_go_on(cluster, generation(1, 3 * round + 1)).await
}

/// A sync on the first node, which all have once they are whole again.
async fn others_go_on(cluster: &Cluster, input: Vec<stock::Model>) -> TestResult {
    bounded(sync(1, input.clone()).exec(&cluster.nodes[0])).await?;
    cluster.whole().await?;
    let rows = cluster.rows::<stock::Entity>(stock::Column::Code).await?;
    assert_eq!(amounts(&rows), amounts(&input));
    Ok(())
}

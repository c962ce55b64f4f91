//! A database that is away or busy: it is told, nothing is half-written, and
//! another try works.

use std::time::Duration;

use axum::http::{StatusCode, header};
use bulk_sync_tests::{
    database::TestDatabase,
    proxy::{Place, Proxy, Trouble},
    suite::{Db, Test, TestResult},
    tests,
};
use import_service::{Config, entity::employee, schema};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr, TransactionTrait,
    entity::prelude::*, sea_query::Expr,
};

use crate::client::{Client, file};

pub const TESTS: [Test; 4] = tests![
    pages_and_machines_are_told_that_the_database_is_away,
    a_file_is_kept_while_the_database_is_away,
    progress_is_shown_while_the_comparison_waits,
    progress_is_shown_while_the_change_waits,
];

pub const OF_SERVERS: [Test; 1] =
    tests![a_connection_that_is_cut_anywhere_leaves_nothing_half_written];

/// How long a request waits for the one connection: too long for a machine that is
/// only busy to be taken for one whose database is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// A pool of one connection, which a test can take away.
async fn narrow_pool(url: &str, patience: Duration) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).acquire_timeout(patience).sqlx_logging(false);
    Database::connect(options).await
}

async fn narrow_client(
    db: &TestDatabase,
    patience: Duration,
) -> Result<Client, crate::client::Error> {
    schema::prepare(&db.pool).await?;
    Client::on(narrow_pool(&db.url, patience).await?, Config::default()).await
}

async fn pages_and_machines_are_told_that_the_database_is_away(db: Db) -> TestResult {
    let client = narrow_client(&db, PATIENCE).await?;
    let only_connection = client.db.begin().await?;
    let page = client.get("/").await?;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.headers.contains_key(header::RETRY_AFTER));
    page.contains("the database cannot be reached")?;
    let reply = client.post_csv("", file(&["A1 Ann"])).await?;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(reply.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(reply.json()?["error"], "unavailable");

    only_connection.rollback().await?;
    assert_eq!(client.get("/").await?.status, StatusCode::OK);
    assert_eq!(client.post_csv("", file(&["A1 Ann"])).await?.status, StatusCode::OK);
    Ok(())
}

async fn a_file_is_kept_while_the_database_is_away(db: Db) -> TestResult {
    let client = narrow_client(&db, PATIENCE).await?;
    let token = client.token().await?;
    let only_connection = client.db.begin().await?;
    let path = client.send_file(&token, file(&["A1 Ann"])).await?.location()?;
    let page = client.settled(&path).await?;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    page.contains("The file is kept.")?;
    only_connection.rollback().await?;

    client.press(&page, "retry").await?;
    let plan = client.settled(&path).await?;
    assert_eq!(plan.counts()?, ["1", "0", "0", "0"]);

    let only_connection = client.db.begin().await?;
    let page = client.apply(&plan).await?;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    only_connection.rollback().await?;
    assert_eq!(client.employees().await?, [""; 0]);
    client.press(&page, "retry").await?;
    client.apply(&client.settled(&path).await?).await?.contains("1 row created")?;
    assert_eq!(client.imports().await?.len(), 1);
    Ok(())
}

async fn progress_is_shown_while_the_comparison_waits(db: Db) -> TestResult {
    let client = narrow_client(&db, Duration::from_mins(1)).await?;
    let token = client.token().await?;
    let only_connection = client.db.begin().await?;
    let path = client.send_file(&token, file(&["A1 Ann", "B2 Bob"])).await?.location()?;
    wait_for(&client, &path, "Comparing 2 employees with the table").await?;
    only_connection.rollback().await?;
    client.settled(&path).await?.contains("/apply\"")
}

async fn progress_is_shown_while_the_change_waits(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file(&["A1 Ann"])).await?;
    let plan = client.plan(file(&["A1 Anna"])).await?;
    let writer = db.pool.begin().await?;
    employee::Entity::update_many()
        .col_expr(employee::Column::Department, Expr::value("Fleet"))
        .filter(employee::Column::CompanyId.eq(client.company))
        .exec(&writer)
        .await?;
    let path = client.press(&plan, "apply").await?.location()?;
    // where the change waits for the writer
    let waits = match db.backend() {
        DbBackend::Sqlite => "Changing employees: 0 of 1",
        DbBackend::Postgres => "Looking once more at rows that differ: 0 of 1",
        _ => "Writing 1 change",
    };
    wait_for(&client, &path, waits).await?;
    writer.rollback().await?;
    client.settled(&path).await?.contains("1 row changed")
}

/// Loads the page, as a browser does, until it tells this.
async fn wait_for(client: &Client, path: &str, progress: &str) -> TestResult {
    loop {
        let page = client.get(path).await?;
        // a page that does not load itself again would be waited for in vain
        page.contains("http-equiv=\"refresh\"")?;
        page.contains("<progress")?;
        if page.text.contains(progress) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Cuts the connection at each request in turn, until one is not reached.
async fn a_connection_that_is_cut_anywhere_leaves_nothing_half_written(db: Db) -> TestResult {
    schema::prepare(&db.pool).await?;
    let (old, new) = (file(&["A1 Ann", "B2 Bob"]), file(&["A1 Anna", "B2 Bob", "C3 Cid"]));
    let (before, after) = (["A1 Ann", "B2 Bob"], ["A1 Anna", "B2 Bob", "C3 Cid"]);
    let mut cuts = 0;
    for request in 0.. {
        let proxy = Proxy::start(&db.url).await?;
        let pool = narrow_pool(proxy.url(), Duration::from_secs(10)).await?;
        let client = Client::on(pool, Config::default()).await?;
        client.import(&old).await?;
        let plan = client.plan(&new).await?;

        proxy.fault(Place::Before(request), Trouble::Cut);
        let page = client.apply(&plan).await?;
        if !proxy.has_struck() {
            page.contains("1 row created, 1 row changed")?;
            break;
        }
        // the pool may see that a connection is gone, and take another one
        if page.status == StatusCode::OK {
            assert_eq!(client.employees().await?, after);
        } else {
            cuts += 1;
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{request}: {}", page.text);
            assert_eq!(client.employees().await?, before, "{request}");
            assert_eq!(client.imports().await?.len(), 1);
            let path = client.press(&page, "retry").await?.location()?;
            client.apply(&client.settled(&path).await?).await?.contains("1 row created")?;
            assert_eq!(client.employees().await?, after);
        }
        assert_eq!(client.imports().await?.len(), 2);
        client.db.close_by_ref().await?;
    }
    assert!(cuts > 3, "{cuts}");
    Ok(())
}

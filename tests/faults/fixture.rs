//! A sync of several batches of each kind, on a table of which it can be told
//! whether the sync happened.

use std::{
    fmt::Display,
    future::Future,
    ops::Range,
    time::{Duration, Instant},
};

use bulk_sync::{BulkSync, SyncError, prelude::*};
use bulk_sync_tests::{
    entity::employee::{self, imported},
    proxy::Proxy,
    suite::Db,
};
use sea_orm::{
    ActiveModelTrait, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    IntoActiveModel, QuerySelect, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
    entity::prelude::*,
    sea_query::{LockBehavior, LockType},
};

/// Why a test failed before it came to its point.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long a test waits for what others do.
pub const LONG: Duration = Duration::from_secs(30);

/// A safety net around what has to come to an end, however busy the machine is.
const NET: Duration = Duration::from_secs(120);

/// Rows a statement: several statements of each kind.
const BATCH: usize = 3;

/// The rows that a sync of [`after`] deletes, updates, creates, and leaves alone.
const OF_A_KIND: u32 = 8;

/// Reading, three batches of each kind, and counting.
pub const STATEMENTS: usize = 11;

/// What the table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Table {
    /// What it held before the sync.
    Before,
    /// What the sync makes of it.
    After,
    /// Something else.
    Between(Vec<String>),
}

/// A pool whose connections go through a proxy.
pub struct Link {
    pub proxy: Proxy,
    pub pool: DatabaseConnection,
}

impl Link {
    /// Of so many connections at most; one is open.
    pub async fn new(db: &Db, connections: u32) -> Result<Self, Failure> {
        let proxy = Proxy::start(&db.url).await?;
        let pool = connect(proxy.url(), connections).await?;
        Ok(Self { proxy, pool })
    }
}

/// A pool that gives up on a connection in bounded time.
pub async fn connect(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).acquire_timeout(LONG / 3).sqlx_logging(false);
    Database::connect(options).await
}

/// What comes of a call that has to end.
pub async fn bounded<T>(call: impl Future<Output = T>) -> Result<T, Failure> {
    let ended = tokio::time::timeout(NET, call).await;
    ended.map_err(|_| "the call does not come to an end".into())
}

/// Employees with these numbers, as they are before the sync.
pub fn employees(numbers: Range<u32>) -> Vec<employee::Model> {
    numbers.map(|n| imported(&format!("E{n}"), &format!("Name {n}"))).collect()
}

fn before() -> Vec<employee::Model> {
    let outsider = employee::Model { company_id: 502, ..imported("E0", "Outsider") };
    employees(0..3 * OF_A_KIND).into_iter().chain([outsider]).collect()
}

fn after() -> Vec<employee::Model> {
    let model = |n: u32| {
        let text = if n < 2 * OF_A_KIND { "Renamed" } else { "Name" };
        imported(&format!("E{n}"), &format!("{text} {n}"))
    };
    (OF_A_KIND..4 * OF_A_KIND).map(model).collect()
}

/// The sync from before to after.
pub fn sync() -> BulkSync<employee::Entity> {
    employee::Entity::bulk_sync(after(), employee::Column::CompanyId.eq(501), BATCH)
}

/// The employees as they are before the sync.
pub async fn with_employees(db: &Db) -> Result<(), Failure> {
    db.create_table(employee::Entity).await?;
    let unique = "CREATE UNIQUE INDEX employee_key ON employee (company_id, external_id)";
    // MySQL cannot index text of any length
    let shorter = "ALTER TABLE employee MODIFY external_id VARCHAR(40) NOT NULL";
    if db.backend() == DbBackend::MySql {
        db.pool.execute_unprepared(shorter).await?;
    }
    db.pool.execute_unprepared(unique).await?;
    restore(db).await
}

/// The table is as it was before the sync again.
pub async fn restore(db: &Db) -> Result<(), Failure> {
    Ok(bounded(insert_all(db)).await??)
}

async fn insert_all(db: &Db) -> Result<(), DbErr> {
    let transaction = db.pool.begin().await?;
    employee::Entity::delete_many().exec(&transaction).await?;
    let rows = before().into_iter().map(|row| {
        let mut row = row.into_active_model().reset_all();
        row.not_set(employee::Column::Id);
        row
    });
    employee::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
    transaction.commit().await
}

/// What is committed.
pub async fn table(db: &Db) -> Result<Table, DbErr> {
    let rows = text(employee::Entity::find().all(&db.pool).await?);
    let outsider = before().into_iter().filter(|row| row.company_id == 502);
    Ok(if rows == text(before()) {
        Table::Before
    } else if rows == text(after().into_iter().chain(outsider).collect()) {
        Table::After
    } else {
        Table::Between(rows)
    })
}

fn text(rows: Vec<employee::Model>) -> Vec<String> {
    let text =
        |row: employee::Model| format!("{} {} {}", row.company_id, row.external_id, row.name);
    let mut rows: Vec<_> = rows.into_iter().map(text).collect();
    rows.sort();
    rows
}

/// Syncs on the pool, which must succeed and end up after.
pub async fn works(db: &Db, pool: &DatabaseConnection) -> Result<(), Failure> {
    bounded(sync().exec(pool)).await??;
    match table(db).await? {
        Table::After => Ok(()),
        other => Err(format!("after a sync that succeeded: {other:?}").into()),
    }
}

/// An error with the text unless something holds. Unlike a panic it lets a test
/// clean up.
pub fn ensure(holds: bool, text: impl Display) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(text.to_string().into()) }
}

/// The messages of an error and its causes.
pub fn chain(error: &SyncError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// Waits until no transaction is open on the connections of the pool, which has
/// one, and no row is locked.
pub async fn settled(db: &Db, pool: &DatabaseConnection) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        match open_transactions(db, pool).await? {
            0 => return unlocked(db).await,
            open if begun.elapsed() > LEFT_OPEN => {
                return Err(format!("{open} transactions are open").into());
            }
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Waits until no row is locked.
pub async fn unlocked(db: &Db) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        match lock_all(db).await {
            Ok(()) => return Ok(()),
            Err(error) if begun.elapsed() > LEFT_OPEN => {
                return Err(format!("rows are locked: {error}").into());
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// A safety net around what a server is told to end.
const LEFT_OPEN: Duration = Duration::from_secs(5);

async fn open_transactions(db: &Db, pool: &DatabaseConnection) -> Result<i64, Failure> {
    let (db, sql) = match db.backend() {
        DbBackend::Postgres => (
            &db.pool,
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND xact_start IS NOT NULL",
        ),
        // innodb_trx does not know of a transaction that has touched nothing
        DbBackend::MySql => (pool, "SELECT CAST(@@in_transaction AS SIGNED)"),
        _ => return Ok(0),
    };
    let row = bounded(db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)));
    Ok(row.await??.ok_or("no count")?.try_get_by_index(0)?)
}

/// Locks all rows, and lets them go.
async fn lock_all(db: &Db) -> Result<(), DbErr> {
    let transaction = begin_writing(&db.pool).await?;
    let mut rows = employee::Entity::find();
    let select = QuerySelect::query(&mut rows);
    select.lock_with_behavior(LockType::Update, LockBehavior::Nowait);
    rows.all(&transaction).await?;
    transaction.rollback().await
}

/// A transaction that on SQLite locks the database from the beginning.
pub async fn begin_writing(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
    db.begin_with_options(TransactionOptions { sqlite_transaction_mode, ..Default::default() })
        .await
}

/// What is written on the pool outside of a transaction is seen by others.
pub async fn commits(db: &Db, pool: &DatabaseConnection) -> Result<(), Failure> {
    bounded(set_outsiders_phone(pool, Some("555"))).await??;
    let phone = outsiders_phone(&db.pool).await?;
    bounded(set_outsiders_phone(pool, None)).await??;
    match phone {
        Some(_) => Ok(()),
        None => Err("what the pool writes is not committed".into()),
    }
}

/// Writes to a row that no sync is about.
pub async fn set_outsiders_phone(
    db: &impl ConnectionTrait,
    phone: Option<&str>,
) -> Result<(), DbErr> {
    employee::Entity::update_many()
        .filter(employee::Column::CompanyId.eq(502))
        .col_expr(employee::Column::Phone, Expr::val(phone.map(str::to_owned)))
        .exec(db)
        .await?;
    Ok(())
}

/// What is in that row.
pub async fn outsiders_phone(db: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
    let select = employee::Entity::find().filter(employee::Column::CompanyId.eq(502));
    Ok(select.one(db).await?.and_then(|row| row.phone))
}

//! A table of many tenants, each of which is a scope and a transaction of its
//! own: some are synced at a time, and what is wrong with the input of one does
//! not touch the others.
//!
//! ```text
//! cargo run --example partitioned
//! DATABASE_URL=postgres://postgres@127.0.0.1/mine cargo run --example partitioned
//! ```
//!
//! The database is SQLite in memory unless `DATABASE_URL` names another; the
//! table `product` in it is replaced. The tenant is a column of the primary key
//! and of every condition, as databases want it that keep the rows of a tenant
//! together on one of many machines: see `docs/clusters.md`.

use std::{error::Error, fmt};

use bulk_sync::{BulkSync, Phase, Progress, SyncResult, prelude::*};
use futures_util::{StreamExt, stream};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Schema,
    entity::prelude::*, sea_query::Table,
};

mod product {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "product")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        #[sync(key)]
        pub tenant: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        #[sync(key)]
        pub sku: i32,
        pub title: String,
        pub cents: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

const TENANTS: i32 = 200;

/// Products of a tenant.
const PRODUCTS: i32 = 50;

/// The tenant whose export of Tuesday ends in the middle.
const BROKEN: i32 = 42;

/// Transactions at a time.
const AT_A_TIME: usize = 8;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = connect().await?;
    replace_table(&db).await?;

    println!("Monday:");
    let summary = sync_all(&db, monday).await;
    print!("{summary}");
    assert!(summary.failed.is_empty());

    println!("Tuesday, with an export that was cut short:");
    let summary = sync_all(&db, tuesday).await;
    print!("{summary}");
    let failed: Vec<i32> = summary.failed.iter().map(|(tenant, _)| *tenant).collect();
    assert_eq!(failed, [BROKEN]);

    for tenant in 1..=TENANTS {
        let products = if tenant == BROKEN { monday(tenant) } else { tuesday(tenant) };
        assert!(sync(tenant, products).check(&db).await?, "the products of tenant {tenant}");
    }
    Ok(())
}

/// Makes the products of one tenant those of its export. One that has lost more
/// than half of the products is not believed.
fn sync(tenant: i32, products: Vec<product::Model>) -> BulkSync<product::Entity> {
    product::Entity::bulk_sync(products, product::Column::Tenant.eq(tenant), None)
        .max_delete_share(0.5)
}

/// Syncs all tenants, a few at a time, whatever becomes of the others.
async fn sync_all(db: &DatabaseConnection, export: fn(i32) -> Vec<product::Model>) -> Summary {
    let bars = &Bars::begin();
    let syncs = (1..=TENANTS).map(|tenant| async move {
        let sync = sync(tenant, export(tenant)).on_progress(bars.rows());
        (tenant, sync.exec(db).await)
    });
    let mut outcomes = stream::iter(syncs).buffer_unordered(AT_A_TIME);
    let mut summary = Summary::default();
    while let Some((tenant, outcome)) = outcomes.next().await {
        match outcome {
            Ok(result) => summary.add(&result),
            Err(error) => summary.failed.push((tenant, error)),
        }
        bars.step();
    }
    summary
}

/// Bars on a terminal, and lines elsewhere: the tenants, and the rows that are
/// written for them.
struct Bars {
    all: MultiProgress,
    tenants: ProgressBar,
    rows: ProgressBar,
}

impl Bars {
    fn begin() -> Self {
        let all = MultiProgress::new();
        let tenants = all.add(ProgressBar::new(TENANTS.unsigned_abs().into()));
        let rows = all.add(ProgressBar::no_length());
        let style = ProgressStyle::with_template("{pos} rows written");
        Self { all, tenants, rows: rows.with_style(style.unwrap_or(ProgressStyle::default_bar())) }
    }

    /// Counts the rows of each phase of a call that has written them all.
    fn rows(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let rows = self.rows.clone();
        move |progress| {
            let is_written =
                matches!(progress.phase, Phase::Creating | Phase::Updating | Phase::Deleting);
            if is_written && progress.expected == Some(progress.done) {
                rows.inc(progress.done);
            }
        }
    }

    fn step(&self) {
        self.tenants.inc(1);
        let done = self.tenants.position();
        if self.tenants.is_hidden() && done.is_multiple_of(50) {
            println!("  {done} of {TENANTS} tenants");
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        // what cannot be cleared stays on the terminal
        let _ = self.all.clear();
    }
}

/// What became of all tenants.
#[derive(Default)]
struct Summary {
    done: usize,
    created: u64,
    updated: u64,
    deleted: u64,
    unchanged: u64,
    failed: Vec<(i32, SyncError)>,
}

impl Summary {
    fn add(&mut self, result: &SyncResult) {
        self.done += 1;
        self.created += result.created;
        self.updated += result.updated;
        self.deleted += result.deleted;
        self.unchanged += result.unchanged;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, created, updated, deleted, unchanged, failed } = self;
        writeln!(
            f,
            "  {done} tenants: {created} created, {updated} updated, {deleted} deleted, \
             {unchanged} unchanged"
        )?;
        for (tenant, error) in failed {
            writeln!(f, "  tenant {tenant} is as it was: {error}")?;
        }
        Ok(())
    }
}

async fn connect() -> Result<DatabaseConnection, DbErr> {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".into());
    let mut options = ConnectOptions::new(&url);
    // each connection to SQLite in memory would have a database of its own
    options.max_connections(if url.contains(":memory:") { 1 } else { 8 }).sqlx_logging(false);
    Database::connect(options).await
}

async fn replace_table(db: &DatabaseConnection) -> Result<(), DbErr> {
    db.execute(Table::drop().table(product::Entity).if_exists()).await?;
    let table = Schema::new(db.get_database_backend()).create_table_from_entity(product::Entity);
    db.execute(&table).await?;
    Ok(())
}

fn monday(tenant: i32) -> Vec<product::Model> {
    (1..=PRODUCTS).map(|sku| product(tenant, sku, 1_000)).collect()
}

/// One product is gone, one costs more, and one is new; of one tenant, most of
/// the file is missing.
fn tuesday(tenant: i32) -> Vec<product::Model> {
    let cents = |sku| if sku == 2 { 1_100 } else { 1_000 };
    let products = (2..=PRODUCTS + 1).map(|sku| product(tenant, sku, cents(sku)));
    products.take(if tenant == BROKEN { 12 } else { usize::MAX }).collect()
}

fn product(tenant: i32, sku: i32, cents: i64) -> product::Model {
    product::Model { tenant, sku, title: format!("Product {sku}"), cents }
}

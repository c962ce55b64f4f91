//! How much memory a sync adds to that of its models. Alone in its process,
//! as the allocator counts for all of it.

use std::process::ExitCode;

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::employee::{self, imported},
    suite::{self, Db, Test, TestResult},
    tests,
};
use peak_alloc::PeakAlloc;
use sea_orm::entity::prelude::*;
use tokio::sync::Mutex;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// One test at a time.
static TURN: Mutex<()> = Mutex::const_new(());

const TESTS: [Test; 1] = tests![unchanged_rows_take_at_most_64_bytes_a_model];

const MODELS: usize = 30_000;

fn main() -> ExitCode {
    suite::run(&[("memory", &TESTS)])
}

async fn unchanged_rows_take_at_most_64_bytes_a_model(db: Db) -> TestResult {
    let turn = TURN.lock().await;
    db.create_table(employee::Entity).await?;
    let models: Vec<_> =
        (0..MODELS).map(|n| imported(&format!("E{n}"), &format!("Employee {n}"))).collect();
    let scope = || employee::Column::CompanyId.eq(501);
    employee::Entity::bulk_sync(models.clone(), scope(), None).exec(&db.pool).await?;
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = employee::Entity::bulk_sync(models, scope(), None).exec(&db.pool).await?;
    let added = ALLOCATOR.peak_usage() - before;
    drop(turn);
    assert_eq!(result.unchanged, MODELS as u64);
    assert!(added <= 64 * MODELS, "{} bytes a model", added / MODELS);
    Ok(())
}

//! Runs random cases on a database, and shrinks the one that fails.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    env,
    hash::{BuildHasher, RandomState},
    time::Instant,
};

use bulk_sync_tests::{
    database::{Server, TestDatabase},
    oracle::Fault,
};
use libtest_mimic::Failed;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr};
use tokio::runtime::{Builder, Runtime};

use crate::{
    agreement::{Ending, agree},
    case::cases,
    region,
    subject::Subject,
};

/// A property on a backend.
pub type Run = fn(Server) -> Result<(), Failed>;

/// How often a failing case is tried smaller.
const SHRINKS: u32 = 3_000;

/// How many cases are enough for each ending to be seen.
const TELLING: u32 = 4_000;

/// The syncs of an entity agree with the oracle.
pub fn run<E: Subject>(server: Server) -> Result<(), Failed> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let database = runtime.block_on(TestDatabase::create(server))?;
    let outcome = run_on::<E>(&runtime, &database);
    runtime.block_on(database.close())?;
    outcome
}

fn run_on<E: Subject>(runtime: &Runtime, database: &TestDatabase) -> Result<(), Failed> {
    let db = runtime.block_on(connect::<E>(database))?;
    let (cases_to_run, seed) = (number_of_cases(database.backend())?, seed()?);
    let config = Config {
        cases: cases_to_run,
        max_shrink_iters: SHRINKS,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, rng(seed));
    let layout = E::layout();
    let endings = RefCell::new(BTreeMap::<String, u32>::new());
    let started = Instant::now();
    let outcome = runner.run(&cases(&layout), |case| {
        match runtime.block_on(agree::<E>(&db, &layout, &case)) {
            Ok(ending) => {
                *endings.borrow_mut().entry(name(ending)).or_default() += 1;
                Ok(())
            }
            Err(disagreement) => Err(TestCaseError::fail(disagreement.to_string())),
        }
    });
    runtime.block_on(db.close())?;
    let endings = endings.into_inner();
    eprintln!("{cases_to_run} cases in {:.1?}: {endings:?}", started.elapsed());
    match outcome {
        Ok(()) => all_seen(&endings, cases_to_run),
        Err(TestError::Fail(reason, case)) => Err(format!(
            "expected {reason}\n{case:?}\nrun again with BULK_SYNC_PROPERTY_SEED={seed}"
        )
        .into()),
        Err(TestError::Abort(reason)) => Err(format!("stopped: {reason}").into()),
    }
}

/// One connection: a case is a matter of many small statements.
async fn connect<E: Subject>(database: &TestDatabase) -> Result<DatabaseConnection, DbErr> {
    let url = match database.backend() {
        DbBackend::Sqlite => "sqlite::memory:".to_owned(),
        // closing a statement to make room for another one costs 40 ms on a
        // connection without TCP_NODELAY
        DbBackend::MySql => format!("{}?statement-cache-capacity=10000", database.url),
        _ => database.url.clone(),
    };
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    let schema = sea_orm::Schema::new(database.backend());
    for table in [
        schema.create_table_from_entity(region::Entity),
        schema.create_table_from_entity(E::default()),
    ] {
        sea_orm::ConnectionTrait::execute(&db, &table).await?;
    }
    region::fill(&db).await?;
    Ok(db)
}

fn number_of_cases(backend: DbBackend) -> Result<u32, Failed> {
    let usual = if backend == DbBackend::Sqlite { 4_000 } else { 1_000 };
    variable("BULK_SYNC_PROPERTY_CASES").map(|cases| cases.unwrap_or(usual))
}

fn seed() -> Result<u64, Failed> {
    let random = || RandomState::new().hash_one(Instant::now());
    variable("BULK_SYNC_PROPERTY_SEED").map(|seed| seed.unwrap_or_else(random))
}

fn variable<T: std::str::FromStr>(name: &str) -> Result<Option<T>, Failed> {
    let Ok(text) = env::var(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(format!("{name} is {text:?}, which is not a number").into()),
    }
}

fn rng(seed: u64) -> TestRng {
    TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4))
}

fn name(ending: Ending) -> String {
    match ending {
        Ok(true) => "done".into(),
        Ok(false) => "nothing to do".into(),
        Err(fault) => format!("{fault:?}"),
    }
}

/// A property that never meets an ending says nothing about it.
fn all_seen(endings: &BTreeMap<String, u32>, cases: u32) -> Result<(), Failed> {
    let all = [
        Ok(true),
        Ok(false),
        Err(Fault::InvalidInput),
        Err(Fault::DuplicateRows),
        Err(Fault::EmptyInput),
        Err(Fault::TooManyDeletes),
        Err(Fault::TooManyUpdates),
        Err(Fault::OutOfScope),
        Err(Fault::Constraint),
        Err(Fault::Statement),
    ];
    let unseen: Vec<_> =
        all.map(name).into_iter().filter(|name| !endings.contains_key(name)).collect();
    if cases < TELLING || unseen.is_empty() {
        return Ok(());
    }
    Err(format!("no case ended with {}", unseen.join(", ")).into())
}

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
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr};
use tokio::runtime::{Builder, Runtime};

use crate::{
    agreement::{Disagreement, Ending, agree},
    case::{Case, cases},
    region,
    subject::{Fixed, Layout, Subject},
};

/// A property on a backend.
pub type Run = fn(Server) -> Result<(), Failed>;

/// How often a failing case is tried smaller.
const SHRINKS: u32 = 3_000;

/// How many cases are enough for each ending to be seen.
const TELLING: u32 = 4_000;

/// The syncs of an entity agree with the oracle.
pub fn run<E: Fixed>(server: Server) -> Result<(), Failed> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let database = runtime.block_on(TestDatabase::create(server))?;
    let outcome = run_on::<E>(&runtime, &database);
    runtime.block_on(database.close())?;
    outcome
}

fn run_on<E: Fixed>(runtime: &Runtime, database: &TestDatabase) -> Result<(), Failed> {
    let usual = if database.backend() == DbBackend::Sqlite { 4_000 } else { 1_000 };
    let settings = Settings::of_call(usual, 1)?;
    let db = runtime.block_on(connect::<E>(database))?;
    let layout = E::layout();
    let mut tally = Tally::default();
    let agree = |case: &_| runtime.block_on(agree::<E>(&db, &layout, case));
    let outcome = settings.check(&layout, &mut tally, agree);
    runtime.block_on(db.close())?;
    outcome?;
    tally.finish(if settings.cases < TELLING { &[] } else { &ENDINGS })
}

async fn connect<E: Subject>(database: &TestDatabase) -> Result<DatabaseConnection, DbErr> {
    let db = open(database).await?;
    let schema = sea_orm::Schema::new(database.backend());
    db.execute(&schema.create_table_from_entity(E::default())).await?;
    Ok(db)
}

/// One connection: a case is a matter of many small statements.
pub async fn open(database: &TestDatabase) -> Result<DatabaseConnection, DbErr> {
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
    region::create(&db).await?;
    Ok(db)
}

/// How many cases are run, and which.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    cases: u32,
    seed: u64,
    turn: u64,
}

impl Settings {
    /// What the variables say, or as many cases as usual, of any seed. The test takes one
    /// of so many of the cases that the variable says.
    pub fn of_call(usual: u32, one_of: u32) -> Result<Self, Failed> {
        let random = || RandomState::new().hash_one(Instant::now());
        let said: Option<u32> = variable("BULK_SYNC_PROPERTY_CASES")?;
        let cases = said.map_or(usual, |cases| cases.div_ceil(one_of));
        let seed = variable("BULK_SYNC_PROPERTY_SEED")?.unwrap_or_else(random);
        Ok(Self { cases, seed, turn: 0 })
    }

    /// A share of the cases, others in each turn.
    pub fn turn(self, turn: u64, turns: u32) -> Self {
        Self { cases: self.cases.div_ceil(turns), turn, ..self }
    }

    /// The source of the cases.
    pub fn runner(&self) -> TestRunner {
        let config = Config {
            cases: self.cases,
            max_shrink_iters: SHRINKS,
            failure_persistence: None,
            ..Config::default()
        };
        let seed = self.seed.wrapping_add(self.turn).to_le_bytes().repeat(4);
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
    }

    /// Checks that the library and the oracle agree on the cases of a table.
    pub fn check(
        &self,
        layout: &Layout,
        tally: &mut Tally,
        agree: impl Fn(&Case) -> Result<Ending, Disagreement>,
    ) -> Result<(), Failed> {
        let tally = RefCell::new(tally);
        let outcome = self.runner().run(&cases(layout), |case| {
            let ending = agree(&case).map_err(|reason| TestCaseError::fail(reason.to_string()))?;
            tally.borrow_mut().add(ending);
            Ok(())
        });
        outcome.map_err(|error| match error {
            TestError::Fail(reason, case) => format!(
                "expected {reason}\n{}\n{case:?}\nrun again with BULK_SYNC_PROPERTY_SEED={}",
                layout.about, self.seed
            )
            .into(),
            TestError::Abort(reason) => format!("stopped: {reason}").into(),
        })
    }
}

/// How the cases ended.
#[derive(Debug)]
pub struct Tally {
    endings: BTreeMap<String, u32>,
    started: Instant,
}

impl Default for Tally {
    fn default() -> Self {
        Self { endings: BTreeMap::new(), started: Instant::now() }
    }
}

impl Tally {
    fn add(&mut self, ending: Ending) {
        *self.endings.entry(name(ending)).or_default() += 1;
    }

    /// Prints the endings. A property that never meets one of those that are
    /// expected says nothing about it.
    pub fn finish(self, expected: &[Ending]) -> Result<(), Failed> {
        let cases: u32 = self.endings.values().sum();
        eprintln!("{cases} cases in {:.1?}: {:?}", self.started.elapsed(), self.endings);
        let names = expected.iter().copied().map(name);
        let unseen: Vec<_> = names.filter(|name| !self.endings.contains_key(name)).collect();
        if unseen.is_empty() {
            return Ok(());
        }
        Err(format!("no case ended with {}", unseen.join(", ")).into())
    }
}

/// Every ending.
const ENDINGS: [Ending; 10] = [
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

fn variable<T: std::str::FromStr>(name: &str) -> Result<Option<T>, Failed> {
    let Ok(text) = env::var(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(format!("{name} is {text:?}, which is not a number").into()),
    }
}

fn name(ending: Ending) -> String {
    match ending {
        Ok(true) => "done".into(),
        Ok(false) => "nothing to do".into(),
        Err(fault) => format!("{fault:?}"),
    }
}

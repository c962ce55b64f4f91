//! Runs each test on each backend.

use std::{future::Future, pin::Pin, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::database::{SERVERS, Server, TestDatabase, remove_empty};

/// What a test gets.
pub type Db = Arc<TestDatabase>;

/// What a test gives: any error fails it.
pub type TestResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Tests that run at once, unless the command line says otherwise: most wait for a lock
/// or for a moment, and each takes up to eight connections of the hundred of a server.
const AT_ONCE: usize = 6;

/// A test, as [`tests!`](crate::tests) lists it.
#[derive(Clone, Copy)]
pub struct Test {
    /// The name of the function.
    pub name: &'static str,
    /// Starts it.
    pub run: fn(Db) -> Pin<Box<dyn Future<Output = TestResult> + Send>>,
}

/// Lists asynchronous functions from [`Db`] to [`TestResult`] as tests.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        [$($crate::suite::Test {
            name: stringify!($name),
            run: |db| Box::pin($name(db)),
        }),*]
    };
}

/// Runs tests, grouped by the module that they are from, on every backend.
/// Where a server is not configured its tests are listed as ignored.
pub fn run(modules: &[(&'static str, &[Test])]) -> ExitCode {
    let modules: Vec<_> =
        modules.iter().map(|(name, tests)| (*name, &SERVERS[..], *tests)).collect();
    run_on(&modules)
}

/// As [`run`], each module on the backends that have what it is about.
pub fn run_on(modules: &[(&'static str, &[Server], &[Test])]) -> ExitCode {
    let mut trials = Vec::new();
    for server in SERVERS {
        for (module, servers, tests) in modules {
            for &test in tests.iter().filter(|_| servers.contains(&server)) {
                let name = format!("{}::{module}::{}", server.name, test.name);
                let trial = Trial::test(name, move || run_one(server, test));
                trials.push(trial.with_ignored_flag(!server.is_configured()));
            }
        }
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    run_trials(&arguments, trials)
}

/// Runs tests, and removes the databases that they leave to each other.
pub fn run_trials(arguments: &Arguments, trials: Vec<Trial>) -> ExitCode {
    let conclusion = libtest_mimic::run(arguments, trials);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map(|runtime| runtime.block_on(remove_empty())) {
        Ok(Ok(())) => {}
        failed => eprintln!("the databases of the tests were not removed: {failed:?}"),
    }
    conclusion.exit_code()
}

/// Runs a test in a database of its own, which goes away whatever the test does.
fn run_one(server: Server, test: Test) -> Result<(), Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let db = Arc::new(TestDatabase::create(server).await?);
        let outcome = tokio::spawn((test.run)(Arc::clone(&db))).await;
        let db = Arc::into_inner(db).ok_or("the test left a task behind")?;
        let closed = db.close().await;
        // with Debug, which has the cause too
        outcome.map_err(message)?.map_err(|error| format!("{error}: {error:?}"))?;
        Ok(closed?)
    })
}

/// What a test that panicked said.
fn message(error: tokio::task::JoinError) -> String {
    let panic = match error.try_into_panic() {
        Ok(panic) => panic,
        Err(error) => return error.to_string(),
    };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast_ref::<&str>().map_or("panicked".to_owned(), |text| (*text).to_owned())
        }
    }
}

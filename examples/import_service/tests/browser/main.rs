//! The pages in a real browser without JavaScript: headless Chromium, steered
//! through `chromedriver`. Where there is none the tests are listed as ignored,
//! unless `BULK_SYNC_BROWSER` is `required`.

use std::{pin::Pin, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};

mod fitness;
mod site;
mod story;

use site::Site;

type TestResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;
type Running = Pin<Box<dyn Future<Output = TestResult>>>;

/// A test by its name.
struct Test {
    name: &'static str,
    run: fn(Arc<Site>) -> Running,
}

macro_rules! tests {
    ($($module:ident::$name:ident),* $(,)?) => {
        [$(Test {
            name: concat!(stringify!($module), "::", stringify!($name)),
            run: |site| Box::pin(async move { $module::$name(&site).await }),
        }),*]
    };
}

const TESTS: [Test; 11] = tests![
    story::a_file_is_uploaded_its_diff_is_read_and_it_is_applied,
    story::a_stale_plan_is_told_and_the_new_one_can_be_applied,
    story::a_truncated_file_is_stopped_by_a_guard,
    story::the_lines_of_a_bad_file_are_listed,
    story::a_file_that_is_too_large_gets_a_page,
    story::progress_is_shown_until_the_work_is_done,
    story::html_in_data_does_not_become_part_of_the_page,
    fitness::scripts_do_not_run_in_these_tests,
    fitness::the_keyboard_is_enough,
    fitness::pages_are_labelled_and_have_contrast,
    fitness::nothing_is_wider_than_a_phone,
];

fn main() -> ExitCode {
    let is_required = std::env::var("BULK_SYNC_BROWSER").is_ok_and(|value| value == "required");
    let can_run = is_required || site::has_chromedriver();
    let trials = TESTS.map(|test| {
        let trial = Trial::test(test.name, move || run(test.run));
        trial.with_ignored_flag(!can_run)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// Runs a test at a site of its own, which goes away whatever the test does.
fn run(test: fn(Arc<Site>) -> Running) -> Result<(), Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let site = Arc::new(Site::open().await.map_err(|error| error.to_string())?);
        let outcome = tokio::task::spawn_local(test(Arc::clone(&site))).await;
        let page = site.browser.source().await.unwrap_or_default();
        let site = Arc::into_inner(site).ok_or("the test left a task behind")?;
        site.close().await.map_err(|error| error.to_string())?;
        let outcome = outcome.map_err(|error| format!("{error}, at {page}"))?;
        outcome.map_err(|error| format!("{error}, at {page}").into())
    })
}

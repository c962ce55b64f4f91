//! Random tables, scopes, models and options on every backend, against the
//! oracle of the test library.
//!
//! Three tables are fixed. The columns of the others are drawn from the table
//! of types that the hostile values are tested with: as values, as values that
//! can be NULL, as parts of the key, and some of them unique.
//!
//! - `BULK_SYNC_PROPERTY_CASES`: how many cases each test runs; those of drawn tables, of
//!   which there are many, a tenth.
//! - `BULK_SYNC_PROPERTY_SEED`: runs the cases of this seed again, as a failure
//!   prints it.

use std::process::ExitCode;

use bulk_sync_tests::{database::SERVERS, suite};
use libtest_mimic::{Arguments, Trial};

mod adversary;
mod agreement;
mod case;
mod column;
mod drawn;
mod item;
mod left_out;
mod mixed;
mod options;
mod place;
mod predicate;
mod refusal;
mod region;
mod runner;
mod sameness;
mod seat;
mod slot;
mod subject;
mod trial;

#[allow(dead_code, reason = "the hostile values use all of it")]
#[path = "../hostile/documents.rs"]
mod documents;
#[allow(dead_code, reason = "the hostile values use all of it")]
#[path = "../hostile/numbers.rs"]
mod numbers;
#[allow(dead_code, reason = "the hostile values use all of it")]
#[path = "../hostile/text.rs"]
mod text;
#[allow(dead_code, reason = "the hostile values use all of it")]
#[path = "../hostile/times.rs"]
mod times;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for server in SERVERS {
        let mut add = |name: &str, run: runner::Run| {
            let trial = Trial::test(format!("{}::{name}", server.name), move || run(server));
            trials.push(trial.with_ignored_flag(!server.is_configured()));
        };
        add("syncs_of_a_table_with_generated_keys_agree", runner::run::<item::Entity>);
        add("syncs_of_a_table_with_unique_values_agree", runner::run::<seat::Entity>);
        add("syncs_of_a_table_whose_primary_key_is_the_key_agree", runner::run::<place::Entity>);
        for group in mixed::GROUPS.iter().filter(|group| group.is_on(server.backend)) {
            add(&format!("syncs_of_drawn_tables_agree::{}", group.name), group.run);
        }
    }
    suite::run_trials(&Arguments::from_args(), trials)
}

//! The parts of a sync that need no database: the planner, and the building of
//! statements (against a mock, which answers at once but keeps what it is sent).
//!
//! `cargo bench --bench plan`

use std::collections::BTreeMap;

use bulk_sync::prelude::*;
use divan::{Bencher, counter::ItemsCount};
use sea_orm::{
    DatabaseConnection, DbBackend, MockDatabase, MockExecResult, Value, entity::prelude::*,
};

mod employee {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "employee")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sync(key)]
        pub number: i32,
        pub name: String,
        pub salary: Decimal,
        pub notes: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

type Failure = Box<dyn std::error::Error>;

const ROWS: i32 = 10_000;

/// One statement: the mock answers with the same count each time.
const BATCH: i32 = 1_000;

const BACKENDS: [DbBackend; 3] = [DbBackend::Sqlite, DbBackend::Postgres, DbBackend::MySql];

fn main() {
    divan::main();
}

/// Rows of which every `changed_each`th has another name.
fn employees(rows: i32, changed_each: Option<i32>) -> Vec<employee::Model> {
    let employee = |number: i32| {
        let is_changed = changed_each.is_some_and(|each| number % each == 0);
        employee::Model {
            id: i64::from(number) + 1,
            number,
            name: format!("employee {number}{}", if is_changed { " changed" } else { "" }),
            salary: Decimal::new(250_000 + i64::from(number), 2),
            notes: (number % 3 == 0).then(|| format!("a note on {number}")),
        }
    };
    (0..rows).map(employee).collect()
}

#[divan::bench(args = [None, Some(10), Some(1)])]
fn compare_with(bencher: Bencher, changed_each: Option<i32>) {
    let input = || (employees(ROWS, None), employees(ROWS, changed_each));
    bencher.counter(ItemsCount::new(ROWS.unsigned_abs())).with_inputs(input).bench_values(
        |(current, desired)| {
            employee::Entity::bulk_sync(desired, WholeTable, None).compare_with(current)
        },
    );
}

#[divan::bench(args = BACKENDS)]
fn build_inserts(bencher: Bencher, backend: DbBackend) {
    build(bencher, backend, &[]);
}

#[divan::bench(args = BACKENDS)]
fn build_updates(bencher: Bencher, backend: DbBackend) {
    build(bencher, backend, &employees(BATCH, Some(1)));
}

fn build(bencher: Bencher, backend: DbBackend, current: &[employee::Model]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    let input = || (employees(BATCH, None), mock(backend, current));
    bencher.counter(ItemsCount::new(BATCH.unsigned_abs())).with_inputs(input).bench_values(
        |(models, mock)| {
            let sync = employee::Entity::bulk_sync(models, WholeTable, None);
            // a panic ends the benchmark, an error would only make it fast
            let done: Result<_, Failure> = runtime.block_on(sync.exec(&mock)).map_err(Into::into);
            assert!(done.is_ok(), "{done:?}");
        },
    );
}

/// Answers the statements of a sync that writes one batch.
fn mock(backend: DbBackend, current: &[employee::Model]) -> DatabaseConnection {
    let first = || current.iter().take(1).cloned().collect::<Vec<_>>();
    let all = || current.to_vec();
    let catalog = Vec::new;
    let reading = match (backend, current.is_empty()) {
        (DbBackend::Postgres, true) => vec![all(), employees(1, None), all(), catalog()],
        (DbBackend::Postgres, false) => vec![all(), first(), all(), catalog(), all()],
        (DbBackend::MySql, true) => vec![all(), all(), all(), catalog()],
        (DbBackend::MySql, false) => {
            vec![all(), first(), first(), first(), all(), catalog(), all()]
        }
        _ => vec![all(), catalog()],
    };
    let count: BTreeMap<&str, Value> = [("count", i64::from(BATCH).into())].into();
    MockDatabase::new(backend)
        .append_query_results(reading)
        .append_query_results([[count]])
        .append_exec_results([MockExecResult {
            last_insert_id: 0,
            rows_affected: u64::from(BATCH.unsigned_abs()),
        }])
        .into_connection()
}

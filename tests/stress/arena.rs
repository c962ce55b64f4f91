//! Where syncs, writers and readers meet: a table with connections for each
//! of them.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use bulk_sync_tests::suite::{Db, TestResult};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, EntityTrait,
    Schema, sea_query::Index, sqlx::sqlite::SqliteJournalMode,
};
use tokio::task::JoinSet;

use crate::{
    entry::{self, Entity},
    history::{History, Snapshot},
    judgement::Judgement,
    random::{Random, rounds, seed},
    transience::is_transient,
};

/// A connection for each task, and more than the eight that are asked for.
const CONNECTIONS: u32 = 10;

/// Tasks that take snapshots.
const READERS: usize = 2;

/// When something hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// A setting of the database.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// How SQLite keeps its journal.
    journal: Option<SqliteJournalMode>,
    /// Whether a unique index forbids two rows with one key.
    unique: bool,
}

/// All settings of a backend.
pub fn settings(backend: DbBackend) -> Vec<Setting> {
    let journals = match backend {
        DbBackend::Sqlite => vec![Some(SqliteJournalMode::Wal), Some(SqliteJournalMode::Delete)],
        _ => vec![None],
    };
    let both = |journal| [true, false].map(|unique| Setting { journal, unique });
    journals.into_iter().flat_map(both).collect()
}

/// The settings with a unique index.
pub fn unique_settings(backend: DbBackend) -> Vec<Setting> {
    settings(backend).into_iter().filter(|setting| setting.unique).collect()
}

/// Runs a test in each of the settings, and tells what each found.
pub async fn in_each<F: Future<Output = TestResult>>(
    db: &Db,
    settings: Vec<Setting>,
    judge: fn(&History, &mut Judgement),
    test: impl Fn(Arena) -> F,
) -> TestResult {
    let mut failures = Vec::new();
    for setting in settings {
        let arena = Arena::open(db, setting).await?;
        let (seed, pool, history) = (arena.seed, arena.pool.clone(), Arc::clone(&arena.history));
        let started = Instant::now();
        tokio::time::timeout(PATIENCE, test(arena)).await??;
        let took = started.elapsed();
        pool.execute_unprepared("DROP TABLE entry").await?;
        pool.close().await?;
        let mut judgement = Judgement::of_errors(&history);
        judge(&history, &mut judgement);
        let tally = judgement.tally(&history);
        eprintln!("{:?} {setting:?} in {took:.1?}: {tally}", db.backend());
        if let Some(failure) = judgement.failure() {
            failures.push(format!("{setting:?}, BULK_SYNC_STRESS_SEED={seed}: {tally}\n{failure}"));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

/// The table, and what happened to it.
#[derive(Clone)]
pub struct Arena {
    pub pool: DatabaseConnection,
    pub history: Arc<History>,
    seed: u64,
}

impl Arena {
    async fn open(db: &Db, setting: Setting) -> Result<Self, DbErr> {
        let mut options = ConnectOptions::new(match db.backend() {
            // a deadlock is found after a second otherwise
            DbBackend::Postgres => format!("{}?options[deadlock_timeout]=50ms", db.url),
            _ => db.url.clone(),
        });
        options.max_connections(CONNECTIONS).min_connections(CONNECTIONS).sqlx_logging(false);
        if let Some(journal) = setting.journal {
            options.map_sqlx_sqlite_opts(move |options| options.journal_mode(journal));
        }
        let pool = Database::connect(options).await?;
        let schema = Schema::new(pool.get_database_backend());
        pool.execute(&schema.create_table_from_entity(Entity)).await?;
        if setting.unique {
            let mut index = Index::create();
            index.unique().name("one_of_each_key").table(Entity);
            pool.execute(index.col(entry::Column::Tenant).col(entry::Column::Code)).await?;
        }
        Ok(Self { pool, history: Arc::default(), seed: seed() })
    }

    /// Random numbers for one of the tasks.
    pub fn random(&self, task: usize) -> Random {
        Random::new(self.seed, task)
    }

    /// How many operations a task does.
    pub fn operations(&self, usual: usize) -> usize {
        usual * rounds()
    }

    /// Runs tasks, and takes snapshots until the last of them has ended, and one more.
    pub async fn run(&self, mut tasks: JoinSet<TestResult>) -> TestResult {
        let mut readers = JoinSet::new();
        for _ in 0..READERS {
            let arena = self.clone();
            readers.spawn(async move {
                for taken in 0.. {
                    arena.look().await?;
                    // many at first, and fewer where it takes long
                    tokio::time::sleep(Duration::from_millis(2 + taken / 20)).await;
                }
                Ok(())
            });
        }
        let mut outcome = Ok(());
        while let Some(ended) = tasks.join_next().await {
            outcome = outcome.and(ended?);
        }
        readers.abort_all();
        while let Some(ended) = readers.join_next().await {
            match ended {
                Ok(ended) => outcome = outcome.and(ended),
                Err(error) if error.is_cancelled() => {}
                Err(error) => return Err(error.into()),
            }
        }
        outcome?;
        while !self.look().await? {}
        Ok(())
    }

    /// Takes a snapshot, unless others are in the way.
    async fn look(&self) -> Result<bool, DbErr> {
        let start = self.history.now();
        match Entity::find().all(&self.pool).await {
            Ok(rows) => {
                let span = self.history.since(start);
                self.history.add_snapshot(Snapshot { span, rows });
                Ok(true)
            }
            Err(error) if is_transient(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

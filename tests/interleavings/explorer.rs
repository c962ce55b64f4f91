//! Runs two actors in every order of their statements.

use std::{sync::Arc, time::Duration};

use bulk_sync::{BulkSync, SyncError, SyncResult};
use bulk_sync_tests::{
    entity::stock,
    stepped::{Gate, Step, Stepped},
    suite::{Db, TestResult},
};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr,
    IntoActiveModel, QueryOrder, TransactionSession, TransactionTrait, entity::prelude::*,
    sea_query::Index,
};
use tokio::{task::JoinHandle, time::Instant};

/// A statement that takes longer waits for a lock, or a call for its next try.
/// Where that is wrong, another order of the statements is tried.
const QUICK: Duration = Duration::from_millis(10);

/// How long nothing at all may happen; a disk of many users can take its time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// More orders than any two actors here have.
const ORDERS: usize = 5_000;

type Boxed = Box<dyn std::error::Error + Send + Sync>;

/// One of the two.
#[derive(Clone)]
pub enum Actor {
    /// A sync.
    Sync(Box<BulkSync<stock::Entity>>),
    /// A plan that is made, and then applied.
    Plan(Box<BulkSync<stock::Entity>>),
    /// A transaction of these statements.
    Writer(&'static [&'static str]),
}

/// What became of an actor.
#[derive(Debug)]
pub enum Outcome {
    /// The sync is done, or the plan applied; or that has failed.
    Sync(Result<SyncResult, SyncError>),
    /// The transaction is committed, and has written so many rows; or has failed.
    Writer(Result<u64, DbErr>),
}

impl Outcome {
    /// Whether the rows were no longer as they had been compared.
    pub fn is_stale(&self) -> bool {
        let Self::Sync(Err(error)) = self else { return false };
        match error {
            SyncError::TriesExhausted { source, .. } => {
                matches!(**source, SyncError::StalePlan { .. })
            }
            error => matches!(error, SyncError::StalePlan { .. }),
        }
    }
}

/// The two, and the table before.
pub struct Scene {
    pub before: Vec<stock::Model>,
    pub actors: [Actor; 2],
    /// Whether a unique index is on the key.
    pub is_unique: bool,
}

/// What is judged after each order.
pub type Judge = fn(&Scene, &[Outcome; 2], &[stock::Model]) -> Result<(), String>;

/// Runs the actors in every order of their statements, and judges each.
pub async fn in_every_order(db: &Db, scene: Scene, judge: Judge) -> TestResult {
    create_table(db, scene.is_unique).await?;
    let pools = [connect(db).await?, connect(db).await?];
    let mut order = Order::default();
    for number in 1.. {
        fill_table(db, &scene.before).await?;
        let outcomes = run(&pools, &scene.actors, &mut order).await?;
        let rows = stock::Entity::find().order_by_asc(stock::Column::Id).all(&db.pool).await?;
        judge(&scene, &outcomes, &rows).map_err(|failure| {
            format!("order {number}, {:?}: {failure}\n{outcomes:#?}\n{rows:#?}", order.chosen())
        })?;
        if number > ORDERS {
            return Err("there is no end of orders".into());
        }
        if !order.advance() {
            println!("{number} orders");
            break;
        }
    }
    for pool in pools {
        pool.close().await?;
    }
    Ok(())
}

/// Creates the table.
pub async fn create_table(db: &Db, is_unique: bool) -> Result<(), DbErr> {
    db.create_table(stock::Entity).await?;
    if is_unique {
        let mut index = Index::create();
        index.unique().name("stock_key").table(stock::Entity);
        index.col(stock::Column::Warehouse).col(stock::Column::Code);
        db.pool.execute(&index).await?;
    }
    Ok(())
}

/// Makes these the rows of the table.
pub async fn fill_table(db: &Db, rows: &[stock::Model]) -> Result<(), DbErr> {
    stock::Entity::delete_many().exec(&db.pool).await?;
    if !rows.is_empty() {
        let rows = rows.iter().map(|row| row.clone().into_active_model());
        stock::Entity::insert_many(rows).exec_without_returning(&db.pool).await?;
    }
    Ok(())
}

/// One connection; on SQLite it does not wait for a lock, as nobody could tell.
pub async fn connect(db: &Db) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(&db.url);
    options.max_connections(1).sqlx_logging(false);
    let pool = Database::connect(options).await?;
    if db.backend() == DbBackend::Sqlite {
        pool.execute_unprepared("PRAGMA busy_timeout = 0").await?;
    }
    Ok(pool)
}

/// Which actor went on where both could.
///
/// Orders that differ only in statements that do not notice each other are one:
/// where the second actor is let go first, the first sleeps until the second has
/// run a statement that its next one could notice (the sleep sets of Patrice
/// Godefroid's "Partial-Order Methods for the Verification of Concurrent Systems").
#[derive(Default)]
struct Order {
    choices: Vec<usize>,
    /// How many of the choices were made in this run.
    made: usize,
}

impl Order {
    /// The next choice: as in the run before up to the one that differs.
    fn choose(&mut self) -> usize {
        if self.made == self.choices.len() {
            self.choices.push(0);
        }
        self.made += 1;
        self.choices[self.made - 1]
    }

    fn chosen(&self) -> &[usize] {
        &self.choices[..self.made]
    }

    /// Changes the last choice that can be; `false` when all orders were run.
    fn advance(&mut self) -> bool {
        self.choices.truncate(self.made);
        self.made = 0;
        while self.choices.pop_if(|choice| *choice == 1).is_some() {}
        match self.choices.last_mut() {
            Some(last) => {
                *last = 1;
                true
            }
            None => false,
        }
    }
}

/// An actor that has been started.
pub struct Running {
    pub gate: Arc<Gate>,
    pub task: JoinHandle<Outcome>,
}

/// One that is given up leaves no transaction behind that the database waits for.
impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// Starts an actor, which waits before its first statement.
    pub fn start(pool: &DatabaseConnection, actor: &Actor) -> Self {
        let (connection, gate) = Stepped::new(pool.clone());
        let actor = actor.clone();
        let task = tokio::spawn(async move {
            match actor {
                Actor::Sync(sync) => Outcome::Sync(sync.exec(&connection).await),
                Actor::Plan(sync) => Outcome::Sync(match sync.compare(&connection).await {
                    Ok(plan) => plan.apply(&connection).await,
                    Err(error) => Err(error),
                }),
                Actor::Writer(statements) => Outcome::Writer(write(&connection, statements).await),
            }
        });
        Self { gate, task }
    }

    fn can_go_on(&self) -> bool {
        self.next().is_some()
    }

    fn next(&self) -> Option<Step> {
        self.gate.waiting().filter(|_| !self.task.is_finished())
    }

    fn is_under_way(&self) -> bool {
        !self.task.is_finished() && self.gate.waiting().is_none()
    }

    /// Lets one statement run; gives the next, or `None` at the end.
    pub async fn finish_step(&self) -> Result<Option<Step>, Boxed> {
        if self.arrive().await?.is_some() {
            self.gate.step();
        }
        self.arrive().await
    }

    /// Waits until it waits at its gate, or is done.
    async fn arrive(&self) -> Result<Option<Step>, Boxed> {
        let start = Instant::now();
        while self.is_under_way() {
            if start.elapsed() > PATIENCE {
                return Err("the actor hangs".into());
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        Ok(self.next())
    }

    /// Lets it go on to its end; gives whether it got there in time.
    pub async fn finish(&self, patience: Duration) -> bool {
        let start = Instant::now();
        while !self.task.is_finished() && start.elapsed() < patience {
            if self.gate.waiting().is_some() {
                self.gate.step();
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        self.task.is_finished()
    }
}

async fn write<C: TransactionTrait>(connection: &C, statements: &[&str]) -> Result<u64, DbErr> {
    let transaction = connection.begin().await?;
    let mut rows = 0;
    for statement in statements {
        match transaction.execute_unprepared(statement).await {
            Ok(result) => rows += result.rows_affected(),
            Err(error) => {
                transaction.rollback().await?;
                return Err(error);
            }
        }
    }
    transaction.commit().await?;
    Ok(rows)
}

async fn run(
    pools: &[DatabaseConnection; 2],
    actors: &[Actor; 2],
    order: &mut Order,
) -> Result<[Outcome; 2], Boxed> {
    let running = [Running::start(&pools[0], &actors[0]), Running::start(&pools[1], &actors[1])];
    let is_sqlite = pools[0].get_database_backend() == DbBackend::Sqlite;
    let mut sleeping = None;
    // the first was never woken: this order was run before, and only has to end
    let mut is_known = false;
    loop {
        settle(&running).await?;
        let next = match [running[0].next(), running[1].next()] {
            [Some(_), Some(_)] if is_known => 0,
            [Some(first), Some(second)] => {
                let chosen = if sleeping.is_some() { 1 } else { order.choose() };
                if chosen == 1 && notice(first, second, is_sqlite) {
                    sleeping = None;
                } else if chosen == 1 {
                    sleeping = Some(first);
                }
                chosen
            }
            [Some(_), None] => {
                is_known |= sleeping.is_some();
                0
            }
            [None, Some(_)] => 1,
            [None, None] => break,
        };
        running[next].gate.step();
    }
    let [mut first, mut second] = running;
    Ok([(&mut first.task).await?, (&mut second.task).await?])
}

/// Whether the order of two statements of different transactions can be noticed.
fn notice(one: Step, other: Step, is_sqlite: bool) -> bool {
    match (one, other) {
        (Step::Begin, _) | (_, Step::Begin) | (Step::Read, Step::Read) => false,
        // what is not committed is not read; SQLite may refuse to read or to write
        (Step::Read, Step::Write) | (Step::Write, Step::Read) => is_sqlite,
        _ => true,
    }
}

/// Waits until each actor waits at its gate, is done, or waits for a lock.
async fn settle(running: &[Running; 2]) -> Result<(), Boxed> {
    let start = Instant::now();
    loop {
        if !running.iter().any(Running::is_under_way) {
            return Ok(());
        }
        let can_go_on = running.iter().any(Running::can_go_on);
        if can_go_on && start.elapsed() > QUICK {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err("the actors hang".into());
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

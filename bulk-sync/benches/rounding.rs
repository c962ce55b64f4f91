//! What it costs that the database is asked how its columns round values:
//! a sync that changes nothing, with timestamps that the column keeps and with
//! nanoseconds that it does not.
//!
//! `cargo bench --bench rounding`, on SQLite and on each server whose URL is
//! set (`BULK_SYNC_POSTGRES_URL`, `BULK_SYNC_MYSQL_URL`). Prints medians of
//! runs that take turns, and their ratio. `ROWS` sets the number of rows;
//! `cargo bench --bench rounding -- postgres` measures one backend.

use std::time::{Duration, Instant};

use bulk_sync::prelude::*;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, entity::prelude::*};

mod event {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "bulk_sync_bench_event")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sync(key)]
        pub number: i32,
        pub title: String,
        pub at: DateTimeUtc,
        pub note: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

type Failure = Box<dyn std::error::Error>;

const RUNS: usize = 7;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let rows: i32 = std::env::var("ROWS").ok().map_or(Ok(100_000), |rows| rows.parse())?;
    println!("{rows} rows, nothing changed, medians of {RUNS} runs");
    println!("| backend | kept timestamps | nanoseconds | ratio |\n|---|---|---|---|");
    let folder = std::env::temp_dir().join(format!("bulk-sync-bench-{}", std::process::id()));
    let file = folder.join("rounding.sqlite");
    let server =
        |variable, database| std::env::var(variable).map(|url| format!("{url}/{database}"));
    let backends = [
        ("sqlite", Ok(format!("sqlite://{}?mode=rwc", file.display()))),
        ("postgres", server("BULK_SYNC_POSTGRES_URL", "postgres")),
        ("mysql", server("BULK_SYNC_MYSQL_URL", "test")),
    ];
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    std::fs::create_dir_all(&folder)?;
    for (name, url) in backends {
        if let Ok(url) = url
            && (asked.is_empty() || asked.iter().any(|asked| asked == name))
        {
            measure(name, &url, rows).await?;
        }
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

async fn measure(name: &str, url: &str, rows: i32) -> Result<(), Failure> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    create_table(&db).await?;
    let (kept, odd) = (events(rows, 0)?, events(rows, 456_789)?);
    let (mut plain, mut rounded) = (Vec::new(), Vec::new());
    sync(&db, &odd).await?;
    for _ in 0..RUNS {
        // each is stored once, and then compared with what was stored
        sync(&db, &kept).await?;
        plain.push(sync(&db, &kept).await?);
        sync(&db, &odd).await?;
        rounded.push(sync(&db, &odd).await?);
    }
    db.execute_unprepared("DROP TABLE bulk_sync_bench_event").await?;
    let (plain, rounded) = (median(plain), median(rounded));
    let ratio = rounded.as_secs_f64() / plain.as_secs_f64();
    println!("| {name} | {} ms | {} ms | {ratio:.2} |", plain.as_millis(), rounded.as_millis());
    Ok(())
}

async fn create_table(db: &DatabaseConnection) -> Result<(), DbErr> {
    let columns = match db.get_database_backend() {
        sea_orm::DbBackend::Postgres => "id bigserial PRIMARY KEY, at timestamptz(3) NOT NULL",
        sea_orm::DbBackend::MySql => {
            "id bigint AUTO_INCREMENT PRIMARY KEY, at datetime(3) NOT NULL"
        }
        _ => "id integer PRIMARY KEY, at text NOT NULL",
    };
    db.execute_unprepared("DROP TABLE IF EXISTS bulk_sync_bench_event").await?;
    db.execute_unprepared(&format!(
        "CREATE TABLE bulk_sync_bench_event ({columns}, number int NOT NULL UNIQUE, \
         title varchar(80) NOT NULL, note varchar(80))"
    ))
    .await?;
    Ok(())
}

fn events(rows: i32, nanoseconds: u32) -> Result<Vec<event::Model>, Failure> {
    let event = |number: i32| {
        let at = DateTimeUtc::from_timestamp(
            1_700_000_000 + i64::from(number),
            123_000_000 + nanoseconds,
        );
        Some(event::Model {
            id: 0,
            number,
            title: format!("event number {number}"),
            at: at?,
            note: (number % 3 == 0).then(|| format!("a note on {number}")),
        })
    };
    (0..rows).map(event).collect::<Option<_>>().ok_or_else(|| "a time out of range".into())
}

async fn sync(db: &DatabaseConnection, events: &[event::Model]) -> Result<Duration, Failure> {
    let events = events.to_vec();
    let start = Instant::now();
    event::Entity::bulk_sync(events, WholeTable, None).exec(db).await?;
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

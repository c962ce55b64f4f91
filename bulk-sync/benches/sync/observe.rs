//! What one run of a contender takes besides time, seen in a process of its
//! own: its peak memory is then that of the run.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};

use crate::{
    Failure,
    backend::{Bench, Kind, connect, through_proxy},
    contender::Contender,
    copy,
    employee::desired,
    options::Options,
    replay::Replay,
    scenario::Scenario,
};

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub statements: u64,
    /// Bytes through the connection, where there is one.
    pub sent: Option<u64>,
    pub received: Option<u64>,
    /// How far the memory of the process rose above what it was with the models.
    pub peak: Option<u64>,
    pub wal: Option<u64>,
}

/// Has one run observed by a process of its own.
pub async fn observe(
    bench: &Bench,
    rows: usize,
    scenario: Scenario,
    contender: Contender,
) -> Result<Observed, Failure> {
    let before = wal_position(bench).await?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--observe", &bench.url, "--backend", bench.kind.name()])
        .args(["--rows", &rows.to_string(), "--scenario", scenario.name()])
        .args(["--contender", contender.name()])
        .output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{}: {error}", contender.name()).into());
    }
    let seen: Value = serde_json::from_slice(&output.stdout)?;
    Ok(Observed {
        statements: seen["statements"].as_u64().unwrap_or_default(),
        sent: seen["sent"].as_u64(),
        received: seen["received"].as_u64(),
        peak: seen["peak"].as_u64(),
        wal: wal_since(bench, before).await?,
    })
}

/// What the process of its own does.
pub async fn run(url: &str, options: &Options) -> Result<(), Failure> {
    let (&[kind], &[scenario], &[contender]) =
        (&options.backends[..], &options.scenarios[..], &options.contenders[..])
    else {
        return Err("one backend, scenario and contender can be observed".into());
    };
    let (url, traffic) = match kind {
        Kind::Sqlite => (url.to_owned(), None),
        _ => {
            let (url, traffic) = through_proxy(url, Duration::ZERO).await?;
            (url, Some(traffic))
        }
    };
    let mut db = connect(&url).await?;
    let statements = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&statements);
    db.set_metric_callback(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let models = desired(scenario, options.rows)?;
    let passed = || {
        let bytes = |count: &AtomicU64| count.load(Ordering::Relaxed);
        traffic.as_ref().map_or((0, 0), |t| (bytes(&t.sent), bytes(&t.received)))
    };
    let (sent, received) = passed();
    let before = memory("VmRSS:");
    // sets the peak back to what is used now
    let is_set_back = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    contender.run(&db, models, &Replay::default()).await?;
    let peak = memory("VmHWM:").zip(before).filter(|_| is_set_back);
    let (sent_after, received_after) = passed();
    let statements = match contender {
        Contender::DriverStreams | Contender::DriverFetches => 1,
        Contender::Database => copy::STATEMENTS,
        _ => statements.load(Ordering::Relaxed),
    };
    let seen = json!({
        "statements": statements,
        "sent": traffic.as_ref().map(|_| sent_after - sent),
        "received": traffic.as_ref().map(|_| received_after - received),
        "peak": peak.map(|(peak, before)| peak.saturating_sub(before)),
    });
    println!("{seen}");
    Ok(())
}

/// A line of `/proc/self/status`, in bytes; Linux has it.
fn memory(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

async fn wal_position(bench: &Bench) -> Result<Option<String>, Failure> {
    if bench.kind != Kind::Postgres {
        return Ok(None);
    }
    text(&bench.db, "SELECT pg_current_wal_flush_lsn()::text").await
}

/// The bytes of WAL that are about this database, as others write into the same
/// log; all of them where the server cannot tell (any more).
async fn wal_since(bench: &Bench, before: Option<String>) -> Result<Option<u64>, Failure> {
    let Some(before) = before else { return Ok(None) };
    bench.db.execute_unprepared("CREATE EXTENSION IF NOT EXISTS pg_walinspect").await.ok();
    let end = text(&bench.db, "SELECT pg_current_wal_flush_lsn()::text").await?;
    let end = end.ok_or("no WAL position")?;
    if before == end {
        return Ok(Some(0));
    }
    let own = format!(
        "SELECT coalesce(sum(record_length), 0)::text \
         FROM pg_get_wal_records_info('{before}', '{end}') WHERE block_ref LIKE \
         '%/' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/%'"
    );
    let all = format!("SELECT pg_wal_lsn_diff('{end}', '{before}')::text");
    let bytes = match text(&bench.db, &own).await {
        Ok(bytes) => bytes,
        Err(_) => text(&bench.db, &all).await?,
    };
    Ok(bytes.and_then(|bytes| bytes.parse().ok()))
}

async fn text(db: &DatabaseConnection, sql: &str) -> Result<Option<String>, Failure> {
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?.ok_or("no row")?;
    Ok(row.try_get_by_index(0)?)
}

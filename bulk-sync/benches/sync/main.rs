//! A sync beside all that one would do instead: the same rows, the same
//! machine, in turns.
//!
//! `cargo bench --bench sync`, on SQLite and on each server whose URL is set
//! (`BULK_SYNC_POSTGRES_URL`, `BULK_SYNC_MYSQL_URL`); `-- --rows 10000
//! --backend postgres --scenario mixed` for a part of it. Prints medians and
//! ratios, and keeps them as JSON in the target folder.

mod backend;
mod chart;
mod contender;
mod copy;
mod employee;
mod observe;
mod options;
mod proxy;
mod replay;
mod report;
mod scenario;

use std::time::{Duration, Instant};

use crate::{
    backend::{Bench, Kind, connect},
    contender::Contender,
    employee::desired,
    options::Options,
    replay::Replay,
    report::{Measured, report},
    scenario::Scenario,
};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse(std::env::args().skip(1))?;
    if let Some(url) = &options.observe {
        return observe::run(url, &options).await;
    }
    if let Some(file) = &options.chart {
        return chart::draw(file, options.rows);
    }
    for &kind in &options.backends {
        let bench =
            Bench::create(kind, options.rows, Duration::from_millis(options.rtt_ms)).await?;
        let measured = measure_all(&bench, &options).await;
        bench.drop().await?;
        measured?;
    }
    Ok(())
}

async fn measure_all(bench: &Bench, options: &Options) -> Result<(), Failure> {
    for &scenario in &options.scenarios {
        let measured = measure(bench, options, scenario).await?;
        report(options, bench.kind, scenario, &measured)?;
    }
    Ok(())
}

/// Times the contenders in turns: first each once, unmeasured but observed.
async fn measure(
    bench: &Bench,
    options: &Options,
    scenario: Scenario,
) -> Result<Vec<Measured>, Failure> {
    let models = desired(scenario, options.rows)?;
    let backend = bench.db.get_database_backend();
    let mut contenders = options.contenders.clone();
    contenders.retain(|contender| {
        let reason = contender.left_out(backend, scenario, options.rows);
        if let Some(reason) = reason.filter(|_| bench.kind == Kind::Sqlite) {
            println!("{} is left out: {reason}", contender.name());
        }
        reason.is_none()
    });
    bench.set_back(scenario).await?;
    let replay = if contenders.contains(&Contender::Bare) {
        Replay::record(connect(&bench.url).await?, models.clone()).await?
    } else {
        Replay::default()
    };
    let mut measured = Vec::new();
    for &contender in &contenders {
        bench.set_back(scenario).await?;
        let mut observed = observe::Observed::default();
        if contender == Contender::Bare {
            observed.statements = replay.len() as u64;
        } else {
            observed = observe::observe(bench, options.rows, scenario, contender).await?;
        }
        if contender.writes()
            && contender != Contender::Bare
            && !bench.holds(models.clone()).await?
        {
            return Err(format!("{}: the table is not as it should be", contender.name()).into());
        }
        measured.push(Measured { contender, times: Vec::new(), round_trips: None, observed });
    }
    let mut is_as_before = false;
    // the first round fills caches and prepares statements
    for round in 0..=options.runs {
        for one in &mut measured {
            if !is_as_before {
                bench.set_back(scenario).await?;
            }
            let models = models.clone();
            let passed = bench.round_trips();
            let start = Instant::now();
            one.contender.run(&bench.db, models, &replay).await?;
            let time = start.elapsed();
            one.round_trips = bench.round_trips().zip(passed).map(|(now, before)| now - before);
            if round > 0 {
                one.times.push(time);
            }
            is_as_before = scenario == Scenario::Unchanged && one.contender.compares();
        }
    }
    Ok(measured)
}

//! The results: printed as a table, and kept as JSON.

use std::{fs, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use crate::{
    Failure, backend::Kind, contender::Contender, observe::Observed, options::Options,
    scenario::Scenario,
};

/// What was measured of a contender.
pub struct Measured {
    pub contender: Contender,
    pub times: Vec<Duration>,
    /// Of the last run, where there is a proxy.
    pub round_trips: Option<u64>,
    pub observed: Observed,
}

impl Measured {
    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
    }
}

/// The folder of the results.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-sync")
}

/// Prints and keeps what was measured in one scenario.
pub fn report(
    options: &Options,
    kind: Kind,
    scenario: Scenario,
    measured: &[Measured],
) -> Result<(), Failure> {
    let ours = measured.iter().find(|one| one.contender == Contender::Ours).map(Measured::median);
    let delay = match options.rtt_ms {
        0 => String::new(),
        ms => format!(", {ms} ms a round trip"),
    };
    println!(
        "\n{}, {} rows, {}{delay}: medians of {}\n",
        kind.name(),
        options.rows,
        scenario.title(),
        options.runs
    );
    println!(
        "| contender | ms | rows/s | ours in relation | statements | round trips | sent KiB \
         | received KiB | peak MiB | WAL KiB |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    let mut results = Vec::new();
    for one in measured {
        let (median, seen) = (one.median(), &one.observed);
        let kib =
            |bytes: Option<u64>| bytes.map_or(String::new(), |bytes| (bytes / 1024).to_string());
        println!(
            "| {} | {:.1} | {:.0} | {} | {} | {} | {} | {} | {} | {} |",
            one.contender.name(),
            median * 1e3,
            per_second(options.rows, median),
            ours.map_or(String::new(), |ours| format!("{:.2}", ours / median)),
            seen.statements,
            one.round_trips.map_or(String::new(), |round_trips| round_trips.to_string()),
            kib(seen.sent),
            kib(seen.received),
            seen.peak.map_or(String::new(), |bytes| (bytes >> 20).to_string()),
            kib(seen.wal),
        );
        let times: Vec<f64> = one.times.iter().map(Duration::as_secs_f64).collect();
        results.push(json!({
            "contender": one.contender.name(),
            "median_seconds": median,
            "seconds": times,
            "rows_per_second": per_second(options.rows, median),
            "statements": seen.statements,
            "round_trips": one.round_trips,
            "bytes_sent": seen.sent,
            "bytes_received": seen.received,
            "peak_bytes": seen.peak,
            "wal_bytes": seen.wal,
        }));
    }
    let all = json!({
        "backend": kind.name(),
        "rows": options.rows,
        "scenario": scenario.name(),
        "rtt_ms": options.rtt_ms,
        "results": results,
    });
    fs::create_dir_all(folder())?;
    let name = file_name(kind, options.rows, scenario, options.rtt_ms);
    fs::write(folder().join(name), serde_json::to_string_pretty(&all)?)?;
    Ok(())
}

/// The medians that were kept, in seconds, if any.
pub fn medians(kind: Kind, rows: usize, scenario: Scenario) -> Vec<(String, f64)> {
    let file = folder().join(file_name(kind, rows, scenario, 0));
    let kept = fs::read(file).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let results = kept.and_then(|kept| kept["results"].as_array().cloned()).unwrap_or_default();
    let median = |one: &Value| {
        Some((one["contender"].as_str()?.to_owned(), one["median_seconds"].as_f64()?))
    };
    results.iter().filter_map(median).collect()
}

fn file_name(kind: Kind, rows: usize, scenario: Scenario, rtt_ms: u64) -> String {
    let delay = if rtt_ms == 0 { String::new() } else { format!("-{rtt_ms}ms") };
    format!("{}-{rows}-{}{delay}.json", kind.name(), scenario.name())
}

#[expect(clippy::cast_precision_loss, reason = "there are not so many rows")]
fn per_second(rows: usize, seconds: f64) -> f64 {
    rows as f64 / seconds
}

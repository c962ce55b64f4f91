//! What the command line asks for.

use std::{path::PathBuf, str::FromStr};

use crate::{Failure, backend::Kind, contender::Contender, scenario::Scenario};

const USAGE: &str = "cargo bench --bench sync -- [options]
  --rows N         rows in scope, and as many outside (100000)
  --runs N         runs of each contender (7)
  --backend B      sqlite, postgres or mysql; can be given again
  --scenario S     unchanged, one-percent, mixed, all-changed, all-new, all-gone; again
  --contender C    ours, load, driver-stream, driver-fetch, tuned, plain, upsert, replace,
                   insert-many, database, bare; again
  --rtt-ms N       through a proxy that delays by this time, there and back
  --quick          1,000 rows and one run
  --chart FILE     draws an SVG chart of the results for --rows rows, and measures nothing";

/// The options.
pub struct Options {
    pub rows: usize,
    pub runs: usize,
    pub backends: Vec<Kind>,
    pub scenarios: Vec<Scenario>,
    pub contenders: Vec<Contender>,
    pub rtt_ms: u64,
    pub chart: Option<PathBuf>,
    /// The database of the process that asks to observe one run.
    pub observe: Option<String>,
}

impl Options {
    /// Reads the arguments.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            rows: 100_000,
            runs: 7,
            backends: Vec::new(),
            scenarios: Vec::new(),
            contenders: Vec::new(),
            rtt_ms: 0,
            chart: None,
            observe: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} what?\n{USAGE}"));
            match argument.as_str() {
                // cargo says so
                "--bench" => {}
                "--rows" => options.rows = number(&value()?)?,
                "--runs" => options.runs = number(&value()?)?,
                "--backend" => options.backends.push(named(&Kind::ALL, Kind::name, &value()?)?),
                "--scenario" => {
                    options.scenarios.push(named(&Scenario::ALL, Scenario::name, &value()?)?);
                }
                "--contender" => {
                    options.contenders.push(named(&Contender::ALL, Contender::name, &value()?)?);
                }
                "--rtt-ms" => options.rtt_ms = number(&value()?)?,
                "--quick" => (options.rows, options.runs) = (1_000, 1),
                "--chart" => options.chart = Some(value()?.into()),
                "--observe" => options.observe = Some(value()?),
                _ => return Err(format!("{argument}?\n{USAGE}").into()),
            }
        }
        if options.backends.is_empty() {
            options.backends =
                Kind::ALL.into_iter().filter(|kind| kind.server().is_some()).collect();
        }
        if options.scenarios.is_empty() {
            options.scenarios = Scenario::ALL.to_vec();
        }
        if options.contenders.is_empty() {
            options.contenders = Contender::ALL.to_vec();
        }
        Ok(options)
    }
}

fn number<N: FromStr>(text: &str) -> Result<N, Failure> {
    text.parse().map_err(|_| format!("{text} is not a number\n{USAGE}").into())
}

fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, Failure> {
    let found = all.iter().copied().find(|&one| name(one) == text);
    found.ok_or_else(|| format!("there is no {text}\n{USAGE}").into())
}

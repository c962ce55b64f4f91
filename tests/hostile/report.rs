//! What became of each value: printed on request, judged at the end.

use bulk_sync_tests::suite::TestResult;
use sea_orm::DbBackend;

use crate::case::Role;

/// What became of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is stored, and a second sync has nothing to do.
    Converges,
    /// It is stored, and a second sync does this again.
    Repeats(String),
    /// It is stored, and a second sync fails.
    Jams(String),
    /// It is refused with this message.
    Refused(String),
}

/// The outcomes of one type on one backend.
pub struct Report {
    backend: DbBackend,
    name: &'static str,
    print: bool,
    failures: Vec<String>,
}

impl Report {
    pub fn new(backend: DbBackend, name: &'static str) -> Self {
        let print = std::env::var_os("BULK_SYNC_TABLE").is_some();
        Self { backend, name, print, failures: Vec::new() }
    }

    /// The backend does not have the type.
    pub fn skipped(&self, reason: &str) {
        if self.print {
            println!("| {:?} | {} | | | | no such type: {reason} |", self.backend, self.name);
        }
    }

    /// Adds the outcome of one value, or what is wrong.
    pub fn add(
        &mut self,
        declared: Option<&str>,
        role: Role,
        value: &str,
        outcome: Result<Outcome, String>,
    ) {
        let text = match &outcome {
            Ok(Outcome::Converges) => "ok".to_owned(),
            Ok(Outcome::Repeats(what)) => format!("REPEATS: {what}"),
            Ok(Outcome::Jams(message)) => format!("JAMS: {message}"),
            Ok(Outcome::Refused(message)) => format!("refused: {message}"),
            Err(failure) => format!("FAILS: {failure}"),
        };
        let declared = declared.unwrap_or_default();
        let (backend, name) = (self.backend, self.name);
        let line = format!("| {backend:?} | {name} | {declared} | {role:?} | {value} | {text} |");
        if self.print {
            println!("{line}");
        }
        if outcome.is_err() {
            self.failures.push(line);
        }
    }

    /// Fails where anything was wrong.
    pub fn finish(self) -> TestResult {
        if self.failures.is_empty() {
            return Ok(());
        }
        Err(format!("{} failed:\n{}", self.failures.len(), self.failures.join("\n")).into())
    }
}

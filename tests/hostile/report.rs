//! What became of each value: judged at the end, and compared with the page
//! that tells it.

use bulk_sync_tests::suite::TestResult;
use sea_orm::DbBackend;

use crate::case::Role;

/// The page with the table of types; read when a test runs, so that a change
/// of it is none of the program.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/types.md");

/// How many refused values the table shows of a type.
const SHOWN: usize = 5;

/// What became of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is stored, and a second sync has nothing to do.
    Converges,
    /// It is refused with this message.
    Refused(String),
}

/// The outcomes of one type on one backend.
pub struct Report {
    backend: DbBackend,
    name: &'static str,
    rows: Vec<Row>,
    unavailable: bool,
    failures: Vec<String>,
}

/// A row of the table: the outcomes of a declared type.
struct Row {
    declared: String,
    missing: Option<String>,
    not_null: Option<String>,
    /// The values that are refused, each with the roles in which they are.
    refused: Vec<(String, Vec<Role>)>,
}

impl Report {
    pub fn new(backend: DbBackend, name: &'static str) -> Self {
        Self { backend, name, rows: Vec::new(), unavailable: false, failures: Vec::new() }
    }

    /// The backend does not have the type.
    pub fn missing(&mut self, declared: Option<&str>, reason: &str) {
        self.row(declared).missing = Some(reason.to_owned());
    }

    /// The type is never NULL.
    pub fn not_null(&mut self, declared: Option<&str>, reason: &str) {
        self.row(declared).not_null = Some(reason.to_owned());
    }

    /// This server does not have the type, others may.
    pub fn unavailable(&mut self, reason: &str) {
        println!("{}: not tested on this server: {reason}", self.name);
        self.unavailable = true;
    }

    /// Adds the outcome of one value, or what is wrong.
    pub fn add(
        &mut self,
        declared: Option<&str>,
        role: Role,
        value: &str,
        outcome: Result<Outcome, String>,
    ) {
        let row = self.row(declared);
        match outcome {
            Ok(Outcome::Converges) => {}
            Ok(Outcome::Refused(_)) => match row.refused.iter_mut().find(|(v, _)| v == value) {
                Some((_, roles)) => roles.push(role),
                None => row.refused.push((value.to_owned(), vec![role])),
            },
            Err(failure) => {
                let declared = row.declared.clone();
                self.failures.push(format!("{declared} | {role:?} | {value} | {failure}"));
            }
        }
    }

    fn row(&mut self, declared: Option<&str>) -> &mut Row {
        let declared = declared.unwrap_or_default();
        let at = self.rows.iter().position(|row| row.declared == declared).unwrap_or_else(|| {
            let declared = declared.to_owned();
            self.rows.push(Row { declared, missing: None, not_null: None, refused: Vec::new() });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }

    /// Fails where anything was wrong, or is other than the page has it.
    pub fn finish(self) -> TestResult {
        let lines: Vec<String> = self.rows.iter().map(|row| self.line(row)).collect();
        if std::env::var_os("BULK_SYNC_TABLE").is_some() {
            println!("{}", lines.join("\n"));
        }
        if !self.failures.is_empty() {
            let failures = self.failures.join("\n");
            return Err(format!("{} failed:\n{failures}", self.failures.len()).into());
        }
        let start = format!("| {} | {} |", self.name, backend_name(self.backend));
        let page = std::fs::read_to_string(PAGE)?;
        let told: Vec<&str> = page.lines().filter(|line| line.starts_with(&start)).collect();
        if self.unavailable || told == lines {
            return Ok(());
        }
        Err(format!(
            "docs/types.md has other lines (see CONTRIBUTING.md) than\n{}",
            lines.join("\n")
        )
        .into())
    }

    fn line(&self, row: &Row) -> String {
        let declared = match row.declared.as_str() {
            "" => String::new(),
            declared => format!("`{declared}`"),
        };
        format!("| {} | {} | {declared} | {} |", self.name, backend_name(self.backend), row.text())
    }
}

impl Row {
    fn text(&self) -> String {
        if let Some(reason) = &self.missing {
            return format!("no such type: {reason}");
        }
        let not_null = self.not_null.iter().map(|reason| format!("; never NULL: {reason}"));
        let converges = format!("converges{}", not_null.collect::<String>());
        if self.refused.is_empty() {
            return converges;
        }
        let refused = self.refused.iter().map(|(value, roles)| {
            let value = value.replace('|', "\\|").replace('`', "'");
            let value = match value.char_indices().nth(36) {
                Some((end, _)) => format!("{}…", &value[..end]),
                None => value,
            };
            match roles[..] {
                [Role::Key] => format!("`{value}` as a key"),
                _ => format!("`{value}`"),
            }
        });
        let shown: Vec<String> = refused.take(SHOWN).collect();
        let more = match self.refused.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{converges}; refused: {}{more}", shown.join(", "))
    }
}

fn backend_name(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "PostgreSQL",
        DbBackend::MySql => "MariaDB",
        _ => "SQLite",
    }
}

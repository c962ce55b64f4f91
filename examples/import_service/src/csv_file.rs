//! Employees from a CSV file: all of them, or all that is wrong with the file.

use std::{
    collections::HashMap,
    io::{self, Read, Seek},
};

use csv::{ByteRecord, ReaderBuilder, Terminator};
use sea_orm::prelude::{Date, Decimal};
use serde::Serialize;

use crate::entity::employee;

/// The columns that a file has, in any order.
pub const COLUMNS: [&str; 6] = ["external_id", "name", "email", "department", "salary", "hired_on"];

/// How many faults are listed; the rest are counted.
const LISTED_FAULTS: usize = 100;

/// A text column of MySQL takes so many characters unless it says otherwise.
const LONGEST_TEXT: usize = 255;

/// A line of a file that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// The line of the file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// The faulty lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The first ones, in the order of the file.
    pub listed: Vec<Fault>,
    /// How many there are.
    pub total: u64,
}

impl Faults {
    fn add(&mut self, line: u64, reasons: &[String]) {
        self.total += 1;
        if self.listed.len() < LISTED_FAULTS {
            self.listed.push(Fault { line, reason: reasons.join("; ") });
        }
    }

    fn one(line: u64, reason: &str) -> Self {
        let mut faults = Self::default();
        faults.add(line, &[reason.to_owned()]);
        faults
    }
}

/// Why a file gives no employees.
#[derive(Debug)]
pub enum ReadError {
    /// What stands in it is wrong.
    Faulty(Faults),
    /// It cannot be read.
    Io(io::Error),
}

impl From<Faults> for ReadError {
    fn from(faults: Faults) -> Self {
        Self::Faulty(faults)
    }
}

impl From<csv::Error> for ReadError {
    fn from(error: csv::Error) -> Self {
        Self::Io(error.into())
    }
}

/// The employees of a file, as models of a company. `on_line` is told the number
/// of each line before it is looked at.
///
/// # Errors
///
/// The faulty lines, or that the file cannot be read.
pub fn read(
    file: impl Read,
    company_id: i32,
    mut on_line: impl FnMut(u64),
) -> Result<Vec<employee::Model>, ReadError> {
    let mut lines = Lines::of(file);
    let Some((_, record)) = lines.next()? else {
        return Err(
            Faults::one(1, "the file is empty; its first line has to name the columns").into()
        );
    };
    let header = Header::read(record)?;
    let (mut employees, mut faults) = (Vec::new(), Faults::default());
    let mut lines_of_ids = HashMap::new();
    while let Some((line, record)) = lines.next()? {
        on_line(line);
        let mut cells = Cells { header: &header, record, reasons: header.misfit(record) };
        let employee = cells.employee(company_id);
        if let Some(earlier) = lines_of_ids.insert(employee.external_id.clone(), line)
            && !employee.external_id.is_empty()
        {
            let id = shown(&employee.external_id);
            cells.reasons.push(format!("external_id {id} stands in line {earlier} already"));
        }
        if cells.reasons.is_empty() {
            employees.push(employee);
        } else {
            faults.add(line, &cells.reasons);
        }
    }
    if faults.total == 0 { Ok(employees) } else { Err(faults.into()) }
}

/// As [`read`], from the start of a file, wherever it was read to.
///
/// # Errors
///
/// Those of [`read`].
pub fn read_from_start(
    mut file: impl Read + Seek,
    company_id: i32,
    on_line: impl FnMut(u64),
) -> Result<Vec<employee::Model>, ReadError> {
    file.rewind().map_err(ReadError::Io)?;
    read(file, company_id, on_line)
}

/// The file that gives these employees.
///
/// # Errors
///
/// None that memory does not give.
pub fn write(employees: &[employee::Model]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for employee in employees {
        writer.write_record([
            &employee.external_id,
            &employee.name,
            employee.email.as_deref().unwrap_or_default(),
            &employee.department,
            &employee.salary.normalize().to_string(),
            &employee.hired_on.to_string(),
        ])?;
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// A file with a line feed after its last line, that tells when it was read to
/// the end.
struct Terminated<R> {
    file: R,
    has_line_feed: bool,
    has_ended: bool,
}

impl<R: Read> Read for Terminated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        if self.has_line_feed {
            self.has_ended = true;
            return Ok(0);
        }
        self.has_line_feed = true;
        buffer[0] = b'\n';
        Ok(1)
    }
}

/// Records with the lines on which they begin. The numbers that the csv crate
/// gives are those where the record before ended, so they are counted here: a
/// record ends with a line feed, and those inside of quotes are part of a cell. A
/// carriage return before the line feed is a blank at the end of the last cell.
struct Lines<R> {
    reader: csv::Reader<Terminated<R>>,
    record: ByteRecord,
}

impl<R: Read> Lines<R> {
    fn of(file: R) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).terminator(Terminator::Any(b'\n'));
        let file = Terminated { file, has_line_feed: false, has_ended: false };
        Self { reader: builder.from_reader(file), record: ByteRecord::new() }
    }

    /// The next line that is not blank.
    fn next(&mut self) -> Result<Option<(u64, &ByteRecord)>, ReadError> {
        while self.reader.read_byte_record(&mut self.record)? {
            let inside = self.record.as_slice().split(|byte| *byte == b'\n').skip(1).count() as u64;
            let line = self.reader.position().line() - inside;
            // only a cell that is still open reads on to the end of the file
            if self.reader.get_ref().has_ended {
                let reason = "a quote is opened here and never closed; the file may be truncated";
                return Err(Faults::one(line, reason).into());
            }
            let is_blank = self.record.len() == 1 && self.record[0].trim_ascii().is_empty();
            if !is_blank {
                return Ok(Some((line - 1, &self.record)));
            }
        }
        Ok(None)
    }
}

/// Where the columns are.
struct Header {
    /// The position of each of [`COLUMNS`].
    positions: [usize; COLUMNS.len()],
    /// How many cells a line has.
    width: usize,
}

impl Header {
    fn read(record: &ByteRecord) -> Result<Self, Faults> {
        if record[0].starts_with(&[0xff, 0xfe]) || record[0].starts_with(&[0xfe, 0xff]) {
            return Err(Faults::one(1, "the file is in UTF-16; save it as CSV in UTF-8"));
        }
        let names: Vec<_> =
            record.iter().map(|name| String::from_utf8_lossy(name).trim().to_lowercase()).collect();
        let mut reasons = Vec::new();
        let positions = COLUMNS.map(|column| {
            let mut places = names.iter().enumerate().filter(|(_, name)| *name == column);
            let place = places.next();
            match (place, places.next()) {
                (None, _) => reasons.push(format!("the column {column} is missing")),
                (_, Some(_)) => reasons.push(format!("the column {column} is there twice")),
                _ => {}
            }
            place.map_or(0, |(position, _)| position)
        });
        let unknown = names.iter().filter(|name| !COLUMNS.contains(&name.as_str()));
        reasons.extend(unknown.map(|name| format!("there is no column {}", shown(name))));
        if names.len() == 1 && names[0].contains(';') {
            reasons =
                vec!["the columns are separated by semicolons; save the file with commas".into()];
        }
        if reasons.is_empty() {
            return Ok(Self { positions, width: names.len() });
        }
        reasons.push(format!("the columns are {}", COLUMNS.join(", ")));
        let mut faults = Faults::default();
        faults.add(1, &reasons);
        Err(faults)
    }

    /// What is wrong with the number of cells.
    fn misfit(&self, record: &ByteRecord) -> Vec<String> {
        let reason = format!("{} instead of {} cells", record.len(), self.width);
        if record.len() == self.width { Vec::new() } else { vec![reason] }
    }
}

/// The cells of a line, and what is wrong with them.
struct Cells<'a> {
    header: &'a Header,
    record: &'a ByteRecord,
    reasons: Vec<String>,
}

impl Cells<'_> {
    /// An employee that counts only where there is no reason against it.
    fn employee(&mut self, company_id: i32) -> employee::Model {
        if !self.reasons.is_empty() {
            // which cell is which is not known
            return unread(company_id);
        }
        employee::Model {
            external_id: self.required(0),
            name: self.required(1),
            email: Some(self.text(2)).filter(|text| !text.is_empty()),
            department: self.required(3),
            salary: self.salary(4),
            hired_on: self.date(5),
            ..unread(company_id)
        }
    }

    fn text(&mut self, column: usize) -> String {
        let name = COLUMNS[column];
        let bytes = &self.record[self.header.positions[column]];
        let Ok(text) = std::str::from_utf8(bytes.trim_ascii()) else {
            let text = shown(&String::from_utf8_lossy(bytes));
            self.reasons.push(format!("{name} {text} is not UTF-8; save the file as CSV in UTF-8"));
            return String::new();
        };
        if text.contains('\0') {
            self.reasons.push(format!("{name} has a NUL character"));
        }
        if text.chars().count() > LONGEST_TEXT {
            self.reasons.push(format!("{name} is longer than {LONGEST_TEXT} characters"));
        }
        text.to_owned()
    }

    fn required(&mut self, column: usize) -> String {
        let before = self.reasons.len();
        let text = self.text(column);
        if text.is_empty() && self.reasons.len() == before {
            self.reasons.push(format!("{} is empty", COLUMNS[column]));
        }
        text
    }

    fn salary(&mut self, column: usize) -> Decimal {
        self.parsed(column, "is not an amount such as 4200 or 4200.50", |text| {
            let amount = Decimal::from_str_exact(text).ok()?;
            let fits = amount.normalize().scale() <= 2
                && (Decimal::ZERO..Decimal::from(10_000_000_000_u64)).contains(&amount);
            fits.then_some(amount)
        })
    }

    fn date(&mut self, column: usize) -> Date {
        self.parsed(column, "is not a date such as 2024-05-31", |text| {
            let date = Date::parse_from_str(text, "%Y-%m-%d").ok()?;
            let first = Date::from_ymd_opt(1900, 1, 1)?;
            let last = Date::from_ymd_opt(2999, 12, 31)?;
            (first..=last).contains(&date).then_some(date)
        })
    }

    fn parsed<T: Default>(
        &mut self,
        column: usize,
        otherwise: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let before = self.reasons.len();
        let text = self.required(column);
        let value = parse(&text);
        if value.is_none() && self.reasons.len() == before {
            self.reasons.push(format!("{} {} {otherwise}", COLUMNS[column], shown(&text)));
        }
        value.unwrap_or_default()
    }
}

fn unread(company_id: i32) -> employee::Model {
    employee::Model {
        id: 0,
        company_id,
        external_id: String::new(),
        name: String::new(),
        email: None,
        department: String::new(),
        salary: Decimal::ZERO,
        hired_on: Date::default(),
    }
}

/// A value in a message: quoted, and cut where it is long.
fn shown(text: &str) -> String {
    const SHOWN: usize = 40;
    let start: String = text.chars().take(SHOWN).collect();
    let rest = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    format!("\u{201c}{start}{rest}\u{201d}")
}

#[cfg(test)]
mod tests;

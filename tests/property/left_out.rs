//! What the drawn tables leave out for now, each with its reason.

use sea_orm::{
    DatabaseBackend::{MySql, Postgres, Sqlite},
    DbBackend,
};

/// What is left out of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The type, where it is declared so.
    Type,
    /// The values that the column stores as others.
    Rounded,
    /// The type as a key, or as a unique column.
    Key,
}

/// What is left out.
struct LeftOut {
    backends: &'static [DbBackend],
    /// The name of the type.
    name: &'static str,
    /// What is in the text of what it is declared as.
    declared: &'static str,
    part: Part,
    reason: &'static str,
}

const ALL: &[DbBackend] = &[Sqlite, Postgres, MySql];

const LEFT_OUT: &[LeftOut] = &[
    every(ALL, "big_decimal", Part::Rounded, "1E-30 and the like are updated on each run"),
    every(ALL, "big_decimal", Part::Key, "1E-30 and the like are not found again"),
    every(&[Sqlite], "decimal", Part::Key, "different floats are read as one decimal"),
    LeftOut {
        declared: "double(10, 2)",
        ..every(&[MySql], "double", Part::Type, "a DECIMAL is not read as f64")
    },
    every(&[Postgres, MySql], "short_string", Part::Rounded, "blanks beyond the length"),
    every(
        &[Postgres, MySql],
        "fixed_string",
        Part::Key,
        "a row with a padded key is not read back",
    ),
    every(ALL, "unix_timestamp", Part::Rounded, "fractions of a second"),
    every(&[Postgres], "strings", Part::Key, "varchar[] is not compared with text[]"),
    every(&[Postgres], "time", Part::Rounded, "the last nanoseconds of a day in a time(0)"),
    every(&[Postgres], "time", Part::Key, "the last nanoseconds of a day in a time(0)"),
    LeftOut {
        declared: "citext",
        ..every(&[Postgres], "string", Part::Type, "a type that has to be created first")
    },
    LeftOut {
        declared: "without_case",
        ..every(&[Postgres], "string", Part::Type, "a type that has to be created first")
    },
    LeftOut {
        declared: "citext",
        ..every(&[Postgres], "text", Part::Type, "a type that has to be created first")
    },
    LeftOut {
        declared: "without_case",
        ..every(&[Postgres], "text", Part::Type, "a type that has to be created first")
    },
    LeftOut {
        declared: "price",
        ..every(&[Postgres], "decimal", Part::Type, "a type that has to be created first")
    },
    LeftOut {
        declared: "price",
        ..every(&[Postgres], "big_decimal", Part::Type, "a type that has to be created first")
    },
    LeftOut {
        declared: "code",
        ..every(&[Postgres], "fixed_string", Part::Type, "a type that has to be created first")
    },
    LeftOut {
        declared: "timestamp(0)",
        ..every(&[Postgres], "date_times", Part::Type, "the driver panics beyond the last year")
    },
    every(&[Postgres], "date_times", Part::Key, "elements of a key are not rounded"),
    every(&[Postgres], "json_binary", Part::Key, "numbers of a key are not written alike"),
];

/// Models with keys that differ and are equal to the database: whether both are
/// created is known to `exec` alone.
pub const SPELLINGS_OF_ONE_KEY: bool = true;

/// A part of a type, whatever it is declared as.
const fn every(
    backends: &'static [DbBackend],
    name: &'static str,
    part: Part,
    reason: &'static str,
) -> LeftOut {
    LeftOut { backends, name, declared: "", part, reason }
}

/// Why a part of a type is left out, where it is.
pub fn left_out(
    backend: DbBackend,
    name: &str,
    declared: &str,
    part: Part,
) -> Option<&'static str> {
    let mut all = LEFT_OUT.iter();
    let found = all.find(|left_out| {
        left_out.backends.contains(&backend)
            && (left_out.name, left_out.part) == (name, part)
            && declared.contains(left_out.declared)
    });
    found.map(|left_out| left_out.reason)
}

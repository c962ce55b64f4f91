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

/// What is left out: on which backends, the name of the type, what is in the
/// text of what it is declared as, which part, and why.
struct LeftOut(&'static [DbBackend], &'static str, &'static str, Part, &'static str);

const ALL: &[DbBackend] = &[Sqlite, Postgres, MySql];

const LEFT_OUT: &[LeftOut] = &[
    LeftOut(ALL, "big_decimal", "", Part::Rounded, "1E-30 and the like are updated on each run"),
    LeftOut(ALL, "big_decimal", "", Part::Key, "1E-30 and the like are not found again"),
    LeftOut(&[Sqlite], "decimal", "", Part::Key, "two floats can be read as one decimal"),
    LeftOut(&[MySql], "double", "double(10, 2)", Part::Type, "a CAST to DECIMAL is not read"),
    LeftOut(&[Postgres, MySql], "short_string", "", Part::Rounded, "blanks beyond the length"),
    LeftOut(&[Postgres, MySql], "fixed_string", "", Part::Key, "a padded key is not read back"),
    LeftOut(ALL, "unix_timestamp", "", Part::Rounded, "fractions of a second"),
    LeftOut(&[Postgres], "strings", "", Part::Key, "varchar[] is compared with text[]"),
    LeftOut(&[Postgres], "date_times", "", Part::Key, "elements are not rounded in a key"),
];

/// Whether a part of a type is left out.
pub fn is_left_out(backend: DbBackend, name: &str, declared: &str, part: Part) -> bool {
    LEFT_OUT.iter().any(|LeftOut(backends, left_out, declared_as, of, _)| {
        backends.contains(&backend)
            && (*left_out, *of) == (name, part)
            && declared.contains(declared_as)
    })
}

//! What is tested of a column type.

use sea_orm::DbBackend;

/// A column type: the values to try, and how a backend may change them.
#[derive(Clone)]
pub struct Column<T> {
    /// Two different values that every backend stores as they are.
    pub plain: [T; 2],
    /// The values to try.
    pub hostile: Vec<T>,
    /// Whether a value that was read is the one that was written, as nearly as
    /// the column can hold it.
    pub near: fn(&T, &T) -> bool,
    /// The types that the column is declared as, besides the entity's own.
    pub declared: fn(DbBackend) -> &'static [&'static str],
    /// The backends that have no such type, and why.
    pub missing: &'static [(DbBackend, &'static str)],
    /// The nearest other value that the column stores, where one of the plain
    /// values would be a greater change.
    pub step: fn(&T, Place) -> Option<T>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The backend.
    pub backend: DbBackend,
    /// Its type, where it is not the entity's own.
    pub declared: Option<&'static str>,
}

impl Place {
    /// The last of the numbers in the declared type.
    pub fn digits(self) -> Option<u32> {
        let (_, arguments) = self.declared?.trim_end_matches(')').split_once('(')?;
        arguments.rsplit(',').next()?.trim().parse().ok()
    }
}

impl<T: PartialEq> Column<T> {
    /// A type whose values come back as they are.
    pub fn new(plain: [T; 2], hostile: impl Into<Vec<T>>) -> Self {
        Self {
            plain,
            hostile: hostile.into(),
            near: T::eq,
            declared: |_| &[],
            missing: &[],
            step: |_, _| None,
        }
    }

    /// How to get from a value to the nearest one that is stored as another.
    #[must_use]
    pub fn step(mut self, step: fn(&T, Place) -> Option<T>) -> Self {
        self.step = step;
        self
    }

    /// A type whose values come back changed.
    pub fn near(mut self, near: fn(&T, &T) -> bool) -> Self {
        self.near = near;
        self
    }

    /// Columns that are declared as other types than the entity says.
    pub fn declared(mut self, declared: fn(DbBackend) -> &'static [&'static str]) -> Self {
        self.declared = declared;
        self
    }

    /// Backends that do not have the type.
    pub fn missing(mut self, missing: &'static [(DbBackend, &'static str)]) -> Self {
        self.missing = missing;
        self
    }
}

/// Arrays are for PostgreSQL.
pub const NO_ARRAYS: &[(DbBackend, &str)] =
    &[(DbBackend::Sqlite, "no arrays"), (DbBackend::MySql, "no arrays")];

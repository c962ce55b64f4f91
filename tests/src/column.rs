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
}

impl<T: PartialEq> Column<T> {
    /// A type whose values come back as they are.
    pub fn new(plain: [T; 2], hostile: impl Into<Vec<T>>) -> Self {
        Self { plain, hostile: hostile.into(), near: T::eq, declared: |_| &[], missing: &[] }
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

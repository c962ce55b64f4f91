//! What the backends do differently, as data.

use sea_orm::{DbBackend, sea_query::LockType};

/// How a statement is given many rows as a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowSource {
    /// `UNNEST` of one array a column, where each type has an array; else `VALUES`.
    Unnest,
    /// A common table expression of `VALUES`.
    Values,
    /// `SELECT .. UNION ALL SELECT ..`.
    UnionAll,
}

/// How one sync of a scope keeps others of it from writing at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeLock {
    /// The database has one writer at a time, and a transaction one snapshot.
    Database,
    /// A lock of the transaction that has a name.
    Advisory,
    /// The lock of the first row in scope.
    FirstRow,
}

/// A backend's limits and ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// The backend.
    pub backend: DbBackend,
    /// The most parameters that one statement takes.
    pub max_parameters: usize,
    /// How a statement is given many rows.
    pub row_source: RowSource,
    /// Whether `(a, b) IN ((1, 2), (3, 4))` is understood; SQLite takes a subquery only.
    pub tuple_lists: bool,
    /// The most values in a list of keys to write: with 32,000, MariaDB goes
    /// through the whole index (`optimizer_max_sel_arg_weight`).
    pub listed_values: usize,
    /// How many rows are taken from a stream before they are looked at. SQLite's
    /// driver allocates a row in one thread and frees it in another, and both
    /// wait for one lock unless they take turns.
    pub rows_at_once: usize,
    /// How many rows of values share a row of the table in a statement that
    /// only casts them: a `SELECT` of its own for each is what costs on MySQL.
    pub packed_rows: usize,
    /// How many pairs of values are compared in a statement.
    pub compared_pairs: usize,
    /// Whether columns of text often hold different texts equal.
    pub loose_text: bool,
    /// How syncs of one scope are kept apart.
    pub scope_lock: ScopeLock,
    /// How rows to update are locked: what refers to them need not wait, where that can
    /// be told from a delete.
    pub update_lock: LockType,
}

const POSTGRES: Dialect = Dialect {
    backend: DbBackend::Postgres,
    max_parameters: 65_535,
    row_source: RowSource::Unnest,
    tuple_lists: true,
    listed_values: usize::MAX,
    rows_at_once: 64,
    packed_rows: 1,
    compared_pairs: 5_000,
    loose_text: false,
    scope_lock: ScopeLock::Advisory,
    update_lock: LockType::NoKeyUpdate,
};

const MYSQL: Dialect = Dialect {
    backend: DbBackend::MySql,
    max_parameters: 65_535,
    row_source: RowSource::UnionAll,
    tuple_lists: true,
    listed_values: 10_000,
    rows_at_once: 64,
    packed_rows: 16,
    compared_pairs: 1_000,
    loose_text: true,
    scope_lock: ScopeLock::FirstRow,
    update_lock: LockType::Update,
};

const SQLITE: Dialect = Dialect {
    backend: DbBackend::Sqlite,
    max_parameters: 32_766,
    row_source: RowSource::Values,
    tuple_lists: false,
    listed_values: usize::MAX,
    rows_at_once: 1_000,
    packed_rows: 1,
    compared_pairs: 5_000,
    loose_text: true,
    scope_lock: ScopeLock::Database,
    update_lock: LockType::Update,
};

impl Dialect {
    /// The dialect of a backend; of one that this crate does not know, SQLite's,
    /// the plainest SQL with the lowest limit.
    pub const fn of(backend: DbBackend) -> Self {
        match backend {
            DbBackend::Postgres => POSTGRES,
            DbBackend::MySql => MYSQL,
            _ => SQLITE,
        }
    }
}

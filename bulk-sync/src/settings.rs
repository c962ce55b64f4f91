//! What a call may and may not do, apart from its choice of columns.

use std::time::Duration;

use sea_orm::IsolationLevel;

use crate::{progress::OnProgress, scope::Scope};

/// The options of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// Rows a statement; `None` lets the library choose.
    pub batch_size: Option<usize>,
    /// Create no rows.
    pub skip_creates: bool,
    /// Update no rows.
    pub skip_updates: bool,
    /// Delete no rows.
    pub skip_deletes: bool,
    /// No models may delete rows.
    pub allow_empty: bool,
    /// The most rows that may be deleted.
    pub max_deletes: Option<u64>,
    /// The largest share of the rows in scope that may be deleted.
    pub max_delete_share: Option<f64>,
    /// The most rows that may be updated.
    pub max_updates: Option<u64>,
    /// Delete rows of the table that repeat a key.
    pub delete_duplicates: bool,
    /// How often the call may be tried; `None` lets the library choose.
    pub max_tries: Option<u32>,
    /// The longest that the call may take.
    pub timeout: Option<Duration>,
    /// The isolation level of the transaction; `None` lets the library choose.
    pub isolation_level: Option<IsolationLevel>,
    /// Lock this scope; `None` for the one that is synced.
    pub scope_lock: Option<Scope>,
    /// Take no lock of the scope on PostgreSQL.
    pub skip_scope_lock: bool,
    /// Which of several models with one key counts.
    pub repeated_keys: RepeatedKeys,
    /// Whom to tell how far the call is.
    pub on_progress: Option<OnProgress>,
}

/// What becomes of several models with the same key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RepeatedKeys {
    /// They are an error.
    #[default]
    Refuse,
    /// The first one counts.
    First,
    /// The last one counts.
    Last,
}

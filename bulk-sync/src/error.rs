//! What can go wrong, and what to do about it.

use std::fmt;

use sea_orm::{DbErr, SqlErr};

use crate::{storable::ValueFault, transient::is_transient};

/// How many keys or faults a message lists before it counts the rest.
const LISTED: usize = 5;

/// Why a sync did nothing. Unless a variant says otherwise, the table is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The call cannot be carried out as given. Found before any I/O, but for
    /// keys that are the same to the database alone, and for dates, times and
    /// decimals outside of the key, which are looked at in rows to write.
    #[error("cannot sync {table}: {}", listed(faults, "; "))]
    InvalidInput {
        /// The table.
        table: String,
        /// Everything that is wrong with the call.
        faults: Vec<InputFault>,
    },
    /// No models were given, and that would delete rows.
    #[error(
        "no models were given for {table}, which would delete {would_delete} rows; \
         if that is meant, call allow_empty()"
    )]
    EmptyInput {
        /// The table.
        table: String,
        /// The number of rows that would be deleted.
        would_delete: u64,
    },
    /// More rows would be deleted than the call allows.
    #[error(
        "{would_delete} of the {in_scope} rows in scope of {table} would be deleted, and {option} \
         allows {limit}; if that is meant, raise it: {}",
        listed(keys, "; ")
    )]
    TooManyDeletes {
        /// The table.
        table: String,
        /// The number of rows that would be deleted.
        would_delete: u64,
        /// The number of rows in scope.
        in_scope: u64,
        /// The number that the call allows.
        limit: u64,
        /// The option that sets the limit.
        option: &'static str,
        /// The keys of the first of the rows.
        keys: Vec<String>,
    },
    /// More rows would be updated than the call allows.
    #[error(
        "{would_update} of the {in_scope} rows in scope of {table} would be updated, and \
         max_updates allows {limit}; if that is meant, raise it: {}",
        listed(keys, "; ")
    )]
    TooManyUpdates {
        /// The table.
        table: String,
        /// The number of rows that would be updated.
        would_update: u64,
        /// The number of rows in scope.
        in_scope: u64,
        /// The number that the call allows.
        limit: u64,
        /// The keys of the first of the rows.
        keys: Vec<String>,
    },
    /// After the sync, these rows would not be in the scope, or rows would be
    /// in it that no model was given for.
    #[error(
        "the rows in scope of {table} would not be the models given: {}; give only models that \
         meet the condition, or widen it",
        listed(keys, "; ")
    )]
    OutOfScope {
        /// The table.
        table: String,
        /// What is wrong, with the key of each row.
        keys: Vec<String>,
    },
    /// Rows in scope have the same key, so that it is not known which to update.
    #[error(
        "several rows in scope of {table} have the same key: {}; remove all but one of each, or \
         call delete_duplicates() to keep the one with the lowest primary key",
        listed(keys, "; ")
    )]
    DuplicateRows {
        /// The table.
        table: String,
        /// The keys.
        keys: Vec<String>,
    },
    /// Rows are no longer as the plan found them.
    #[error("{table} has changed since the plan was made: {}; compare again", listed(rows, "; "))]
    StalePlan {
        /// The table.
        table: String,
        /// The rows, each with what became of it.
        rows: Vec<String>,
    },
    /// A unique index or a foreign key forbids the change.
    #[error(
        "{action} {table}: a constraint forbids it, at one of {}: {constraint}",
        listed(keys, "; ")
    )]
    Constraint {
        /// The table.
        table: String,
        /// What was being done.
        action: Action,
        /// What the database says.
        constraint: String,
        /// The keys of the rows that were being written.
        keys: Vec<String>,
        /// The error of the database.
        source: Box<DbErr>,
    },
    /// The database refused a statement.
    #[error("{action} {table}: the database refused")]
    Statement {
        /// The table.
        table: String,
        /// What was being done.
        action: Action,
        /// The error of the database.
        source: Box<DbErr>,
    },
    /// Each time, another transaction was in the way: the last time as the
    /// source says.
    #[error(
        "{table}: tried {tries} times, and each time another transaction was in the way; try again \
         later, or allow more tries with max_tries()"
    )]
    TriesExhausted {
        /// The table.
        table: String,
        /// How often it was tried.
        tries: u32,
        /// What was in the way at last.
        source: Box<SyncError>,
    },
    /// The call took longer than it may.
    #[error("{table}: not done after {after:?}; allow more time with timeout()")]
    Timeout {
        /// The table.
        table: String,
        /// The time that the call had.
        after: std::time::Duration,
    },
    /// The transaction was to be committed, and no answer came: the table is
    /// as it was, or as it should be. To sync again is safe, as it compares first.
    #[error(
        "{table}: the connection was lost during the commit, so that its outcome is unknown; \
         sync again"
    )]
    OutcomeUnknown {
        /// The table.
        table: String,
        /// The error of the connection; none where the time of the call was over.
        source: Option<Box<DbErr>>,
    },
    /// The hook of the call refused the change, or ignored the error of a statement for
    /// which the database has given the transaction up.
    #[error("the change of {table} was refused")]
    Refused {
        /// The table.
        table: String,
        /// What the hook said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An error of the database outside of any statement on the table, as when
    /// no connection can be had.
    #[error(transparent)]
    Db(#[from] DbErr),
}

/// What a sync was doing when the database refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Reading the rows in scope, or rows that were just written.
    Read,
    /// Locking the scope, or the rows to write.
    Lock,
    /// Deleting rows.
    Delete,
    /// Updating rows.
    Update,
    /// Creating rows.
    Create,
    /// Proving that the rows in scope are the models given.
    Prove,
    /// Committing the transaction.
    Commit,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "reading from",
            Self::Lock => "locking rows of",
            Self::Delete => "deleting from",
            Self::Update => "updating",
            Self::Create => "creating rows in",
            Self::Prove => "proving the scope of",
            Self::Commit => "committing the changes of",
        })
    }
}

/// Something that is wrong with the models or the options of a call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputFault {
    /// The condition is empty.
    EmptyScope,
    /// The condition of a scope lock is empty.
    EmptyScopeLock,
    /// A row in scope does not meet the condition of the scope lock.
    NarrowScopeLock {
        /// The primary key of the row.
        row: String,
    },
    /// The batch size is 0.
    ZeroBatchSize,
    /// The number of tries is 0.
    ZeroTries,
    /// The call has an isolation level, and runs in a transaction of the caller.
    IsolationLevel,
    /// The isolation level is one at which other syncs of the scope can be overlooked.
    UnfitIsolationLevel,
    /// A share of rows is not a number from 0 to 1.
    Share {
        /// The number.
        share: f64,
    },
    /// No column is the key.
    NoKey,
    /// The entity has no primary key.
    NoPrimaryKey,
    /// An option names a column that the entity does not have.
    UnknownColumn {
        /// The column.
        column: &'static str,
    },
    /// An option that chooses columns to update names a column of the key.
    KeyColumn {
        /// The option.
        option: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A soft delete names no column, and would delete.
    NoStamp,
    /// A column that a soft delete stamps can neither be NULL nor is it a boolean.
    StampColumn {
        /// The column.
        column: &'static str,
    },
    /// Several models have the same key.
    DuplicateKey {
        /// The positions of the first and of the later model, from 0.
        positions: (usize, usize),
        /// The key.
        key: String,
    },
    /// The database holds the keys of several models equal, though they differ.
    EqualKeys {
        /// One of the keys.
        key: String,
    },
    /// A model has NULL, or nothing, in a column of the key.
    MissingKey {
        /// The position of the model, from 0.
        position: usize,
        /// The column.
        column: &'static str,
        /// The key as far as it is there.
        key: String,
    },
    /// A key that never equals itself.
    NanKey {
        /// The position of the model, from 0.
        position: usize,
        /// The column.
        column: &'static str,
    },
    /// A value that the database cannot store.
    Value {
        /// The position of the model, from 0.
        position: usize,
        /// The column.
        column: &'static str,
        /// The key of the model.
        key: String,
        /// What is wrong with the value.
        fault: ValueFault,
    },
}

impl fmt::Display for InputFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyScope => {
                f.write_str("the condition is empty; to sync the whole table, pass WholeTable")
            }
            Self::EmptyScopeLock => f.write_str(
                "the condition of scope_lock() is empty; to lock the whole table, pass WholeTable",
            ),
            Self::NarrowScopeLock { row } => write!(
                f,
                "scope_lock() takes a condition that all rows in scope meet; the row with the \
                 primary key {row} does not"
            ),
            Self::ZeroBatchSize => {
                f.write_str("the batch size is 0; pass None to let bulk-sync choose")
            }
            Self::ZeroTries => f.write_str("max_tries takes at least 1"),
            Self::IsolationLevel => f.write_str(
                "isolation_level() is for a transaction that the call begins; begin yours with it",
            ),
            Self::UnfitIsolationLevel => {
                f.write_str("isolation_level() takes ReadCommitted or Serializable")
            }
            Self::Share { share } => {
                write!(f, "max_delete_share takes a share from 0 to 1, not {share}")
            }
            Self::NoKey => f.write_str("key() names no column; name at least one"),
            Self::NoPrimaryKey => f.write_str("the entity has no primary key to update rows by"),
            Self::UnknownColumn { column } => write!(f, "the entity has no column {column}"),
            Self::KeyColumn { option, column } => write!(
                f,
                "{option}() names {column}, which is part of the key and never updated; leave it out"
            ),
            Self::NoStamp => f.write_str("soft_delete() names no column; name at least one"),
            Self::StampColumn { column } => write!(
                f,
                "soft_delete() names {column}, which could not be cleared again; name columns \
                 that can be NULL, or booleans"
            ),
            Self::DuplicateKey { positions: (first, later), key } => write!(
                f,
                "models {first} and {later} have the same key ({key}); remove one, or call \
                 first_wins() or last_wins()"
            ),
            Self::EqualKeys { key } => {
                write!(
                    f,
                    "several models have a key that the database holds equal to ({key}); give one"
                )
            }
            Self::MissingKey { position, column, key } => write!(
                f,
                "model {position} has no value in the key column {column} ({key}); set it"
            ),
            Self::NanKey { position, column } => write!(
                f,
                "model {position} has NaN in the key column {column}, which never equals a row; set a number"
            ),
            Self::Value { position, column, key, fault } => {
                write!(f, "model {position} ({key}), column {column}: {fault}")
            }
        }
    }
}

impl SyncError {
    /// Whether another transaction was in the way, so that the same call can
    /// succeed once its transaction is begun again and the rows are compared
    /// again: deadlocks, serialization failures, locks that were not had in
    /// time, rows that have changed since they were compared.
    ///
    /// A call that owns its transaction has done that itself, as often as
    /// [`max_tries`](crate::BulkSync::max_tries) allows. In a transaction of
    /// yours it is for you to do: roll back, begin, and do all of it again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::StalePlan { .. } | Self::TriesExhausted { .. } => true,
            Self::Constraint { source, .. } | Self::Statement { source, .. } => {
                is_transient(source)
            }
            Self::Db(source) => is_transient(source),
            Self::Refused { source, .. } => {
                if let Some(error) = source.downcast_ref::<Self>() {
                    error.is_retryable()
                } else {
                    source.downcast_ref::<DbErr>().is_some_and(is_transient)
                }
            }
            _ => false,
        }
    }

    /// Whether a unique index forbids the change.
    pub(crate) fn is_unique_violation(&self) -> bool {
        let Self::Constraint { source, .. } = self else { return false };
        matches!(source.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
    }
}

impl From<SyncError> for DbErr {
    /// The error of the database where there is one, else the message.
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Db(source) => source,
            SyncError::Constraint { source, .. }
            | SyncError::Statement { source, .. }
            | SyncError::OutcomeUnknown { source: Some(source), .. } => *source,
            SyncError::TriesExhausted { source, .. } => (*source).into(),
            error => Self::Custom(error.to_string()),
        }
    }
}

/// The first few, and how many more there are.
fn listed<T: fmt::Display>(items: &[T], separator: &str) -> String {
    let mut text = items.iter().take(LISTED).map(T::to_string).collect::<Vec<_>>().join(separator);
    if items.len() > LISTED {
        text.push_str(&format!("{separator}and {} more", items.len() - LISTED));
    }
    text
}

//! What can go wrong, as people and machines are told. None of it has changed a
//! row, unless it says that this is not known.

use std::{error::Error, io, sync::Arc};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bulk_sync::{InputFault, SyncError};
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::csv_file::{Faults, ReadError};

/// Why a request was not carried out.
#[derive(Clone, Debug)]
pub enum Problem {
    /// There is no such page, company or upload.
    NotFound(&'static str),
    /// A form without the token of this site.
    Forbidden,
    /// The request cannot be read.
    BadRequest(String),
    /// The body is not a CSV file.
    UnsupportedType,
    /// The file is larger than it may be.
    TooLarge {
        /// The largest, in bytes.
        limit: u64,
    },
    /// Lines of the file are faulty.
    Faulty(Arc<Faults>),
    /// The file is well formed, and the library refuses what is in it.
    Invalid(String),
    /// A guard refuses the plan.
    Guarded(String),
    /// The employees have changed since the plan was made.
    Stale,
    /// The database is away or busy.
    Unavailable(&'static str),
    /// A fault of the service; what it is stands in the log.
    Internal,
}

impl Problem {
    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Faulty(_) | Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Guarded(_) | Self::Stale => StatusCode::CONFLICT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// When it makes sense to try again.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if matches!(self, Self::Unavailable(_)) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        headers
    }

    /// A word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Forbidden => "forbidden",
            Self::BadRequest(_) => "bad_request",
            Self::UnsupportedType => "unsupported_type",
            Self::TooLarge { .. } => "too_large",
            Self::Faulty(_) => "faulty_lines",
            Self::Invalid(_) => "invalid_input",
            Self::Guarded(_) => "guarded",
            Self::Stale => "stale_plan",
            Self::Unavailable(_) => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The heading of the page.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Not found",
            Self::Forbidden => "This form is not from here",
            Self::BadRequest(_) => "The request cannot be read",
            Self::UnsupportedType => "This is not a CSV file",
            Self::TooLarge { .. } => "The file is too large",
            Self::Faulty(_) => "The file has faulty lines",
            Self::Invalid(_) => "The file cannot be imported",
            Self::Guarded(_) => "A guard stops this import",
            Self::Stale => "The plan is out of date",
            Self::Unavailable(_) => "The database does not answer",
            Self::Internal => "Something went wrong here",
        }
    }

    /// What happened and what to do, in a sentence or two.
    #[must_use]
    pub fn explanation(&self) -> String {
        match self {
            Self::NotFound(what) => (*what).into(),
            Self::Forbidden => "Nothing was changed. The page that the form stood on was not made \
                for this browser, or cookies are off. Open the page again and send it once more."
                .into(),
            Self::BadRequest(reason) => format!("Nothing was changed: {reason}."),
            Self::UnsupportedType => {
                "Send the file as the body of the request, with the content type text/csv.".into()
            }
            Self::TooLarge { limit } => format!(
                "Nothing was changed. A file may have {limit} bytes at most; split it, or raise \
                 MAX_UPLOAD_BYTES."
            ),
            Self::Faulty(faults) => format!(
                "Nothing was changed: {} of the file cannot be imported. Mend the file and upload \
                 it again.",
                match faults.total {
                    1 => "1 line".into(),
                    total => format!("{total} lines"),
                }
            ),
            Self::Invalid(reason) | Self::Guarded(reason) => {
                format!("Nothing was changed. {reason}")
            }
            Self::Stale => "Nothing was changed. The employees have changed since the plan was \
                made; look at the new plan."
                .into(),
            Self::Unavailable(reason) => format!("{reason} Try again in a moment."),
            Self::Internal => "Nothing was changed. The log of the service says more.".into(),
        }
    }

    /// Logs what people are not told.
    fn internal(error: &dyn Error) -> Self {
        eprintln!("error: {}", chain(error));
        Self::Internal
    }
}

/// How many faults of the library one message has.
const LISTED_FAULTS: usize = 20;

const AWAY: &str = "Nothing was changed: the database cannot be reached.";
const BUSY: &str = "Nothing was changed: others are writing to the same tables.";
const UNKNOWN: &str = "The connection was lost at the last moment, so that it is not known whether \
    the change was written. To try again is safe: the file is compared anew.";

impl From<DbErr> for Problem {
    fn from(error: DbErr) -> Self {
        if is_away(&error) {
            eprintln!("the database is away: {}", chain(&error));
            Self::Unavailable(AWAY)
        } else if SyncError::Db(error.clone()).is_retryable() {
            Self::Unavailable(BUSY)
        } else {
            Self::internal(&error)
        }
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::InvalidInput { faults, .. } => {
                Self::Invalid(faults.iter().take(LISTED_FAULTS).map(told).collect())
            }
            SyncError::EmptyInput { would_delete, .. } => Self::Guarded(format!(
                "The file has no employees, and all {would_delete} of the company would be removed. \
                 An empty file is never imported."
            )),
            SyncError::TooManyDeletes { would_delete, in_scope, limit, .. } => {
                Self::Guarded(format!(
                    "{would_delete} of {in_scope} employees would be removed, and one import may \
                     remove {limit} of them. Is the file complete? If it is, MAX_DELETE_SHARE has to be \
                     raised for it."
                ))
            }
            SyncError::StalePlan { .. } => Self::Stale,
            SyncError::TriesExhausted { .. } => Self::Unavailable(BUSY),
            SyncError::OutcomeUnknown { .. } => Self::Unavailable(UNKNOWN),
            error if error.is_retryable() => Self::Unavailable(BUSY),
            SyncError::Statement { source, .. } | SyncError::Constraint { source, .. } => {
                (*source).into()
            }
            SyncError::Refused { source, .. } => match source.downcast::<DbErr>() {
                Ok(source) => (*source).into(),
                Err(source) => Self::internal(&*source),
            },
            SyncError::Db(source) => source.into(),
            error => Self::internal(&error),
        }
    }
}

/// A fault that the library finds in well-formed lines, for somebody who has the
/// file and not the program.
fn told(fault: &InputFault) -> String {
    match fault {
        InputFault::DuplicateKey { key, .. } | InputFault::EqualKeys { key } => {
            format!("To the database, several lines have the key of one employee: {key}. ")
        }
        InputFault::Value { column, key, fault, .. } => format!("{column} of {key}: {fault}. "),
        fault => format!("{fault}. "),
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Faulty(faults) => Self::Faulty(Arc::new(faults)),
            ReadError::Io(error) => error.into(),
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<getrandom::Error> for Problem {
    fn from(error: getrandom::Error) -> Self {
        Self::internal(&error)
    }
}

/// Whether there is no connection, or it broke.
fn is_away(error: &DbErr) -> bool {
    let source = match error {
        DbErr::ConnectionAcquire(_) => return true,
        DbErr::Conn(source) | DbErr::Exec(source) | DbErr::Query(source) => source,
        _ => return false,
    };
    let RuntimeErr::SqlxError(source) = source else { return matches!(error, DbErr::Conn(_)) };
    match &**source {
        sqlx::Error::Database(error) => {
            // SQLSTATE: connection exceptions, the server shuts down or starts
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

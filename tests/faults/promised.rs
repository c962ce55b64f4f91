//! What the tests ask of the library and the driver, and where those fall short,
//! in one place.

use std::time::Duration;

use bulk_sync::{BulkSync, SyncError, SyncResult};
use bulk_sync_tests::entity::employee;
use sea_orm::{DatabaseConnection, DbBackend};

/// Whether the error says that nobody knows whether the sync was committed.
pub fn says_outcome_unknown(error: &SyncError) -> bool {
    matches!(error, SyncError::OutcomeUnknown { .. })
}

/// Whether the error says that nothing was committed.
pub fn says_not_committed(error: &SyncError) -> bool {
    !says_outcome_unknown(error)
}

/// Whether the driver, sqlx 0.9.0, no longer knows where the connection is when
/// a call is dropped at the request: one that has begun a savepoint without
/// knowing rolls back what was before it, and one that is to read the answer to a
/// `PREPARE` of MySQL waits for ever.
pub fn driver_loses_count(backend: DbBackend, request: &str) -> bool {
    let prepares = backend == DbBackend::MySql && request.starts_with("prepare");
    request.starts_with("SAVEPOINT") || prepares
}

/// Whether the error says that the server takes no statement of the size.
pub fn says_too_large(error: &str) -> bool {
    // to come: the first alone. The server says so and closes; where the client
    // still writes, what it has said is lost
    error.contains("max_allowed_packet")
        || error.contains("Connection reset")
        || error.contains("Broken pipe")
}

/// Syncs, and gives up after a time: then there is no result.
pub async fn given_time(
    sync: BulkSync<employee::Entity>,
    pool: &DatabaseConnection,
    time: Duration,
) -> Option<Result<SyncResult, SyncError>> {
    match sync.timeout(time).exec(pool).await {
        Err(SyncError::Timeout { .. } | SyncError::OutcomeUnknown { .. }) => None,
        result => Some(result),
    }
}

/// How a trigger of SQLite may raise. To come: `ROLLBACK`, which ends the
/// transaction without the driver's knowing, so that the next sync that fails on
/// the connection leaves the database locked.
pub const RAISES: &[&str] = &["FAIL"];

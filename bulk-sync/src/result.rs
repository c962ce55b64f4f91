//! What a sync did.

use std::fmt;

/// The number of rows that a sync created, updated, deleted and left alone.
///
/// ```
/// let result = bulk_sync::SyncResult::default();
/// assert_eq!(result.to_string(), "0 created, 0 updated, 0 deleted, 0 unchanged");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncResult {
    /// Rows that were missing and are there now.
    pub created: u64,
    /// Rows that differed from their model and equal it now.
    pub updated: u64,
    /// Rows that no model was given for and that are gone now.
    pub deleted: u64,
    /// Rows that were soft-deleted and are back, changed or not. They are not
    /// counted as updated.
    pub revived: u64,
    /// Rows that equalled their model and were not written.
    pub unchanged: u64,
    /// The columns in which updated rows differed, with the number of rows.
    pub(crate) columns: Vec<(&'static str, u64)>,
}

impl SyncResult {
    /// The columns in which updated rows differed, each with the number of
    /// rows, in the order of the entity; columns without a difference are left out.
    pub fn changed_columns(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.columns.iter().copied()
    }

    /// Whether no row was written.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.created == 0 && self.updated == 0 && self.deleted == 0 && self.revived == 0
    }
}

impl fmt::Display for SyncResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, updated, deleted, revived, unchanged, .. } = self;
        write!(
            f,
            "{created} created, {updated} updated, {deleted} deleted, {unchanged} unchanged"
        )?;
        if *revived > 0 {
            write!(f, ", {revived} revived")?;
        }
        Ok(())
    }
}

/// What a sync did, and the rows themselves, as they are in the table (of
/// deleted rows: as they were).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncReturning<M> {
    /// The counts.
    pub result: SyncResult,
    /// The rows that were created, with the keys that the database gave them.
    pub created: Vec<M>,
    /// The rows that were updated.
    pub updated: Vec<M>,
    /// The rows that were deleted.
    pub deleted: Vec<M>,
}

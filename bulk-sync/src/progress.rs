//! Tells the caller how far a call is, a batch or a thousand rows at a time.

use std::{fmt, sync::Arc};

use crate::settings::Settings;

/// Rows that are read between two reports.
const ROWS: u64 = 1_000;

/// How far a call is; given to the callback of
/// [`on_progress`](crate::BulkSync::on_progress).
///
/// ```
/// use bulk_sync::{Phase, Progress};
///
/// fn line(progress: Progress) -> String {
///     match progress.expected {
///         Some(expected) => format!("{}: {} of {expected}", progress.phase, progress.done),
///         None => format!("{}: {}", progress.phase, progress.done),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Progress {
    /// What the call is doing.
    pub phase: Phase,
    /// Rows that the phase has dealt with; 0 when it begins.
    pub done: u64,
    /// Rows that the phase has to deal with in all, where that is known. A
    /// phase that has come to its end has done as many.
    pub expected: Option<u64>,
}

/// What a call is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Reading the rows in scope. Each is looked up among the models and
    /// compared as it arrives; how many there are is known at the end.
    Reading,
    /// Comparing again the rows that differ: where Rust alone cannot tell, the
    /// database does, and rows to write are locked and looked at once more.
    Comparing,
    /// Deleting rows, or stamping them.
    Deleting,
    /// Updating rows, and reviving them.
    Updating,
    /// Creating rows.
    Creating,
    /// Proving that the rows in scope are the models.
    Proving,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Reading => "reading",
            Self::Comparing => "comparing",
            Self::Deleting => "deleting",
            Self::Updating => "updating",
            Self::Creating => "creating",
            Self::Proving => "proving",
        })
    }
}

/// The callback of a call.
#[derive(Clone)]
pub(crate) struct OnProgress(Arc<dyn Fn(Progress) + Send + Sync>);

impl OnProgress {
    pub fn new(callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(callback))
    }
}

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnProgress").finish_non_exhaustive()
    }
}

/// Counts the rows of one phase, and reports them.
pub(crate) struct Meter {
    callback: Option<OnProgress>,
    progress: Progress,
}

impl Meter {
    /// Begins to read rows; how many there are is not known.
    pub fn reading(settings: &Settings) -> Self {
        let progress = Progress { phase: Phase::Reading, done: 0, expected: None };
        let meter = Self { callback: settings.on_progress.clone(), progress };
        meter.report();
        meter
    }

    /// Begins a phase of this many rows; one without rows reports nothing.
    pub fn begin(settings: &Settings, phase: Phase, expected: usize) -> Self {
        let meter = Self::resume(settings, phase, 0, expected);
        meter.report();
        meter
    }

    /// Goes on with a phase of which this many rows are done.
    pub fn resume(settings: &Settings, phase: Phase, done: usize, expected: usize) -> Self {
        let progress = Progress { phase, done: done as u64, expected: Some(expected as u64) };
        Self { callback: settings.on_progress.clone().filter(|_| expected > 0), progress }
    }

    /// Counts rows that are part of another phase.
    pub fn silent() -> Self {
        let progress = Progress { phase: Phase::Reading, done: 0, expected: None };
        Self { callback: None, progress }
    }

    /// One more row was read.
    pub fn row(&mut self) {
        self.progress.done += 1;
        if self.progress.done.is_multiple_of(ROWS) {
            self.report();
        }
    }

    /// A batch of rows is done.
    pub fn rows(&mut self, rows: usize) {
        if rows > 0 {
            self.progress.done += rows as u64;
            self.report();
        }
    }

    /// All rows of the phase are done, or all that there are have been read.
    pub fn end(mut self) {
        self.progress.done = *self.progress.expected.get_or_insert(self.progress.done);
        self.report();
    }

    fn report(&self) {
        if let Some(OnProgress(callback)) = &self.callback {
            callback(self.progress);
        }
    }
}

//! What a call says to `tracing`: a span a call, an event a statement that
//! writes rows or a pass over them. Counts, names and times; a value of a row
//! is in the text of an error alone, and that is told at TRACE.
//!
//! Numbers are `i64` and `f64`, as OpenTelemetry has no others.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use sea_orm::{DbBackend, EntityTrait};
use tracing::{Level, Span, field::Empty};

use crate::{SyncError, SyncResult, plan::Task, progress::Phase};

/// The span of a call, and what is counted for it.
#[derive(Clone)]
pub(crate) struct Trace {
    span: Span,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    tries: AtomicI64,
    batches: AtomicI64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { span: Span::none(), counts: Arc::default() }
    }
}

impl Trace {
    /// The span of a call, named after the method, which is not entered here.
    pub fn begin<E: EntityTrait>(
        call: &'static str,
        task: &Task<E>,
        backend: DbBackend,
        models: usize,
    ) -> Self {
        let span = tracing::info_span!(
            target: "bulk_sync",
            "bulk_sync",
            call,
            table = task.table,
            backend = ?backend,
            models = number(models),
            created = Empty,
            updated = Empty,
            deleted = Empty,
            revived = Empty,
            unchanged = Empty,
            tries = Empty,
            batches = Empty,
            error = Empty,
        );
        Self { span, counts: Arc::default() }
    }

    /// The span, to run the call in.
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// A try begins.
    pub fn try_begins(&self) {
        self.counts.tries.fetch_add(1, Ordering::Relaxed);
    }

    /// The call has ended; the counts are given where it has some.
    pub fn end(&self, outcome: Result<Option<SyncResult>, &SyncError>) {
        self.span.record("tries", self.counts.tries.load(Ordering::Relaxed));
        self.span.record("batches", self.counts.batches.load(Ordering::Relaxed));
        match outcome {
            Ok(Some(result)) => {
                self.span.record("created", number(result.created));
                self.span.record("updated", number(result.updated));
                self.span.record("deleted", number(result.deleted));
                self.span.record("revived", number(result.revived));
                self.span.record("unchanged", number(result.unchanged));
            }
            Ok(None) => {}
            Err(error) => {
                self.span.record("error", name(error));
                let _entered = self.span.enter();
                tracing::trace!(target: "bulk_sync", error = %Causes(error), "failed");
            }
        }
    }

    /// Whether anybody wants to know the counts of a call.
    pub fn is_on(&self) -> bool {
        !self.span.is_disabled()
    }
}

/// This many tries have failed, and there will be another one.
pub(crate) fn tries_again(tries: u32, error: &SyncError) {
    tracing::debug!(target: "bulk_sync", tries = i64::from(tries), error = name(error), "tries again");
    tracing::trace!(target: "bulk_sync", error = %Causes(error), "tries again");
}

/// A statement or a pass over rows that has begun.
pub(crate) struct Step {
    phase: Phase,
    since: Option<Instant>,
}

impl Step {
    /// Begins it. The clock is read where somebody wants to know.
    pub fn begin(phase: Phase) -> Self {
        let is_on = tracing::enabled!(target: "bulk_sync", Level::DEBUG);
        Self { phase, since: is_on.then(Instant::now) }
    }

    /// A pass over this many rows has ended.
    pub fn end(self, rows: impl TryInto<i64>) {
        if let Some(since) = self.since {
            let elapsed_ms = since.elapsed().as_secs_f64() * 1_000.0;
            let (phase, rows) = (tracing::field::display(self.phase), number(rows));
            tracing::debug!(target: "bulk_sync", phase, rows, elapsed_ms, "rows");
        }
    }

    /// A statement that writes this many rows has ended.
    pub fn end_batch(self, rows: usize, trace: &Trace) {
        trace.counts.batches.fetch_add(1, Ordering::Relaxed);
        self.end(rows);
    }
}

/// An error with its causes: what the database says has values in it.
struct Causes<'a>(&'a SyncError);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// The name of an error, which has no value of a row in it.
fn name(error: &SyncError) -> &'static str {
    match error {
        SyncError::InvalidInput { .. } => "InvalidInput",
        SyncError::EmptyInput { .. } => "EmptyInput",
        SyncError::TooManyDeletes { .. } => "TooManyDeletes",
        SyncError::TooManyUpdates { .. } => "TooManyUpdates",
        SyncError::OutOfScope { .. } => "OutOfScope",
        SyncError::DuplicateRows { .. } => "DuplicateRows",
        SyncError::StalePlan { .. } => "StalePlan",
        SyncError::Constraint { .. } => "Constraint",
        SyncError::Statement { .. } => "Statement",
        SyncError::TriesExhausted { .. } => "TriesExhausted",
        SyncError::Timeout { .. } => "Timeout",
        SyncError::OutcomeUnknown { .. } => "OutcomeUnknown",
        SyncError::Refused { .. } => "Refused",
        SyncError::Db(_) => "Db",
    }
}

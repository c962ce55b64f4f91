//! What everybody did, and when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use crate::entry::Model;

/// When something began and ended, by a clock that everybody shares: what
/// ended before something else began came before it.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: u64,
    pub end: u64,
}

impl Span {
    /// Whether this was over when the other one began.
    pub fn is_before(self, other: Self) -> bool {
        self.end < other.start
    }
}

/// What a sync was given: the codes of each tenant of its scope.
pub type Input = BTreeMap<i32, BTreeSet<i32>>;

/// A call that has returned.
#[derive(Clone, Debug)]
pub struct Sync {
    pub generation: i64,
    pub input: Input,
    pub span: Span,
    /// Whether it said that it was done.
    pub done: bool,
}

/// The table as one SELECT saw it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub span: Span,
    pub rows: Vec<Model>,
}

/// What a writer has committed.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A row that nobody else may touch is so from now on, or gone.
    Own(i64, Option<Model>),
    /// A row in scope got this generation, which is below zero.
    Mark(i64),
    /// A row with this generation, which is below zero, came into the scope.
    Add(i64),
    /// A row in scope got this counter.
    Count(i64, i64),
    /// A row of this tenant and code has left the scope.
    Remove(i32, i32),
}

/// All that happened.
#[derive(Default)]
pub struct History {
    clock: AtomicU64,
    generations: AtomicI64,
    marks: AtomicI64,
    syncs: Mutex<Vec<Sync>>,
    deeds: Mutex<Vec<(Span, Deed)>>,
    snapshots: Mutex<Vec<Snapshot>>,
    errors: Mutex<BTreeMap<(bool, String), (usize, String)>>,
}

impl History {
    /// The time, which is never the same twice.
    pub fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// The time since then.
    pub fn since(&self, start: u64) -> Span {
        Span { start, end: self.now() }
    }

    /// A generation of nobody's.
    pub fn next_generation(&self) -> i64 {
        self.generations.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// A generation for the change of a writer.
    pub fn next_mark(&self) -> i64 {
        -self.marks.fetch_add(1, Ordering::SeqCst) - 1
    }

    pub fn add_sync(&self, sync: Sync) {
        lock(&self.syncs).push(sync);
    }

    pub fn add_deeds(&self, span: Span, deeds: Vec<Deed>) {
        lock(&self.deeds).extend(deeds.into_iter().map(|deed| (span, deed)));
    }

    pub fn add_snapshot(&self, snapshot: Snapshot) {
        lock(&self.snapshots).push(snapshot);
    }

    /// Counts an error by its kind; the first of each is kept.
    pub fn add_error(&self, is_retryable: bool, kind: String, text: String) {
        lock(&self.errors).entry((is_retryable, kind)).or_insert((0, text)).0 += 1;
    }

    pub fn syncs(&self) -> Vec<Sync> {
        lock(&self.syncs).clone()
    }

    pub fn deeds(&self) -> Vec<(Span, Deed)> {
        lock(&self.deeds).clone()
    }

    pub fn snapshots(&self) -> Vec<Snapshot> {
        lock(&self.snapshots).clone()
    }

    /// By whether they are retryable, and their kind: how many, and the first.
    pub fn errors(&self) -> BTreeMap<(bool, String), (usize, String)> {
        lock(&self.errors).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

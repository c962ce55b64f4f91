//! What is wrong with the snapshots, by the history.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    entry::Model,
    history::{Deed, History, Snapshot, Span, Sync},
};

/// Violations by the promise that they break: how many, and the first.
#[derive(Default)]
pub struct Judgement {
    violations: BTreeMap<&'static str, (usize, String)>,
}

impl Judgement {
    /// Syncs may fail only in ways after which they can be tried again, and that
    /// seldom, as they are tried again already.
    pub fn of_errors(history: &History) -> Self {
        let mut judgement = Self::default();
        for ((is_retryable, _), (count, first)) in history.errors() {
            if !is_retryable {
                let violation =
                    judgement.violations.entry("no error but retryable ones").or_default();
                violation.0 += count;
                violation.1.push_str(&format!("{count} × {first:.300} "));
            }
        }
        let syncs = history.syncs();
        let done = syncs.iter().filter(|sync| sync.done).count();
        if done * 4 < syncs.len() * 3 {
            judgement.add("most syncs succeed", || format!("{done} of {}", syncs.len()));
        }
        judgement
    }

    fn add(&mut self, promise: &'static str, text: impl FnOnce() -> String) {
        let violation = self.violations.entry(promise).or_insert_with(|| (0, text()));
        violation.0 += 1;
    }

    /// What happened, in a line.
    pub fn tally(&self, history: &History) -> String {
        let syncs = history.syncs();
        let done = syncs.iter().filter(|sync| sync.done).count();
        let errors: Vec<_> = history
            .errors()
            .into_iter()
            .map(|((is_retryable, kind), (count, _))| {
                format!("{count} {}{kind}", if is_retryable { "retryable " } else { "" })
            })
            .collect();
        let (snapshots, deeds) = (history.snapshots().len(), history.deeds().len());
        format!(
            "{done} of {} syncs done ({}), {deeds} changes of writers, {snapshots} snapshots",
            syncs.len(),
            errors.join(", ")
        )
    }

    /// The violations, if there are any.
    pub fn failure(&self) -> Option<String> {
        let line = |(promise, (count, first)): (&&str, &(usize, String))| {
            format!("  {count} × against \"{promise}\": {first}")
        };
        let lines: Vec<_> = self.violations.iter().map(line).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// No row is half of one change and half of another, and no two rows in
    /// scope have one key.
    pub fn rows(&mut self, history: &History) {
        for snapshot in history.snapshots() {
            let mut keys = BTreeSet::new();
            for row in &snapshot.rows {
                if !row.is_whole() {
                    self.add("rows are whole", || format!("{row:?}"));
                }
                if row.is_free() && !keys.insert((row.tenant, row.code)) {
                    self.add("no key is there twice", || text(&snapshot, row.tenant));
                }
            }
        }
    }

    /// The rows of a tenant are of one input, and all of it, but for what
    /// writers have done since; and it is the last one.
    pub fn inputs(&mut self, history: &History, tenant: i32) {
        let syncs: Vec<Sync> =
            history.syncs().into_iter().filter(|sync| sync.input.contains_key(&tenant)).collect();
        let removals = removals(history, tenant);
        for snapshot in history.snapshots() {
            let rows = free_rows(&snapshot, tenant);
            let generations: BTreeSet<i64> =
                rows.iter().map(|row| row.generation).filter(|g| *g > 0).collect();
            let text = || text(&snapshot, tenant);
            if generations.len() > 1 {
                self.add("no mix of two inputs", text);
                continue;
            }
            let Some(&generation) = generations.first() else {
                // nothing, or nothing but what writers have put there
                let settled = |sync: &Sync| sync.done && sync.span.is_before(snapshot.span);
                if removals.is_empty() && syncs.iter().any(settled) {
                    self.add("no input is lost", text);
                }
                continue;
            };
            let same: Vec<&Sync> = syncs.iter().filter(|s| s.generation == generation).collect();
            let Some(input) = same.first().map(|sync| &sync.input[&tenant]) else {
                self.add("no row of another scope", text);
                continue;
            };
            let mine = |row: &&Model| row.generation > 0;
            if rows.iter().copied().filter(mine).any(|row| !input.contains(&row.code)) {
                self.add("no row that the input does not have", text);
            }
            let began = same.iter().map(|sync| sync.span.start).min().unwrap_or_default();
            let explained = |code: i32| {
                let after = |span: &Span| span.end > began && span.start < snapshot.span.end;
                rows.iter().any(|row| row.code == code)
                    || removals.iter().any(|(span, gone)| *gone == code && after(span))
            };
            if !input.iter().all(|code| explained(*code)) {
                self.add("no row of the input is missing", text);
            }
            self.is_last(&syncs, &same, &snapshot, tenant);
        }
    }

    /// One of the syncs with this input was the last that was over when the
    /// snapshot was taken, or was under way.
    fn is_last(&mut self, syncs: &[Sync], same: &[&Sync], snapshot: &Snapshot, tenant: i32) {
        if same.iter().all(|sync| !sync.done && sync.span.is_before(snapshot.span)) {
            self.add("no trace of a sync that failed", || text(snapshot, tenant));
            return;
        }
        let is_possible = |sync: &&&Sync| {
            let replaced = |later: &Sync| {
                later.done && sync.span.is_before(later.span) && later.span.is_before(snapshot.span)
            };
            sync.done && sync.span.start < snapshot.span.end && !syncs.iter().any(replaced)
        };
        if !same.iter().any(|sync| is_possible(&sync)) {
            self.add("the input is the last one", || text(snapshot, tenant));
        }
    }

    /// Rows that a writer has taken out of scope, or that never were in it, are
    /// as that writer left them.
    pub fn owned_rows(&mut self, history: &History) {
        let mut versions: HashMap<i64, Vec<(Span, Option<Model>)>> = HashMap::new();
        for (span, deed) in history.deeds() {
            if let Deed::Own(id, row) = deed {
                versions.entry(id).or_default().push((span, row));
            }
        }
        for snapshot in history.snapshots() {
            let rows: HashMap<i64, &Model> =
                snapshot.rows.iter().map(|row| (row.id, row)).collect();
            for (id, versions) in &versions {
                let row = rows.get(id).copied();
                if !is_one_of(versions, row, snapshot.span) {
                    let expected =
                        versions.iter().rev().find(|(span, _)| span.is_before(snapshot.span));
                    self.add("rows out of scope are as their writer left them", || {
                        format!("found {row:?}, not {expected:?}")
                    });
                }
            }
            for row in snapshot.rows.iter().filter(|row| !row.is_free()) {
                if !versions.contains_key(&row.id) {
                    self.add("rows out of scope are of a writer", || format!("{row:?}"));
                }
            }
        }
    }

    /// The columns that a sync ignores are as the writers left them, in rows
    /// that are in scope too.
    pub fn counters(&mut self, history: &History) {
        let mut counters: HashMap<i64, Vec<(Span, i64)>> = HashMap::new();
        for (span, deed) in history.deeds() {
            if let Deed::Count(id, counter) = deed {
                counters.entry(id).or_default().push((span, counter));
            }
        }
        for snapshot in history.snapshots() {
            for row in snapshot.rows.iter().filter(|row| row.is_free()) {
                let of_row = counters.get(&row.id).map_or(&[][..], Vec::as_slice);
                let least = of_row.iter().filter(|(span, _)| span.is_before(snapshot.span));
                let least = least.map(|(_, counter)| *counter).max().unwrap_or(0);
                let is_known = row.counter == 0 || of_row.iter().any(|(_, n)| *n == row.counter);
                if row.counter < least || !is_known {
                    self.add("columns that a sync ignores are not overwritten", || {
                        format!("{row:?}, not at least {least}")
                    });
                }
            }
        }
    }

    /// A change of a writer in scope is gone with the next sync. One to a row
    /// that a sync writes is not lost even if it comes while the sync runs: it
    /// stands beside the rows of one input only. A row that is added meanwhile
    /// may come after the sync, whatever somebody saw in between.
    pub fn marks(&mut self, history: &History, tenant: i32) {
        let syncs = history.syncs();
        let mut committed: HashMap<i64, (Span, bool)> = HashMap::new();
        for (span, deed) in history.deeds() {
            match deed {
                Deed::Mark(mark) => drop(committed.insert(mark, (span, true))),
                Deed::Add(mark) => drop(committed.insert(mark, (span, false))),
                _ => {}
            }
        }
        let mut stood_beside: HashMap<i64, i64> = HashMap::new();
        let mut snapshots = history.snapshots();
        snapshots.sort_by_key(|snapshot| snapshot.span.start);
        for snapshot in &snapshots {
            let rows = free_rows(snapshot, tenant);
            let generation = rows.iter().map(|row| row.generation).find(|g| *g > 0);
            for mark in rows.iter().map(|row| row.generation).filter(|g| *g < 0) {
                let Some(&(span, is_of_written_row)) = committed.get(&mark) else {
                    self.add("no change that was rolled back", || text(snapshot, tenant));
                    continue;
                };
                let gone = |sync: &Sync| {
                    sync.done
                        && sync.input.contains_key(&tenant)
                        && span.is_before(sync.span)
                        && sync.span.is_before(snapshot.span)
                };
                if let Some(sync) = syncs.iter().find(|sync| gone(sync)) {
                    self.add("a sync sees every change before it", || {
                        format!("{mark} {span:?} after {sync:?}: {}", text(snapshot, tenant))
                    });
                }
                let Some(generation) = generation.filter(|_| is_of_written_row) else { continue };
                let beside = *stood_beside.entry(mark).or_insert(generation);
                if beside != generation {
                    self.add("a sync sees the changes that come while it runs", || {
                        format!("{mark} beside {beside}, then {}", text(snapshot, tenant))
                    });
                }
            }
        }
    }

    /// Where scopes overlap, each snapshot has an order of the inputs in it.
    pub fn orders(&mut self, history: &History, tenants: &[i32]) {
        let syncs = history.syncs();
        let scope = |generation: i64| {
            let sync = syncs.iter().find(|sync| sync.generation == generation);
            sync.map(|sync| sync.input.keys().copied().collect::<Vec<i32>>()).unwrap_or_default()
        };
        for snapshot in history.snapshots() {
            let seen: Vec<(i32, i64)> = tenants
                .iter()
                .filter_map(|&tenant| {
                    Some((tenant, free_rows(&snapshot, tenant).first()?.generation))
                })
                .collect();
            for &(left, first) in &seen {
                for &(right, second) in &seen {
                    if first != second
                        && scope(first).contains(&right)
                        && scope(second).contains(&left)
                    {
                        self.add("one order for all tenants", || {
                            format!("{first} in {left}, but {second} in {right}")
                        });
                    }
                }
            }
        }
    }
}

/// Whether a row is as one of its versions that could be the last one then.
/// Before the first, it is a row in scope, or none.
fn is_one_of(versions: &[(Span, Option<Model>)], row: Option<&Model>, when: Span) -> bool {
    let is_over = |at: usize| versions.get(at).is_some_and(|(span, _)| span.is_before(when));
    let before = !is_over(0) && row.is_none_or(Model::is_free);
    let possible = |(at, (span, version)): (usize, &(Span, Option<Model>))| {
        span.start < when.end && !is_over(at + 1) && version.as_ref() == row
    };
    before || versions.iter().enumerate().any(possible)
}

/// When rows of the tenant left the scope, and their codes.
fn removals(history: &History, tenant: i32) -> Vec<(Span, i32)> {
    let removal = |(span, deed): (Span, Deed)| match deed {
        Deed::Remove(of, code) if of == tenant => Some((span, code)),
        _ => None,
    };
    history.deeds().into_iter().filter_map(removal).collect()
}

fn free_rows(snapshot: &Snapshot, tenant: i32) -> Vec<&Model> {
    snapshot.rows.iter().filter(|row| row.tenant == tenant && row.is_free()).collect()
}

/// The rows of a tenant, short.
fn text(snapshot: &Snapshot, tenant: i32) -> String {
    let rows = free_rows(snapshot, tenant);
    let rows: Vec<_> = rows.iter().map(|row| format!("{}:{}", row.code, row.generation)).collect();
    format!("[{}] at {:?}", rows.join(" "), snapshot.span)
}

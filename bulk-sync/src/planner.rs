//! The pure planner: it is shown the rows in scope one by one and never asks
//! for anything. Reading them and carrying the plan out are elsewhere.

use sea_orm::{ActiveModelTrait, EntityTrait};

use crate::{
    cell::{Cell, Layout, RawRow},
    columns::Position,
    desired::{Desired, RowList},
    error::SyncError,
    field::Row,
    judge::is_doubtful,
    key_index::{KeyIndex, same_key},
    key_text::row_text,
    plan::{Task, Update},
    settings::Settings,
};

/// Sorts the rows in scope into those to keep, to update and to delete.
pub(crate) struct Planner<'a, E: EntityTrait> {
    task: &'a Task<E>,
    desired: &'a Desired<E>,
    index: &'a KeyIndex,
    matched: Vec<bool>,
    /// The model after the one whose row was seen last.
    next: usize,
    found: Found<E>,
    duplicates: Vec<String>,
    /// Soft-deleted rows that have the key of a model.
    stamped: Vec<(usize, E::ActiveModel)>,
    /// Whether rows that no model has the key of are needed.
    keeps_unmatched: bool,
}

/// What the planner makes of the rows in scope.
pub(crate) struct Found<E: EntityTrait> {
    pub created: Vec<usize>,
    pub updated: Vec<Update<E>>,
    /// Rows in scope whose key no model has.
    pub unmatched: Vec<E::ActiveModel>,
    /// Rows that repeat a key and are to go.
    pub repeated: Vec<E::ActiveModel>,
    pub unchanged: u64,
    /// The rows that were observed, without soft-deleted ones.
    pub read: u64,
    /// Whether every row in scope was observed.
    pub read_all: bool,
    /// Whether observing ended with the first difference.
    pub is_partial: bool,
}

impl<E: EntityTrait> Found<E> {
    /// What is left of it when the call skips some of it.
    pub fn without_skipped(mut self, settings: &Settings) -> Self {
        if settings.skip_creates {
            self.created.clear();
        }
        if settings.skip_updates {
            self.updated.clear();
        }
        if settings.skip_deletes {
            self.unmatched.clear();
            self.repeated.clear();
        }
        self
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty()
            && self.updated.is_empty()
            && self.unmatched.is_empty()
            && self.repeated.is_empty()
    }
}

impl<'a, E: EntityTrait> Planner<'a, E> {
    pub fn new(task: &'a Task<E>, desired: &'a Desired<E>, index: &'a KeyIndex) -> Self {
        // a text key may be equal to another in the database alone
        let keeps_unmatched = !task.settings.skip_deletes || task.columns.has_text_key();
        Self {
            keeps_unmatched,
            task,
            desired,
            index,
            matched: vec![false; desired.len()],
            next: 0,
            found: Found {
                created: Vec::new(),
                updated: Vec::new(),
                unmatched: Vec::new(),
                repeated: Vec::new(),
                unchanged: 0,
                read: 0,
                read_all: true,
                is_partial: false,
            },
            duplicates: Vec::new(),
            stamped: Vec::new(),
        }
    }

    /// Whether a difference was found that no rounding and no collation
    /// explains. That no row was missing is known at the end only.
    pub fn found_difference(&self) -> bool {
        let (settings, columns) = (&self.task.settings, &self.task.columns);
        let is_real = |update| !is_doubtful(columns, update, self.desired);
        !settings.skip_updates && self.found.updated.last().is_some_and(is_real)
            || !settings.skip_deletes && !columns.has_text_key() && !self.found.unmatched.is_empty()
    }

    /// Takes note of a row in scope that is as its model says, without decoding
    /// it. False where it has to be decoded, and be [observed](Self::observe).
    pub fn passes(&mut self, layout: &Layout, row: RawRow<'_>) -> bool {
        if self.task.soft_delete.is_some() {
            return false;
        }
        let columns = &self.task.columns;
        let cell = |&(index, position)| (position, Cell::new(row, index, columns.name(position)));
        let key = layout.key.iter().map(cell);
        // rows often come in the order of the models
        let is_next = self.next < self.desired.len()
            && same_key(columns, self.desired.row(self.next), key.clone());
        let found = if is_next {
            Some(self.next)
        } else {
            self.index.find_cells(columns, self.desired, &key)
        };
        let Some(index) = found.filter(|&index| !self.matched[index]) else { return false };
        self.next = index + 1;
        let desired = self.desired.row(index);
        let is_same = |(position, cell): (Position, Cell<'_>)| {
            let field = columns.field(position);
            !field.is_set(desired) || field.same_cell(cell, desired) == Some(true)
        };
        if !layout.compared.iter().map(cell).all(is_same) {
            return false;
        }
        self.matched[index] = true;
        self.found.read += 1;
        self.found.unchanged += 1;
        true
    }

    /// Takes note of a row in scope; takes it away where the plan needs it.
    pub fn observe(&mut self, current: &mut E::ActiveModel) {
        let columns = &self.task.columns;
        let row = Row::Active(current);
        let index = self.index.find(columns, self.desired, row);
        if self.task.is_stamped(row) {
            self.stamped.extend(index.map(|index| (index, take(current))));
            return;
        }
        self.found.read += 1;
        let Some(index) = index else {
            if self.keeps_unmatched {
                self.found.unmatched.push(take(current));
            }
            return;
        };
        if std::mem::replace(&mut self.matched[index], true) {
            return self.duplicate(current);
        }
        let changed = columns.differing(row, self.desired.row(index));
        if changed.is_empty() {
            self.found.unchanged += 1;
        } else {
            let current = take(current);
            self.found.updated.push(Update { desired: index, current, changed, revived: false });
        }
    }

    /// Brings back the soft-deleted rows whose models have no other row; of
    /// several with one key, the one that was read first.
    fn revive(&mut self) {
        for (index, current) in std::mem::take(&mut self.stamped) {
            if std::mem::replace(&mut self.matched[index], true) {
                continue;
            }
            let columns = &self.task.columns;
            let changed = columns.differing(Row::Active(&current), self.desired.row(index));
            self.found.updated.push(Update { desired: index, current, changed, revived: true });
        }
    }

    fn duplicate(&mut self, current: &mut E::ActiveModel) {
        let columns = &self.task.columns;
        if self.task.settings.delete_duplicates {
            self.found.repeated.push(take(current));
        } else {
            self.duplicates.push(row_text(columns, &columns.key, Row::Active(current)));
        }
    }

    /// The plan's lists, once all rows were observed.
    ///
    /// # Errors
    ///
    /// `DuplicateRows` where rows of the table share the key of a model.
    pub fn finish(mut self) -> Result<Found<E>, SyncError> {
        if !self.duplicates.is_empty() {
            return Err(SyncError::DuplicateRows {
                table: self.task.table.clone(),
                keys: self.duplicates,
            });
        }
        self.revive();
        let missing = self.matched.iter().enumerate().filter(|(_, matched)| !**matched);
        self.found.created = missing.map(|(index, _)| index).collect();
        Ok(self.found)
    }
}

fn take<A: ActiveModelTrait>(row: &mut A) -> A {
    std::mem::replace(row, A::default())
}

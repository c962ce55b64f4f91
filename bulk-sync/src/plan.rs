//! What a sync is going to do, as a value.
//!
//! The planner is pure: it is shown the rows in scope one by one and never
//! asks for anything. Reading them and carrying the plan out are elsewhere.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, Value};

use crate::{
    SyncResult,
    columns::{Columns, Position},
    desired::{Desired, RowList},
    error::SyncError,
    field::Row,
    key_index::KeyIndex,
    key_text::row_text,
    scope::Scope,
    settings::Settings,
};

/// A call whose models and options have been checked.
pub(crate) struct Task<E: EntityTrait> {
    pub columns: Columns<E>,
    pub scope: Scope,
    pub settings: Settings,
    /// The name of the table, for messages.
    pub table: String,
}

/// What a sync would do: the rows to create, to update and to delete, and how
/// many are as they should be.
///
/// [`BulkSync::compare`](crate::BulkSync::compare) makes one. Printed with
/// `{}` it is a diff of at most [`LISTED_ROWS`](crate::LISTED_ROWS) rows,
/// with `{:#}` the whole.
#[must_use = "a plan does nothing until it is applied"]
pub struct SyncPlan<E: EntityTrait> {
    pub(crate) task: Task<E>,
    pub(crate) desired: Desired<E>,
    pub(crate) created: Vec<usize>,
    pub(crate) updated: Vec<Update<E>>,
    pub(crate) deleted: Vec<E::ActiveModel>,
    pub(crate) unchanged: u64,
    /// The number of models, unchanged ones included.
    pub(crate) given: usize,
    /// The number of rows that were read.
    pub(crate) read: u64,
    /// Whether every row in scope was read.
    pub(crate) read_all: bool,
}

/// A row to update.
pub(crate) struct Update<E: EntityTrait> {
    pub desired: usize,
    pub current: E::ActiveModel,
    pub changed: Vec<Position>,
}

/// One column in which a row differs from its model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The name of the column.
    pub column: &'static str,
    /// The value in the table.
    pub current: Value,
    /// The value of the model.
    pub desired: Value,
}

/// A row that a plan updates.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpdatedRow {
    /// The columns of the key, with their values.
    pub key: Vec<(&'static str, Value)>,
    /// The columns of the primary key, with their values.
    pub primary_key: Vec<(&'static str, Value)>,
    /// The columns that differ, in the order of the entity.
    pub changes: Vec<Change>,
}

impl<E: EntityTrait> SyncPlan<E> {
    pub(crate) fn new(task: Task<E>, desired: Desired<E>, found: Found<E>, read_all: bool) -> Self {
        let Found { created, updated, deleted, unchanged, read } = found;
        let given = desired.len();
        Self { task, desired, created, updated, deleted, unchanged, given, read, read_all }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.updated.is_empty() && self.deleted.is_empty()
    }

    /// The counts that applying the plan gives.
    #[must_use]
    pub fn summary(&self) -> SyncResult {
        let columns = self.task.columns.all().filter_map(|position| {
            let changed =
                self.updated.iter().filter(|update| update.changed.contains(&position)).count();
            (changed > 0).then(|| (self.task.columns.name(position), changed as u64))
        });
        SyncResult {
            created: self.created.len() as u64,
            updated: self.updated.len() as u64,
            deleted: self.deleted.len() as u64,
            unchanged: self.unchanged,
            columns: columns.collect(),
        }
    }

    /// The rows to create, in the order of the models.
    pub fn created(&self) -> impl Iterator<Item = E::ActiveModel>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        self.created.iter().map(|&index| match self.desired.row(index) {
            Row::Model(model) => model.clone().into_active_model(),
            Row::Active(active) => active.clone(),
        })
    }

    /// The rows to update.
    pub fn updated(&self) -> impl Iterator<Item = UpdatedRow> {
        let columns = &self.task.columns;
        self.updated.iter().map(|update| UpdatedRow {
            key: named_values(columns, &columns.key, Row::Active(&update.current)),
            primary_key: named_values(columns, &columns.primary_key, Row::Active(&update.current)),
            changes: self.changes(update),
        })
    }

    /// The rows to delete, as they are in the table.
    pub fn deleted(&self) -> impl Iterator<Item = &E::ActiveModel> {
        self.deleted.iter()
    }

    /// The number of rows that equal their model.
    #[must_use]
    pub fn unchanged(&self) -> u64 {
        self.unchanged
    }

    /// The models that are created or updated.
    pub(crate) fn written(&self) -> impl Iterator<Item = usize> {
        let updated = self.updated.iter().map(|update| update.desired);
        self.created.iter().copied().chain(updated)
    }

    /// The number of rows in scope once the plan is carried out.
    pub(crate) fn expected_in_scope(&self) -> u64 {
        self.read - self.deleted.len() as u64 + self.created.len() as u64
    }

    pub(crate) fn changes(&self, update: &Update<E>) -> Vec<Change> {
        let current = Row::Active(&update.current);
        changes(&self.task.columns, &update.changed, current, self.desired.row(update.desired))
    }

    /// Lets go of the models that need no change.
    pub(crate) fn without_unchanged(mut self) -> Self {
        let kept: Vec<usize> = self.written().collect();
        self.desired = self.desired.select(&kept);
        let created = self.created.len();
        self.created = (0..created).collect();
        for (update, desired) in self.updated.iter_mut().zip(created..) {
            update.desired = desired;
        }
        self
    }
}

/// The values of two rows in these columns.
pub(crate) fn changes<E: EntityTrait>(
    columns: &Columns<E>,
    changed: &[Position],
    current: Row<'_, E>,
    desired: Row<'_, E>,
) -> Vec<Change> {
    let change = |&position: &Position| {
        let field = columns.field(position);
        Some(Change {
            column: field.name(),
            current: field.value(current)?,
            desired: field.value(desired)?,
        })
    };
    changed.iter().filter_map(change).collect()
}

fn named_values<E: EntityTrait>(
    columns: &Columns<E>,
    positions: &[Position],
    row: Row<'_, E>,
) -> Vec<(&'static str, Value)> {
    let named = |&position: &Position| {
        let field = columns.field(position);
        Some((field.name(), field.value(row)?))
    };
    positions.iter().filter_map(named).collect()
}

/// Sorts the rows in scope into those to keep, to update and to delete.
pub(crate) struct Planner<'a, E: EntityTrait> {
    task: &'a Task<E>,
    desired: &'a Desired<E>,
    index: &'a KeyIndex,
    matched: Vec<bool>,
    found: Found<E>,
    duplicates: Vec<String>,
}

/// What the planner makes of the rows in scope.
pub(crate) struct Found<E: EntityTrait> {
    pub created: Vec<usize>,
    pub updated: Vec<Update<E>>,
    pub deleted: Vec<E::ActiveModel>,
    pub unchanged: u64,
    pub read: u64,
}

impl<'a, E: EntityTrait> Planner<'a, E> {
    pub fn new(task: &'a Task<E>, desired: &'a Desired<E>, index: &'a KeyIndex) -> Self {
        Self {
            task,
            desired,
            index,
            matched: vec![false; desired.len()],
            found: Found {
                created: Vec::new(),
                updated: Vec::new(),
                deleted: Vec::new(),
                unchanged: 0,
                read: 0,
            },
            duplicates: Vec::new(),
        }
    }

    /// Takes note of a row in scope; takes it away where the plan needs it.
    pub fn observe(&mut self, current: &mut E::ActiveModel) {
        self.found.read += 1;
        let columns = &self.task.columns;
        let row = Row::Active(current);
        let Some(index) = self.index.find(columns, self.desired, row) else {
            return self.delete(current);
        };
        if std::mem::replace(&mut self.matched[index], true) {
            return self.duplicate(current);
        }
        let changed = columns.differing(row, self.desired.row(index));
        if changed.is_empty() {
            self.found.unchanged += 1;
        } else if !self.task.settings.skip_updates {
            let current = take(current);
            self.found.updated.push(Update { desired: index, current, changed });
        }
    }

    fn delete(&mut self, current: &mut E::ActiveModel) {
        if !self.task.settings.skip_deletes {
            self.found.deleted.push(take(current));
        }
    }

    fn duplicate(&mut self, current: &mut E::ActiveModel) {
        let columns = &self.task.columns;
        if self.task.settings.delete_duplicates {
            self.found.deleted.push(take(current));
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
        if !self.task.settings.skip_creates {
            let missing = self.matched.iter().enumerate().filter(|(_, matched)| !**matched);
            self.found.created = missing.map(|(index, _)| index).collect();
        }
        Ok(self.found)
    }
}

fn take<A: ActiveModelTrait>(row: &mut A) -> A {
    std::mem::replace(row, A::default())
}

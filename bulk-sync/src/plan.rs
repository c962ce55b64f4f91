//! What a sync is going to do, as a value.

use std::collections::HashSet;

use sea_orm::{DbErr, EntityTrait, IntoActiveModel, Value};

use crate::{
    SyncResult,
    columns::{Columns, Position},
    desired::{Desired, RowList},
    error::{Action, SyncError},
    field::Row,
    key_index::KeyIndex,
    planner::Found,
    run::Checked,
    scope::Scope,
    self_reference::refer_to_going,
    settings::Settings,
    soft_delete::SoftDelete,
    trace::Trace,
};

/// A call whose models and options have been checked.
pub(crate) struct Task<E: EntityTrait> {
    pub columns: Columns<E>,
    pub scope: Scope,
    pub settings: Settings,
    pub soft_delete: Option<SoftDelete>,
    /// The name of the table, for messages.
    pub table: String,
    /// The span of the call, and what is counted for it.
    pub trace: Trace,
}

impl<E: EntityTrait> Task<E> {
    /// The scope of which one sync at a time writes.
    pub fn locked_scope(&self) -> &Scope {
        self.settings.scope_lock.as_ref().unwrap_or(&self.scope)
    }

    /// The error of a statement that the database refused.
    pub fn failed(&self, action: Action, source: DbErr) -> SyncError {
        SyncError::Statement { table: self.table.clone(), action, source: Box::new(source) }
    }
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
    /// Whether `desired` has all models that need no change.
    pub(crate) has_unchanged: bool,
    pub(crate) index: KeyIndex,
    pub(crate) created: Vec<usize>,
    pub(crate) updated: Vec<Update<E>>,
    pub(crate) deleted: Vec<E::ActiveModel>,
    pub(crate) unchanged: u64,
    /// The number of models, unchanged ones included.
    pub(crate) given: usize,
    /// The number of rows that were read, without soft-deleted ones.
    pub(crate) read: u64,
    /// The number of rows in scope when the plan is carried out.
    pub(crate) in_scope: u64,
    /// Whether every row in scope was read.
    pub(crate) read_all: bool,
    /// The primary keys of the rows in scope that the plan does not write, where it is
    /// without their models, and rows that it writes can take them out of the scope.
    pub(crate) left_alone: Vec<E::ActiveModel>,
}

/// A row to update.
pub(crate) struct Update<E: EntityTrait> {
    pub desired: usize,
    pub current: E::ActiveModel,
    /// The columns that differ; none in a row that only has to be revived.
    pub changed: Vec<Position>,
    /// Whether the row was soft-deleted and comes back.
    pub revived: bool,
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
    /// Whether the row was soft-deleted and comes back.
    pub revived: bool,
}

impl<E: EntityTrait> SyncPlan<E> {
    /// The plan of what was found, without what the call skips.
    pub(crate) fn new(checked: Checked<E>, found: Found<E>) -> Self {
        let Checked { task, desired, index } = checked;
        let Found { created, updated, unmatched, repeated, unchanged, read, read_all, .. } =
            found.without_skipped(&task.settings);
        Self {
            given: desired.len(),
            task,
            desired,
            has_unchanged: true,
            index,
            created,
            updated,
            deleted: unmatched.into_iter().chain(repeated).collect(),
            unchanged,
            read,
            in_scope: read,
            read_all,
            left_alone: Vec::new(),
        }
    }

    /// The call that the plan was made for.
    pub(crate) fn into_checked(self) -> Checked<E> {
        Checked { task: self.task, desired: self.desired, index: self.index }
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
        let revived = self.updated.iter().filter(|update| update.revived).count();
        SyncResult {
            created: self.created.len() as u64,
            updated: (self.updated.len() - revived) as u64,
            revived: revived as u64,
            deleted: self.deleted.len() as u64,
            unchanged: self.unchanged,
            columns: columns.collect(),
        }
    }

    /// The rows to create, sorted by key.
    pub fn created(&self) -> impl Iterator<Item = E::ActiveModel>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        self.created.iter().map(|&index| match self.desired.row(index) {
            Row::Model(model) => model.clone().into_active_model(),
            Row::Active(active) => active.clone(),
        })
    }

    /// The rows to update, sorted by key.
    pub fn updated(&self) -> impl Iterator<Item = UpdatedRow> {
        let columns = &self.task.columns;
        self.updated.iter().map(|update| UpdatedRow {
            key: named_values(columns, &columns.key, Row::Active(&update.current)),
            primary_key: named_values(columns, &columns.primary_key, Row::Active(&update.current)),
            changes: self.changes(update),
            revived: update.revived,
        })
    }

    /// The rows to delete, as they are in the table, sorted by key.
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
        let revived = self.updated.iter().filter(|update| update.revived).count();
        let added = (self.created.len() + revived) as u64;
        (self.in_scope + added).saturating_sub(self.deleted.len() as u64)
    }

    pub(crate) fn changes(&self, update: &Update<E>) -> Vec<Change> {
        let current = Row::Active(&update.current);
        changes(&self.task.columns, &update.changed, current, self.desired.row(update.desired))
    }

    /// The plan with its rows sorted by key.
    pub(crate) fn sorted(mut self) -> Self {
        let columns = &self.task.columns;
        let by_key = |left: Row<'_, E>, right: Row<'_, E>| {
            let by_primary_key = || columns.compare(&columns.primary_key, left, right);
            columns.compare_keys(left, right).then_with(by_primary_key)
        };
        self.created.sort_by(|&l, &r| by_key(self.desired.row(l), self.desired.row(r)));
        self.updated.sort_by(|l, r| by_key(Row::Active(&l.current), Row::Active(&r.current)));
        self.deleted.sort_by(|l, r| by_key(Row::Active(l), Row::Active(r)));
        self
    }

    /// The plan without the models that need no change, to be kept for a while.
    pub(crate) fn without_unchanged(mut self) -> Self {
        let mut kept: Vec<usize> = self.written().collect();
        // those whose reference is given back where the plan takes away what they refer to
        let written: HashSet<usize> = kept.iter().copied().collect();
        kept.extend(refer_to_going(&self).into_iter().filter(|index| !written.contains(index)));
        self.desired = self.desired.select(&kept);
        self.has_unchanged = false;
        let created = self.created.len();
        self.created = (0..created).collect();
        for (update, desired) in self.updated.iter_mut().zip(created..) {
            update.desired = desired;
        }
        self.index = KeyIndex::build(&self.task.columns, &self.desired).0;
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

pub(crate) fn named_values<E: EntityTrait>(
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

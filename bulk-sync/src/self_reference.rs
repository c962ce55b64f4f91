//! Rows that refer to other rows of their table.
//!
//! A row that is deleted can come back as another row of the plan: with the same primary
//! key under a new key. Rows that refer to it are kept, and are not written, as they are
//! what their models say; but the delete sets their reference to NULL, where the foreign
//! key is `ON DELETE SET NULL`. They get it back.

use std::collections::HashSet;

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, Identity, Iterable, RelationTrait, Value,
    sea_query::LockType,
};

use crate::{
    batch::{FEW, rows_per_statement},
    columns::{Columns, Position},
    desired::RowList,
    dialect::{Dialect, ScopeLock},
    error::{Action, SyncError},
    field::Row,
    plan::SyncPlan,
    statement::Statements,
};

/// Columns of a table that refer to others of it.
pub(crate) struct SelfReference {
    from: Vec<Position>,
    to: Vec<Position>,
}

/// Rows that refer to one that is deleted, and go on to do so.
pub(crate) struct Children<E: EntityTrait> {
    /// The columns that refer to it.
    pub columns: Vec<Position>,
    /// The rows: their keys, and these columns.
    pub rows: Vec<E::ActiveModel>,
}

/// Whether the entity has a relation to itself.
pub(crate) fn refers_to_itself<E: EntityTrait>() -> bool {
    let table = E::default().table_ref();
    E::Relation::iter().any(|relation| relation.def().to_tbl == table)
}

impl SelfReference {
    /// Those of an entity in columns that a call compares.
    fn all<E: EntityTrait>(columns: &Columns<E>) -> Vec<Self> {
        let table = E::default().table_ref();
        let mut all: Vec<Self> = Vec::new();
        for relation in E::Relation::iter().map(|relation| relation.def()) {
            let (from, to) = if relation.is_owner {
                (&relation.to_col, &relation.from_col)
            } else {
                (&relation.from_col, &relation.to_col)
            };
            let is_compared =
                |at: &Position| columns.compared.contains(at) || columns.key.contains(at);
            let positions = (positions(columns, from), positions(columns, to));
            if let (Some(from), Some(to)) = positions
                && relation.to_tbl == table
                && from.iter().all(is_compared)
                && all.iter().all(|known| known.from != from)
            {
                all.push(Self { from, to });
            }
        }
        all
    }

    /// The values of rows to delete that rows are to refer to after it.
    fn lost<E: EntityTrait>(&self, plan: &SyncPlan<E>) -> HashSet<Vec<Value>> {
        let columns = &plan.task.columns;
        let deleted = plan.deleted.iter().map(|row| columns.values(&self.to, Row::Active(row)));
        let deleted: HashSet<_> = deleted.collect();
        let is_given = |row: &Row<'_, E>| {
            let is_given = |&at: &Position| {
                Some(at) != columns.generated || columns.field(at).is_explicit(*row)
            };
            self.to.iter().all(is_given)
        };
        let written = plan.written().map(|index| plan.desired.row(index)).filter(is_given);
        let written = written.map(|row| columns.values(&self.to, row));
        let wanted = plan.desired.rows().map(|row| columns.values(&self.from, row));
        let wanted = wanted.filter(|_| !plan.task.settings.skip_updates);
        written.chain(wanted).filter(|values| deleted.contains(values)).collect()
    }
}

fn positions<E: EntityTrait>(columns: &Columns<E>, names: &Identity) -> Option<Vec<Position>> {
    names.iter().map(|name| columns.position(&name.inner())).collect()
}

/// The models that refer to a row that the plan deletes.
pub(crate) fn refer_to_deleted<E: EntityTrait>(plan: &SyncPlan<E>) -> Vec<usize> {
    let columns = &plan.task.columns;
    let mut models = HashSet::new();
    if !plan.deleted.is_empty() {
        for reference in SelfReference::all(columns) {
            let lost = reference.lost(plan);
            let refers = |&index: &usize| {
                lost.contains(&columns.values(&reference.from, plan.desired.row(index)))
            };
            models.extend((0..plan.desired.len()).filter(refers));
        }
    }
    models.into_iter().collect()
}

/// Locks the rows that are not written and refer to one that is deleted, where that one
/// comes back or their model says that it should be there.
///
/// # Errors
///
/// Those of the database.
pub(crate) async fn lock_children<E, C>(
    plan: &SyncPlan<E>,
    db: &C,
) -> Result<Vec<Children<E>>, SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait,
{
    let mut children = Vec::new();
    if plan.deleted.is_empty() || plan.task.soft_delete.is_some() {
        return Ok(children);
    }
    let columns = &plan.task.columns;
    for reference in SelfReference::all(columns) {
        let lost: Vec<_> = reference.lost(plan).into_iter().collect();
        let moved = plan.updated.iter().filter(|update| {
            update.changed.iter().any(|position| reference.from.contains(position))
        });
        let key = |row: &E::ActiveModel| columns.primary_key_values(Row::Active(row));
        let written: HashSet<_> =
            moved.map(|update| &update.current).chain(&plan.deleted).map(key).collect();
        let mut rows = read_children(plan, &reference, lost, db).await?;
        rows.retain(|row| !written.contains(&key(row)));
        if !rows.is_empty() {
            children.push(Children { columns: reference.from, rows });
        }
    }
    Ok(children)
}

async fn read_children<E, C>(
    plan: &SyncPlan<E>,
    reference: &SelfReference,
    parents: Vec<Vec<Value>>,
    db: &C,
) -> Result<Vec<E::ActiveModel>, SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait,
{
    let columns = &plan.task.columns;
    let dialect = Dialect::of(db.get_database_backend());
    let statements = Statements { dialect, columns };
    let known = [&columns.primary_key, &columns.key, &reference.from];
    let positions: Vec<_> =
        columns.all().filter(|at| known.iter().any(|known| known.contains(at))).collect();
    let in_scope = statements.select(&plan.task.scope, &positions);
    let fixed = statements.parameters(&in_scope);
    let limit = rows_per_statement(dialect, Some(FEW), fixed, reference.from.len());
    let failed = |source| plan.task.failed(Action::Lock, source);
    let mut rows = Vec::new();
    for parents in parents.chunks(limit) {
        let mut select = in_scope.clone();
        select.cond_where(statements.among(&reference.from, parents.to_vec()));
        if dialect.scope_lock != ScopeLock::Database {
            select.lock(LockType::Update);
        }
        for row in db.query_all(&select).await.map_err(failed)? {
            let mut child = <E::ActiveModel as ActiveModelTrait>::default();
            columns.read(&positions, &row, &mut child).map_err(failed)?;
            rows.push(child);
        }
    }
    Ok(rows)
}

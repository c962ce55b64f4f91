//! Rows that refer to other rows of their table.
//!
//! What a row refers to can go and come back as another row of the plan: deleted, and
//! created with the same primary key under a new key; or a unique value that moves from
//! one row to another. The foreign key then changes the rows that refer to it, whatever
//! their models say: by `ON DELETE SET NULL` or `ON UPDATE CASCADE`. They get their
//! references back when all else is written.

use std::collections::HashSet;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, Identity, Iterable, RelationTrait, Value,
    sea_query::{LockType, Order},
};

use crate::{
    batch::{FEW, rows_per_statement},
    columns::{Columns, Position},
    desired::RowList,
    dialect::{Dialect, ScopeLock},
    error::{Action, SyncError},
    field::{Row, is_null},
    plan::SyncPlan,
    reader::Reader,
    statement::Statements,
};

/// Columns of a table that refer to others of it.
pub(crate) struct SelfReference {
    from: Vec<Position>,
    to: Vec<Position>,
}

/// Rows that refer to one that goes, and are to go on to do so.
pub(crate) struct Children<E: EntityTrait> {
    /// The columns that refer to it.
    pub columns: Vec<Position>,
    /// The rows, each with what these columns are to hold.
    pub rows: Vec<(E::ActiveModel, Vec<Value>)>,
}

impl SelfReference {
    /// Those of an entity.
    pub fn all<E: EntityTrait>(columns: &Columns<E>) -> Vec<Self> {
        let table = E::default().table_ref();
        let mut all: Vec<Self> = Vec::new();
        for relation in E::Relation::iter().map(|relation| relation.def()) {
            let (from, to) = if relation.is_owner {
                (&relation.to_col, &relation.from_col)
            } else {
                (&relation.from_col, &relation.to_col)
            };
            let positions = (positions(columns, from), positions(columns, to));
            if let (Some(from), Some(to)) = positions
                && relation.to_tbl == table
                && all.iter().all(|known| known.from != from)
            {
                all.push(Self { from, to });
            }
        }
        all
    }

    /// Whether rows refer to the column.
    pub fn is_to(&self, position: Position) -> bool {
        self.to.contains(&position)
    }

    /// Whether models say what their rows refer to.
    fn is_compared<E: EntityTrait>(&self, columns: &Columns<E>) -> bool {
        self.from.iter().all(|at| columns.compared.contains(at) || columns.key.contains(at))
    }

    /// What a model says that its row refers to.
    fn wanted<E: EntityTrait>(&self, columns: &Columns<E>, row: Row<'_, E>) -> Option<Vec<Value>> {
        let values = self.is_compared(columns).then(|| columns.values(&self.from, row))?;
        (values.len() == self.from.len()).then_some(values)
    }

    /// The values that rows refer to, that go with rows that the plan deletes or changes,
    /// and that rows are to refer to after it.
    fn lost<E: EntityTrait>(&self, plan: &SyncPlan<E>) -> HashSet<Vec<Value>> {
        let columns = &plan.task.columns;
        let deleted = plan.deleted.iter().filter(|_| plan.task.soft_delete.is_none());
        // a column that is not compared goes along with a row, as the foreign key says
        let changed = plan.updated.iter().filter(|_| self.is_compared(columns));
        let changed = changed.filter(|update| meets(&update.changed, &self.to));
        let going = deleted.chain(changed.map(|update| &update.current));
        let going = going.map(|row| columns.values(&self.to, Row::Active(row)));
        let refers =
            |values: &Vec<Value>| values.len() == self.to.len() && !values.iter().any(is_null);
        let going: HashSet<_> = going.filter(refers).collect();
        if going.is_empty() {
            return going;
        }
        let is_given = |row: &Row<'_, E>| {
            let is_given = |&at: &Position| {
                Some(at) != columns.generated || columns.field(at).is_explicit(*row)
            };
            self.to.iter().all(is_given)
        };
        let written = plan.written().map(|index| plan.desired.row(index)).filter(is_given);
        let written = written.map(|row| columns.values(&self.to, row));
        let wanted = plan.desired.rows().filter_map(|row| self.wanted(columns, row));
        let wanted = wanted.filter(|_| !plan.task.settings.skip_updates);
        written.chain(wanted).filter(|values| going.contains(values)).collect()
    }
}

fn positions<E: EntityTrait>(columns: &Columns<E>, names: &Identity) -> Option<Vec<Position>> {
    names.iter().map(|name| columns.position(&name.inner())).collect()
}

fn meets(some: &[Position], others: &[Position]) -> bool {
    some.iter().any(|position| others.contains(position))
}

/// The models that refer to what goes with a row that the plan deletes or changes.
pub(crate) fn refer_to_lost<E: EntityTrait>(plan: &SyncPlan<E>) -> HashSet<usize> {
    let columns = &plan.task.columns;
    let mut models = HashSet::new();
    for reference in &columns.self_references {
        let lost = reference.lost(plan);
        let refers = |&index: &usize| {
            let wanted = reference.wanted(columns, plan.desired.row(index));
            wanted.is_some_and(|wanted| lost.contains(&wanted))
        };
        models.extend((0..plan.desired.len()).filter(refers).filter(|_| !lost.is_empty()));
    }
    models
}

/// The rows that refer to what goes with a row that the plan deletes or changes, where
/// that comes back or their model says that it should be there. Those that the plan does
/// not write are locked.
///
/// # Errors
///
/// Those of the database.
pub(crate) async fn lock_children<E: EntityTrait>(
    plan: &SyncPlan<E>,
    db: &dyn Reader,
) -> Result<Vec<Children<E>>, SyncError> {
    let mut children = Vec::new();
    let columns = &plan.task.columns;
    for reference in &columns.self_references {
        let lost = reference.lost(plan);
        if lost.is_empty() {
            continue;
        }
        let key = |row: &E::ActiveModel| columns.primary_key_values(Row::Active(row));
        let mut written: HashSet<_> = plan.deleted.iter().map(key).collect();
        let mut rows = Vec::new();
        for update in plan.updated.iter().filter(|update| meets(&update.changed, &reference.from)) {
            written.insert(key(&update.current));
            let wanted = columns.values(&reference.from, plan.desired.row(update.desired));
            if lost.contains(&wanted) {
                rows.push((update.current.clone(), wanted));
            }
        }
        let kept = read_children(plan, reference, lost.into_iter().collect(), db).await?;
        let kept = kept.into_iter().filter(|row| !written.contains(&key(row)));
        rows.extend(kept.map(|row| {
            let held = columns.values(&reference.from, Row::Active(&row));
            (row, held)
        }));
        if !rows.is_empty() {
            children.push(Children { columns: reference.from.clone(), rows });
        }
    }
    Ok(children)
}

async fn read_children<E: EntityTrait>(
    plan: &SyncPlan<E>,
    reference: &SelfReference,
    parents: Vec<Vec<Value>>,
    db: &dyn Reader,
) -> Result<Vec<E::ActiveModel>, SyncError> {
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
        for &position in &columns.primary_key {
            select.order_by(columns.field(position).column().as_column_ref(), Order::Asc);
        }
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

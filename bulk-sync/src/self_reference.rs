//! Rows that refer to other rows of their table.
//!
//! What a row refers to can go and come back as another row of the plan: deleted, and
//! created with the same primary key under a new key; or a unique value that moves from
//! one row to another. The foreign key then changes the rows that refer to it, whatever
//! their models say: by `ON DELETE SET NULL` or `ON UPDATE CASCADE`. They get their
//! references back when all else is written.

use std::collections::HashSet;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Identity, Iterable, RelationTrait, TransactionTrait,
    Value,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};

use crate::{
    batch::{FEW, rows_per_statement},
    columns::{Columns, Position, integer},
    desired::RowList,
    dialect::{Dialect, ScopeLock},
    error::{Action, SyncError},
    field::{Row, is_null},
    key_text::row_text,
    plan::{SyncPlan, Update},
    reader::Reader,
    statement::Statements,
    write::{Writer, end},
};

/// Columns of a table that refer to others of it.
pub(crate) struct SelfReference {
    from: Vec<Position>,
    to: Vec<Position>,
}

/// Rows that are to refer to what goes for a while, or for good.
pub(crate) struct Children<E: EntityTrait> {
    /// The columns that refer to it.
    columns: Vec<Position>,
    /// The rows, each with what these columns are to hold.
    rows: Vec<(E::ActiveModel, Vec<Value>)>,
}

/// A row whose values others refer to, and which the plan deletes or gives other values.
struct Going<'p, E: EntityTrait> {
    row: &'p E::ActiveModel,
    values: Vec<Value>,
    is_deleted: bool,
}

impl SelfReference {
    /// Those of an entity in columns that can be set.
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
                && !from.iter().all(|position| columns.primary_key.contains(position))
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

    /// What a model says of the row that its row refers to, without what it leaves to the
    /// row; `None` where it says nothing.
    fn wanted<E: EntityTrait>(&self, plan: &SyncPlan<E>, row: Row<'_, E>) -> Option<Vec<Value>> {
        let columns = &plan.task.columns;
        let said: Vec<_> = self.said(plan).map(|(from, _)| from).collect();
        let values = columns.values(&said, row);
        let is_said = !said.is_empty() && values.len() == said.len();
        is_said.then(|| all_folded(values))
    }

    /// The columns that models say, each with the one that it refers to.
    fn said<E: EntityTrait>(
        &self,
        plan: &SyncPlan<E>,
    ) -> impl Iterator<Item = (Position, Position)> {
        let columns = &plan.task.columns;
        let pairs = self.from.iter().copied().zip(self.to.iter().copied());
        pairs.filter(move |(from, _)| {
            !plan.task.settings.skip_updates
                && (columns.compared.contains(from) || columns.key.contains(from))
        })
    }

    /// The rows that others refer to, and that the plan deletes or gives other values.
    fn going<'p, E: EntityTrait>(&self, plan: &'p SyncPlan<E>) -> Vec<Going<'p, E>> {
        let columns = &plan.task.columns;
        let deleted = if plan.task.soft_delete.is_some() { &[] } else { &plan.deleted[..] };
        let changed = plan.updated.iter().filter(|update| meets(&update.changed, &self.to));
        let changed = changed.map(|update| (&update.current, false));
        let all = deleted.iter().map(|row| (row, true)).chain(changed);
        let going = all.map(|(row, is_deleted)| {
            let values = columns.values(&self.to, Row::Active(row));
            Going { row, values, is_deleted }
        });
        let is_complete =
            |values: &[Value]| values.len() == self.to.len() && !values.iter().any(is_null);
        going.filter(|going| is_complete(&going.values)).collect()
    }

    /// The values that go with a row that is deleted, and come back with another.
    fn coming_back<E: EntityTrait>(
        &self,
        plan: &SyncPlan<E>,
        going: &[Going<'_, E>],
    ) -> HashSet<Vec<Value>> {
        let columns = &plan.task.columns;
        let is_given = |row: &Row<'_, E>| {
            columns.generated.is_none_or(|generated| {
                !self.to.contains(&generated) || columns.field(generated).is_explicit(*row)
            })
        };
        let created = plan.created.iter().map(|&index| plan.desired.row(index)).filter(is_given);
        let created = created.map(|row| columns.values(&self.to, row));
        let updated = plan.updated.iter().filter(|update| meets(&update.changed, &self.to));
        let updated = updated.map(|update| updated_values(plan, update, &self.to));
        let deleted = going.iter().filter(|going| going.is_deleted).map(|going| &going.values);
        let deleted: HashSet<_> = deleted.collect();
        created.chain(updated).filter(|values| deleted.contains(values)).collect()
    }

    /// The values of a row that goes, as a model says them that refers to it.
    fn as_wanted<E: EntityTrait>(&self, plan: &SyncPlan<E>, going: &Going<'_, E>) -> Vec<Value> {
        let to: Vec<_> = self.said(plan).map(|(_, to)| to).collect();
        all_folded(plan.task.columns.values(&to, Row::Active(going.row)))
    }
}

fn positions<E: EntityTrait>(columns: &Columns<E>, names: &Identity) -> Option<Vec<Position>> {
    names.iter().map(|name| columns.position(&name.inner())).collect()
}

fn meets(some: &[Position], others: &[Position]) -> bool {
    some.iter().any(|position| others.contains(position))
}

/// What a row to update has in these columns after it.
fn updated_values<E: EntityTrait>(
    plan: &SyncPlan<E>,
    update: &Update<E>,
    positions: &[Position],
) -> Vec<Value> {
    let value = |&position: &Position| {
        let is_changed = update.changed.contains(&position);
        let current = Row::Active(&update.current);
        let row = if is_changed { plan.desired.row(update.desired) } else { current };
        plan.task.columns.field(position).value(row)
    };
    positions.iter().filter_map(value).collect()
}

/// The same for all values that a database can hold equal, of whichever type of integer.
fn all_folded(values: Vec<Value>) -> Vec<Value> {
    let folded = |value| match (integer(&value), value) {
        (Some(number), _) => number.to_string().into(),
        (None, Value::String(Some(text))) => text.trim_end().to_lowercase().into(),
        (None, value) => value,
    };
    values.into_iter().map(folded).collect()
}

/// The models that say that their rows refer to one that goes.
pub(crate) fn refer_to_going<E: EntityTrait>(plan: &SyncPlan<E>) -> HashSet<usize> {
    let mut models = HashSet::new();
    for reference in &plan.task.columns.self_references {
        let going = reference.going(plan);
        let going: HashSet<_> = going.iter().map(|row| reference.as_wanted(plan, row)).collect();
        if going.is_empty() {
            continue;
        }
        models.extend((0..plan.desired.len()).filter(|&index| {
            let wanted = reference.wanted(plan, plan.desired.row(index));
            wanted.is_some_and(|wanted| going.contains(&wanted))
        }));
    }
    models
}

/// The rows that are to refer, in the end, to what goes with a row that the plan deletes
/// or changes. Those that the plan does not write are locked.
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
        let going = reference.going(plan);
        if going.is_empty() {
            continue;
        }
        let set = reference.from.iter().filter(|at| !columns.primary_key.contains(at));
        let set: Vec<Position> = set.copied().collect();
        let key = |row: &E::ActiveModel| columns.primary_key_values(Row::Active(row));
        let mut written: HashSet<_> = plan.deleted.iter().map(key).collect();
        let all: HashSet<_> = going.iter().map(|going| all_folded(going.values.clone())).collect();
        let mut rows = Vec::new();
        for update in plan.updated.iter().filter(|update| meets(&update.changed, &reference.from)) {
            written.insert(key(&update.current));
            if all.contains(&all_folded(updated_values(plan, update, &reference.from))) {
                rows.push((update.current.clone(), updated_values(plan, update, &set)));
            }
        }
        // what comes back is kept where no model says it, too
        let back = reference.coming_back(plan, &going);
        let wanted = plan.desired.rows().filter_map(|row| reference.wanted(plan, row));
        let wanted: HashSet<_> = wanted.collect();
        let is_missed = |going: &Going<'_, E>| {
            back.contains(&going.values) || wanted.contains(&reference.as_wanted(plan, going))
        };
        let missed: Vec<_> = going.into_iter().filter(is_missed).collect();
        let kept = read_children(plan, reference, &missed, db).await?;
        for row in kept.into_iter().filter(|row| !written.contains(&key(row))) {
            let held = Row::Active(&row);
            let model = plan.index.find(columns, &plan.desired, held);
            let wanted = model.and_then(|model| reference.wanted(plan, plan.desired.row(model)));
            if wanted.is_some() || back.contains(&columns.values(&reference.from, held)) {
                let values = columns.values(&set, held);
                rows.push((row, values));
            }
        }
        if !rows.is_empty() {
            children.push(Children { columns: set, rows });
        }
    }
    Ok(children)
}

/// Reads and locks the rows in scope that refer to these.
async fn read_children<E: EntityTrait>(
    plan: &SyncPlan<E>,
    reference: &SelfReference,
    parents: &[Going<'_, E>],
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
    let limit = rows_per_statement(dialect, Some(FEW), fixed, columns.primary_key.len());
    let failed = |source| plan.task.failed(Action::Lock, source);
    let mut rows = Vec::new();
    for parents in parents.chunks(limit) {
        let keys = parents.iter().map(|going| columns.primary_key_values(Row::Active(going.row)));
        let mut select = in_scope.clone();
        select.and_where(refers_to(reference, statements, keys.collect()));
        statements.order_by_primary_key(&mut select);
        if dialect.scope_lock != ScopeLock::Database {
            select.lock(dialect.update_lock);
        }
        let read = db.query_all(&select).await.map_err(failed)?;
        rows.extend(columns.read_all(&positions, &read).map_err(failed)?);
    }
    Ok(rows)
}

/// `from IN (SELECT to … WHERE primary key IN …)`: whether a row refers to another is for
/// the database to say.
fn refers_to<E: EntityTrait>(
    reference: &SelfReference,
    statements: Statements<'_, E>,
    keys: Vec<Vec<Value>>,
) -> Expr {
    let columns = statements.columns;
    let column = |&position: &Position| Expr::col(columns.field(position).column().as_column_ref());
    let mut parents: SelectStatement = Query::select();
    parents.from(E::default().table_ref()).exprs(reference.to.iter().map(column));
    parents.cond_where(statements.among(&columns.primary_key, keys));
    if statements.dialect.scope_lock == ScopeLock::FirstRow {
        // else it would be as old as the transaction of the caller
        parents.lock(statements.dialect.update_lock);
    }
    match &reference.from[..] {
        [from] => column(from).in_subquery(parents),
        from => Expr::tuple(from.iter().map(column)).in_subquery(parents),
    }
}

/// Sets the references of rows to what was gone for a while; where no two rows may have
/// the same, in two phases.
///
/// # Errors
///
/// `OutOfScope` with the rows that went along, `Constraint` where what they are to refer
/// to has not come back.
pub(crate) async fn give_back<E, C>(
    plan: &SyncPlan<E>,
    children: &[Children<E>],
    db: &C,
) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait + TransactionTrait,
{
    if children.is_empty() {
        return Ok(());
    }
    let savepoint = db.begin().await?;
    let tried = set_references(plan, children, &savepoint).await;
    if end(savepoint, tried, SyncError::is_unique_violation).await?.is_some() {
        return Ok(());
    }
    let columns = &plan.task.columns;
    let nulls: Vec<_> = children.iter().map(|children| children.with_nulls(columns)).collect();
    set_references(plan, &nulls, db).await?;
    set_references(plan, children, db).await
}

impl<E: EntityTrait> Children<E> {
    /// The rows with NULL in the columns that can hold it.
    fn with_nulls(&self, columns: &Columns<E>) -> Self {
        let can_hold = |&&at: &&Position| columns.field(at).is_option();
        let set: Vec<Position> = self.columns.iter().filter(can_hold).copied().collect();
        let null = |values: Vec<Value>| values.iter().map(Value::as_null).collect();
        let rows = self.rows.iter().filter(|_| !set.is_empty()).map(|(row, _)| {
            let held = columns.values(&set, Row::Active(row));
            (row.clone(), null(held))
        });
        Self { rows: rows.collect(), columns: set }
    }
}

async fn set_references<E, C>(
    plan: &SyncPlan<E>,
    children: &[Children<E>],
    db: &C,
) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait,
{
    let writer = Writer::new(plan, db);
    for Children { columns, rows } in children {
        for batch in rows.chunks(writer.update_limit(columns)) {
            let rows = batch.iter().map(|(row, values)| (Row::Active(row), values.clone()));
            match writer.set(columns, rows.collect()).await {
                Err(SyncError::StalePlan { table, .. }) => {
                    let keys = went_along(plan, batch, db).await?;
                    return Err(SyncError::OutOfScope { table, keys });
                }
                set => set?,
            }
        }
    }
    Ok(())
}

/// Those of the rows that are not there any more.
async fn went_along<E, C>(
    plan: &SyncPlan<E>,
    rows: &[(E::ActiveModel, Vec<Value>)],
    db: &C,
) -> Result<Vec<String>, SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait,
{
    let columns = &plan.task.columns;
    let statements = Statements { dialect: Dialect::of(db.get_database_backend()), columns };
    let key = |row: &E::ActiveModel| columns.primary_key_values(Row::Active(row));
    let mut select = statements.select(&plan.task.scope, &columns.primary_key);
    let keys = rows.iter().map(|(row, _)| key(row)).collect();
    select.cond_where(statements.among(&columns.primary_key, keys));
    let failed = |source| plan.task.failed(Action::Read, source);
    let read = db.query_all(&select).await.map_err(failed)?;
    let left = columns.read_all(&columns.primary_key, &read).map_err(failed)?;
    let left: HashSet<_> = left.iter().map(key).collect();
    let gone = rows.iter().filter(|(row, _)| !left.contains(&key(row)));
    let text = |(row, _): &(E::ActiveModel, _)| {
        let key = row_text(columns, &columns.key, Row::Active(row));
        format!("{key} goes with the row that it refers to")
    };
    Ok(gone.map(text).collect())
}

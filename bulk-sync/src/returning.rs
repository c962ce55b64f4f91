//! Reads written rows back by their keys, which every backend can do: MySQL has
//! no RETURNING.

use std::collections::HashSet;

use sea_orm::{DbErr, EntityTrait, FromQueryResult, Value};

use crate::{
    batch::{batches, rows_per_statement},
    columns::Position,
    desired::RowList,
    dialect::Dialect,
    error::{Action, SyncError},
    field::Row,
    plan::{SyncPlan, Update},
    reader::Reader,
    statement::Statements,
};

/// The rows that a plan created: those in scope that have their keys.
///
/// # Errors
///
/// `Statement`.
pub(crate) async fn read_created<E: EntityTrait>(
    plan: &SyncPlan<E>,
    db: &dyn Reader,
) -> Result<Vec<E::Model>, SyncError> {
    let columns = &plan.task.columns;
    let keys = |batch: &[usize]| {
        batch.iter().map(|&at| columns.key_values(plan.desired.row(at))).collect()
    };
    let mut created = Vec::with_capacity(plan.created.len());
    let size = |created: &usize| columns.size(&columns.key, plan.desired.row(*created));
    for batch in batches(&plan.created, limit(plan, db, &columns.key), size) {
        let wanted: HashSet<usize> = batch.iter().copied().collect();
        let models = read(plan, db, &columns.key, keys(batch)).await?;
        // the database may hold other keys equal to these
        created.extend(models.into_iter().filter(|model| {
            let found = plan.index.find(columns, &plan.desired, Row::Model(model));
            found.is_some_and(|index| wanted.contains(&index))
        }));
    }
    Ok(created)
}

/// The rows that a plan updated, found by their primary keys: another row in
/// scope can have the same key.
///
/// # Errors
///
/// `Statement`.
pub(crate) async fn read_updated<E: EntityTrait>(
    plan: &SyncPlan<E>,
    db: &dyn Reader,
) -> Result<Vec<E::Model>, SyncError> {
    let by = &plan.task.columns.primary_key;
    let mut updated = Vec::with_capacity(plan.updated.len());
    let size = |update: &Update<E>| plan.task.columns.size(by, Row::Active(&update.current));
    for batch in batches(&plan.updated, limit(plan, db, by), size) {
        let current = batch.iter().map(|update| Row::Active(&update.current));
        let keys = current.map(|row| plan.task.columns.values(by, row)).collect();
        updated.extend(read(plan, db, by, keys).await?);
    }
    Ok(updated)
}

fn limit<E: EntityTrait>(plan: &SyncPlan<E>, db: &dyn Reader, by: &[Position]) -> usize {
    let dialect = Dialect::of(db.get_database_backend());
    let statements = Statements { dialect, columns: &plan.task.columns };
    let fixed = statements.parameters(&statements.select(&plan.task.live_scope(), &[]));
    rows_per_statement(dialect, plan.task.settings.batch_size, fixed, by.len())
}

async fn read<E: EntityTrait>(
    plan: &SyncPlan<E>,
    db: &dyn Reader,
    by: &[Position],
    keys: Vec<Vec<Value>>,
) -> Result<Vec<E::Model>, SyncError> {
    let columns = &plan.task.columns;
    let dialect = Dialect::of(db.get_database_backend());
    let statements = Statements { dialect, columns };
    let all: Vec<_> = columns.all().collect();
    let mut select = statements.select(&plan.task.live_scope(), &all);
    select.cond_where(statements.among(by, keys));
    let failed = |source: DbErr| plan.task.failed(Action::Read, source);
    let rows = db.query_all(&select).await.map_err(failed)?;
    rows.iter().map(|row| E::Model::from_query_result(row, "").map_err(failed)).collect()
}

//! Reads written rows back by their key, which every backend can do: MySQL has
//! no RETURNING.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, FromQueryResult};

use crate::{
    batch::rows_per_statement,
    desired::RowList,
    dialect::Dialect,
    error::{Action, SyncError},
    field::Row,
    key_index::KeyIndex,
    plan::SyncPlan,
    statement::Statements,
    write::values,
};

/// The rows in scope with the keys of these models of the plan.
///
/// # Errors
///
/// `Statement`.
pub(crate) async fn read_written<E, C>(
    plan: &SyncPlan<E>,
    db: &C,
    written: impl Iterator<Item = usize>,
) -> Result<Vec<E::Model>, SyncError>
where
    E: EntityTrait,
    C: ConnectionTrait,
{
    let columns = &plan.task.columns;
    let dialect = Dialect::of(db.get_database_backend());
    let statements = Statements { dialect, columns };
    let all: Vec<_> = columns.all().collect();
    let select = statements.select(&plan.task.live_scope(), &all);
    let requested = plan.task.settings.batch_size;
    let fixed = statements.parameters(&select);
    let limit = rows_per_statement(dialect, requested, fixed, columns.key.len());
    let failed = |source: DbErr| SyncError::Statement {
        table: plan.task.table.clone(),
        action: Action::Read,
        source: Box::new(source),
    };
    let written: Vec<usize> = written.collect();
    let (index, _) = KeyIndex::build(columns, &plan.desired);
    let wanted: HashSet<usize> = written.iter().copied().collect();
    let keys: Vec<_> = written
        .iter()
        .map(|&index| values(columns, &columns.key, plan.desired.row(index)))
        .collect();
    let mut models = Vec::with_capacity(keys.len());
    for keys in keys.chunks(limit) {
        let mut select = select.clone();
        select.cond_where(statements.among(&columns.key, keys.to_vec()));
        let rows = db.query_all(&select).await.map_err(failed)?;
        for row in &rows {
            let model = E::Model::from_query_result(row, "").map_err(failed)?;
            // the database may hold other keys equal to these
            let found = index.find(columns, &plan.desired, Row::Model(&model));
            if found.is_some_and(|index| wanted.contains(&index)) {
                models.push(model);
            }
        }
    }
    Ok(models)
}

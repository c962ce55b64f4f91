//! Finds out, after a rollback, what a refused statement means for the call.

use std::collections::HashSet;

use sea_orm::{ActiveModelTrait, EntityTrait};

use crate::{
    batch::{FEW, rows_per_statement},
    desired::RowList,
    dialect::Dialect,
    error::{Action, InputFault, SyncError},
    field::Row,
    key_text::row_text,
    plan::SyncPlan,
    reader::Reader,
    scope::{IntoScope, Scope, WholeTable},
    statement::Statements,
};

/// Where a unique index refused rows to create because the table has their
/// keys: `InvalidInput` where the row is another model's, as the database holds
/// the two keys equal; `StalePlan` where it is in scope otherwise, as somebody
/// else has created it meanwhile, and `OutOfScope` where it is not. Else the
/// error as it is.
pub(crate) async fn explain<E: EntityTrait>(
    plan: &SyncPlan<E>,
    db: &dyn Reader,
    error: SyncError,
) -> SyncError {
    let is_create = matches!(&error, SyncError::Constraint { action: Action::Create, .. });
    if !is_create || !error.is_unique_violation() {
        return error;
    }
    // an error while explaining an error helps nobody
    let table = || plan.task.table.clone();
    let in_scope = keys_among(plan, &plan.task.scope, db).await.unwrap_or_default();
    let (of_models, appeared): (Vec<_>, Vec<_>) =
        in_scope.into_iter().partition(|(_, is_of_other_model)| *is_of_other_model);
    if !of_models.is_empty() {
        let faults = of_models.into_iter().map(|(key, _)| InputFault::EqualKeys { key });
        return SyncError::InvalidInput { table: table(), faults: faults.collect() };
    }
    if !appeared.is_empty() {
        let rows = appeared.iter().map(|(key, _)| format!("{key} has appeared"));
        return SyncError::StalePlan { table: table(), rows: rows.collect() };
    }
    let in_table = keys_among(plan, &WholeTable.into_scope(), db).await.unwrap_or_default();
    if !in_table.is_empty() {
        let keys = in_table.iter().map(|(key, _)| format!("a row outside the scope has {key}"));
        return SyncError::OutOfScope { table: table(), keys: keys.collect() };
    }
    error
}

/// The keys of rows in a scope that are those of rows to create, and whether
/// each is spelled as that of a model whose row is not to be created; `None`
/// where it cannot be read.
async fn keys_among<E: EntityTrait>(
    plan: &SyncPlan<E>,
    scope: &Scope,
    db: &dyn Reader,
) -> Option<Vec<(String, bool)>> {
    let columns = &plan.task.columns;
    let key = &columns.key;
    let dialect = Dialect::of(db.get_database_backend());
    let statements = Statements { dialect, columns };
    let created: HashSet<usize> = plan.created.iter().copied().collect();
    let mut found = Vec::new();
    for batch in plan.created.chunks(rows_per_statement(dialect, Some(FEW), 0, key.len())) {
        let rows = batch.iter().map(|&index| plan.desired.row(index));
        let keys = rows.map(|row| columns.values(key, row)).collect();
        let mut select = statements.select(scope, key);
        select.cond_where(statements.among(key, keys));
        for row in db.query_all(&select).await.ok()? {
            let mut current = <E::ActiveModel as ActiveModelTrait>::default();
            columns.read(key, &row, &mut current).ok()?;
            let current = Row::Active(&current);
            let model = plan.index.find(columns, &plan.desired, current);
            let is_of_other_model = model.is_some_and(|model| !created.contains(&model));
            found.push((row_text(columns, key, current), is_of_other_model));
        }
    }
    Some(found)
}

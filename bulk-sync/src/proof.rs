//! Proves, inside the transaction, that the rows in scope are the models given.
//!
//! Whether a row meets a condition is the database's to say: the proof asks
//! it, once, and only when something was written. Where membership depends on
//! the row alone, only the written rows can have left the scope or entered it,
//! so counting is enough. A condition with a subquery can move any row, so
//! there the keys in scope are read again.

use futures_util::TryStreamExt;
use sea_orm::{
    ActiveModelTrait, DbErr, EntityTrait,
    sea_query::{Condition, Query, SqliteQueryBuilder},
};

use crate::{
    batch::{FEW, rows_per_statement},
    connection::ReadRows,
    desired::RowList,
    dialect::Dialect,
    error::{Action, SyncError},
    field::Row,
    key_index::KeyIndex,
    key_text::row_text,
    plan::SyncPlan,
    scope::Scope,
    statement::Statements,
    write::values,
};

/// Proves the scope after the plan was written.
///
/// # Errors
///
/// `OutOfScope` with the rows that are in scope or out of it against the models.
pub(crate) async fn prove<E, C>(plan: &SyncPlan<E>, db: &C) -> Result<(), SyncError>
where
    E: EntityTrait,
    C: ReadRows,
{
    let scope = plan.task.live_scope();
    let Some(condition) = scope.condition() else { return Ok(()) };
    if plan.is_empty() {
        return Ok(());
    }
    let proof = Proof {
        plan,
        statements: Statements {
            dialect: Dialect::of(db.get_database_backend()),
            columns: &plan.task.columns,
        },
        db,
        scope: &scope,
    };
    if has_subquery(condition) || !proof.counts_match().await? {
        proof.find_strays().await?;
    }
    Ok(())
}

struct Proof<'a, E: EntityTrait, C> {
    plan: &'a SyncPlan<E>,
    statements: Statements<'a, E>,
    db: &'a C,
    scope: &'a Scope,
}

impl<E: EntityTrait, C: ReadRows> Proof<'_, E, C> {
    /// Whether as many rows are in scope as there should be.
    async fn counts_match(&self) -> Result<bool, SyncError> {
        let written: Vec<usize> = self.plan.written().collect();
        let key = &self.plan.task.columns.key;
        let mut count = self.statements.count(self.scope);
        let fixed = self.statements.parameters(&count);
        let few = rows_per_statement(self.statements.dialect, Some(FEW), fixed, key.len());
        let expected = if written.is_empty() {
            return Ok(true);
        } else if written.len() <= few {
            let rows = written.iter().map(|&index| self.plan.desired.row(index));
            let keys = rows.map(|row| values(&self.plan.task.columns, key, row)).collect();
            count.cond_where(self.statements.among(key, keys));
            written.len() as u64
        } else {
            self.plan.expected_in_scope()
        };
        let row = self.db.query_one(&count).await.map_err(|source| self.failed(source))?;
        let counted = row.map(|row| row.try_get_by_index::<i64>(0)).transpose();
        let counted = counted.map_err(|source| self.failed(source))?.unwrap_or_default();
        Ok(u64::try_from(counted) == Ok(expected))
    }

    /// Reads the keys in scope and names the written rows that are not among
    /// them, or tells that rows have moved that were not written.
    async fn find_strays(&self) -> Result<(), SyncError> {
        let columns = &self.plan.task.columns;
        let select = self.statements.select(self.scope, &columns.key);
        let (index, _) = KeyIndex::build(columns, &self.plan.desired);
        let mut found = vec![false; self.plan.desired.len()];
        let mut in_scope = 0;
        let mut current = <E::ActiveModel as ActiveModelTrait>::default();
        let mut rows = self.db.rows(&select).await.map_err(|source| self.failed(source))?;
        while let Some(row) = rows.try_next().await.map_err(|source| self.failed(source))? {
            columns.read(&columns.key, &row, &mut current).map_err(|source| self.failed(source))?;
            in_scope += 1;
            if let Some(index) = index.find(columns, &self.plan.desired, Row::Active(&current)) {
                found[index] = true;
            }
        }
        let missing = self.plan.written().filter(|&index| !found[index]);
        let mut keys: Vec<String> = missing
            .map(|index| row_text(columns, &columns.key, self.plan.desired.row(index)))
            .collect();
        let expected = self.plan.expected_in_scope();
        if keys.is_empty() && self.plan.read_all && in_scope != expected {
            keys.push(format!(
                "{in_scope} rows would be in scope, not {expected}: the condition depends on \
                 rows that the sync changes"
            ));
        }
        if keys.is_empty() {
            return Ok(());
        }
        Err(SyncError::OutOfScope { table: self.plan.task.table.clone(), keys })
    }

    fn failed(&self, source: DbErr) -> SyncError {
        SyncError::Statement {
            table: self.plan.task.table.clone(),
            action: Action::Prove,
            source: Box::new(source),
        }
    }
}

/// Whether rows can meet the condition because of other rows.
fn has_subquery(condition: &Condition) -> bool {
    let sql = Query::select().cond_where(condition.clone()).to_string(SqliteQueryBuilder);
    sql.to_ascii_uppercase().matches("SELECT").count() > 1
}

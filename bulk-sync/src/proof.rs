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
    error::{Action, InputFault, SyncError},
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
    if plan.is_empty() {
        return Ok(());
    }
    let scope = plan.task.live_scope();
    let dialect = Dialect::of(db.get_database_backend());
    let statements = Statements { dialect, columns: &plan.task.columns };
    let proof = Proof { plan, statements, db, scope: &scope };
    if scope.condition().is_some_and(has_subquery) {
        return proof.find_strays().await;
    }
    if proof.count_matches().await? {
        return Ok(());
    }
    proof.find_strays().await?;
    if proof.has_loose_key() { proof.find_equal_keys().await } else { Ok(()) }
}

struct Proof<'a, E: EntityTrait, C> {
    plan: &'a SyncPlan<E>,
    statements: Statements<'a, E>,
    db: &'a C,
    scope: &'a Scope,
}

impl<E: EntityTrait, C: ReadRows> Proof<'_, E, C> {
    /// Whether the database may hold the key of a created row equal to another.
    fn has_loose_key(&self) -> bool {
        self.statements.dialect.loose_text
            && !self.plan.created.is_empty()
            && self.plan.task.columns.has_text_key()
    }

    /// Whether the written rows are in scope, each with a key of its own. They
    /// are counted; all rows in scope are where many were written, and where
    /// rows were deleted, as those can take others along.
    async fn count_matches(&self) -> Result<bool, SyncError> {
        let columns = &self.plan.task.columns;
        let dialect = self.statements.dialect;
        let written: Vec<usize> = self.plan.written().collect();
        let mut count = self.statements.count(self.scope);
        let fixed = self.statements.parameters(&count);
        let few = rows_per_statement(dialect, Some(FEW), fixed, columns.key.len());
        let has_loose_key = self.has_loose_key();
        if self.scope.condition().is_none() && self.plan.deleted.is_empty() && !has_loose_key {
            return Ok(true);
        }
        let expected = if self.plan.deleted.is_empty() && written.len() <= few {
            let rows = written.iter().map(|&index| self.plan.desired.row(index));
            let keys = rows.map(|row| values(columns, &columns.key, row)).collect();
            count.cond_where(self.statements.among(&columns.key, keys));
            written.len() as u64
        } else {
            self.plan.expected_in_scope()
        };
        if has_loose_key {
            count = self.statements.count_keys(count);
        }
        let row = self.db.query_one(&count).await.map_err(|source| self.failed(source))?;
        let number = |index| {
            let number = row.as_ref().map(|row| row.try_get_by_index::<Option<i64>>(index));
            let number = number.transpose().map_err(|source| self.failed(source))?;
            Ok::<_, SyncError>(number.flatten().unwrap_or_default().unsigned_abs())
        };
        let rows = number(0)?;
        Ok(rows == expected && (!has_loose_key || number(1)? == rows))
    }

    /// Names the keys of created rows that the database holds equal to others.
    async fn find_equal_keys(&self) -> Result<(), SyncError> {
        let columns = &self.plan.task.columns;
        let repeated = self.statements.select_repeated_keys(self.scope);
        let fixed = self.statements.parameters(&repeated);
        let few = rows_per_statement(self.statements.dialect, Some(FEW), fixed, columns.key.len());
        let mut faults = Vec::new();
        let mut current = <E::ActiveModel as ActiveModelTrait>::default();
        for created in self.plan.created.chunks(few) {
            let rows = created.iter().map(|&index| self.plan.desired.row(index));
            let keys = rows.map(|row| values(columns, &columns.key, row)).collect();
            let mut select = repeated.clone();
            select.cond_where(self.statements.among(&columns.key, keys));
            let rows = self.db.query_all(&select).await.map_err(|source| self.failed(source))?;
            for row in rows {
                let read = columns.read(&columns.key, &row, &mut current);
                read.map_err(|source| self.failed(source))?;
                let key = row_text(columns, &columns.key, Row::Active(&current));
                faults.push(InputFault::EqualKeys { key });
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(SyncError::InvalidInput { table: self.plan.task.table.clone(), faults })
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

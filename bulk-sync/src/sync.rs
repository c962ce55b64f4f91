//! The call: the builder, and the thin layer that awaits. What to do is
//! decided by the planner, what to say to the database by the statements.

use futures_util::TryStreamExt;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbBackend, EntityTrait, IdenStatic, IntoActiveModel,
    TransactionSession, TryIntoModel,
    sea_query::{Order, SelectStatement},
};

use crate::{
    SyncKey, SyncResult, SyncReturning,
    batch::{FEW, rows_per_statement},
    check::check,
    columns::{ColumnOptions, Position},
    connection::{ReadRows, SyncConnection},
    desired::{Desired, RowList},
    dialect::Dialect,
    error::{Action, SyncError},
    guard::guard,
    key_index::KeyIndex,
    plan::{Planner, SyncPlan, Task},
    proof::prove,
    returning::read_written,
    scope::Scope,
    settings::{RepeatedKeys, Settings},
    statement::Statements,
    write::{Writer, values},
};

/// A sync that has not been carried out yet; made by
/// [`BulkSyncTrait::bulk_sync`](crate::BulkSyncTrait::bulk_sync).
#[must_use = "does nothing until `exec`, `compare` or `check` is called"]
#[derive(Clone, Debug)]
pub struct BulkSync<E: EntityTrait> {
    desired: Desired<E>,
    scope: Scope,
    columns: ColumnOptions,
    settings: Settings,
}

impl<E> BulkSync<E>
where
    E: EntityTrait,
    E::Model: SyncKey,
{
    pub(crate) fn new(desired: Desired<E>, scope: Scope, batch_size: Option<usize>) -> Self {
        Self {
            desired,
            scope,
            columns: ColumnOptions::default(),
            settings: Settings { batch_size, ..Settings::default() },
        }
    }

    /// Creates no rows; their count is 0.
    pub fn skip_creates(mut self) -> Self {
        self.settings.skip_creates = true;
        self
    }

    /// Updates no rows; their count is 0. Rows that differ are left alone and
    /// not counted.
    pub fn skip_updates(mut self) -> Self {
        self.settings.skip_updates = true;
        self
    }

    /// Deletes no rows; their count is 0. Rows that no model is given for are
    /// left alone and not counted. A few models are then looked up by their
    /// keys, without reading the rest of the scope.
    pub fn skip_deletes(mut self) -> Self {
        self.settings.skip_deletes = true;
        self
    }

    /// Compares and updates these columns only; new rows are written whole.
    pub fn only(mut self, columns: impl IntoIterator<Item = E::Column>) -> Self {
        self.columns.only.get_or_insert_default().extend(names(columns));
        self
    }

    /// Neither compares nor updates these columns; new rows are written whole.
    pub fn ignore(mut self, columns: impl IntoIterator<Item = E::Column>) -> Self {
        self.columns.ignore.extend(names(columns));
        self
    }

    /// Matches models with rows by these columns instead of those of the
    /// derive. Columns of the derive's key that are not named here are
    /// compared and updated like others.
    pub fn key(mut self, columns: impl IntoIterator<Item = E::Column>) -> Self {
        self.columns.key.get_or_insert_default().extend(names(columns));
        self
    }

    /// Lets a call without models delete every row in scope.
    pub fn allow_empty(mut self) -> Self {
        self.settings.allow_empty = true;
        self
    }

    /// Refuses to delete more than this many rows.
    pub fn max_deletes(mut self, rows: u64) -> Self {
        self.settings.max_deletes = Some(rows);
        self
    }

    /// Refuses to delete more than this share of the rows in scope, from 0 to 1.
    pub fn max_delete_share(mut self, share: f64) -> Self {
        self.settings.max_delete_share = Some(share);
        self
    }

    /// Refuses to update more than this many rows.
    pub fn max_updates(mut self, rows: u64) -> Self {
        self.settings.max_updates = Some(rows);
        self
    }

    /// Where rows of the table have the same key, keeps the one with the
    /// lowest primary key and deletes the others, which are counted. Without
    /// it they are an error.
    pub fn delete_duplicates(mut self) -> Self {
        self.settings.delete_duplicates = true;
        self
    }

    /// Where models have the same key, the first one counts. Without it they
    /// are an error.
    pub fn first_wins(mut self) -> Self {
        self.settings.repeated_keys = RepeatedKeys::First;
        self
    }

    /// Where models have the same key, the last one counts. Without it they
    /// are an error.
    pub fn last_wins(mut self) -> Self {
        self.settings.repeated_keys = RepeatedKeys::Last;
        self
    }

    /// Makes the rows in scope equal the models, all or nothing.
    ///
    /// On a pool the sync is a transaction of its own; on an open transaction
    /// it is a savepoint in it.
    ///
    /// # Errors
    ///
    /// Any [`SyncError`]; the table is as it was.
    pub async fn exec<C: SyncConnection>(self, db: &C) -> Result<SyncResult, SyncError> {
        let checked = self.check_input(Some(db.get_database_backend()))?;
        let transaction = db.begin().await?;
        let done = checked.sync(&transaction).await;
        finish(transaction, done).await
    }

    /// As [`exec`](Self::exec), and gives the rows that were created, updated
    /// and deleted, generated keys included.
    ///
    /// # Errors
    ///
    /// Any [`SyncError`]; the table is as it was.
    pub async fn exec_with_returning<C: SyncConnection>(
        self,
        db: &C,
    ) -> Result<SyncReturning<E::Model>, SyncError>
    where
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let checked = self.check_input(Some(db.get_database_backend()))?;
        let transaction = db.begin().await?;
        let done = checked.sync_returning(&transaction).await;
        finish(transaction, done).await
    }

    /// Finds out what [`exec`](Self::exec) would do. Only reads.
    ///
    /// # Errors
    ///
    /// Invalid input, duplicate keys in the table, and errors of the database.
    /// A plan that a guard would refuse is no error here: see
    /// [`SyncPlan::guard`].
    pub async fn compare<C: SyncConnection>(self, db: &C) -> Result<SyncPlan<E>, SyncError> {
        let checked = self.check_input(Some(db.get_database_backend()))?;
        Ok(checked.plan(db, Detail::Whole).await?.without_unchanged())
    }

    /// Whether the rows in scope equal the models, so that [`exec`](Self::exec)
    /// would do nothing. Only reads.
    ///
    /// # Errors
    ///
    /// Invalid input, duplicate keys in the table, and errors of the database.
    pub async fn check<C: SyncConnection>(self, db: &C) -> Result<bool, SyncError> {
        let checked = self.check_input(Some(db.get_database_backend()))?;
        Ok(checked.plan(db, Detail::Needed).await?.is_empty())
    }

    /// Finds out what a sync would do if these were the rows in scope; no
    /// database is asked.
    ///
    /// # Errors
    ///
    /// Invalid input, and duplicate keys in `current`.
    pub fn compare_with(
        self,
        current: impl IntoIterator<Item = E::Model>,
    ) -> Result<SyncPlan<E>, SyncError>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        let Checked { task, desired, index } = self.check_input(None)?;
        let mut planner = Planner::new(&task, &desired, &index);
        for model in current {
            planner.observe(&mut model.into_active_model());
        }
        let found = planner.finish()?;
        Ok(SyncPlan::new(task, desired, found, true).without_unchanged())
    }

    fn check_input(self, backend: Option<DbBackend>) -> Result<Checked<E>, SyncError> {
        let (task, desired, index) =
            check(&self.columns, self.scope, self.settings, self.desired, backend)?;
        Ok(Checked { task, desired, index })
    }
}

fn names<C: IdenStatic>(
    columns: impl IntoIterator<Item = C>,
) -> impl Iterator<Item = &'static str> {
    columns.into_iter().map(|column| column.as_str())
}

/// Which columns of the rows in scope are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// Those that decide what to do.
    Needed,
    /// All, so that deleted rows can be shown.
    Whole,
}

/// A call with faultless input.
struct Checked<E: EntityTrait> {
    task: Task<E>,
    desired: Desired<E>,
    index: KeyIndex,
}

impl<E> Checked<E>
where
    E: EntityTrait,
    E::Model: SyncKey,
{
    async fn sync<C: ReadRows>(self, db: &C) -> Result<SyncResult, SyncError> {
        let plan = self.plan(db, Detail::Needed).await?;
        plan.write(db).await?;
        Ok(plan.summary())
    }

    async fn sync_returning<C: ReadRows>(self, db: &C) -> Result<SyncReturning<E::Model>, SyncError>
    where
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let mut plan = self.plan(db, Detail::Whole).await?;
        plan.write(db).await?;
        let result = plan.summary();
        let deleted = std::mem::take(&mut plan.deleted).into_iter();
        Ok(SyncReturning {
            result,
            created: read_written(&plan, db, plan.created.iter().copied()).await?,
            updated: read_written(&plan, db, plan.updated.iter().map(|update| update.desired))
                .await?,
            deleted: deleted.map(TryIntoModel::try_into_model).collect::<Result<_, _>>()?,
        })
    }

    /// Reads the rows in scope and compares them with the models.
    async fn plan<C: ReadRows>(self, db: &C, detail: Detail) -> Result<SyncPlan<E>, SyncError> {
        let Self { task, desired, index } = self;
        let columns = &task.columns;
        let positions = match detail {
            Detail::Needed => columns.needed(),
            Detail::Whole => columns.all().collect(),
        };
        let (select, read_all) =
            select_current(&task, &desired, &positions, db.get_database_backend());
        let failed = |source| SyncError::Statement {
            table: task.table.clone(),
            action: Action::Read,
            source,
        };
        let mut planner = Planner::new(&task, &desired, &index);
        let mut current = <E::ActiveModel as ActiveModelTrait>::default();
        let mut rows = db.rows(&select).await.map_err(failed)?;
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            columns.read(&positions, &row, &mut current).map_err(failed)?;
            planner.observe(&mut current);
        }
        drop(rows);
        let found = planner.finish()?;
        Ok(SyncPlan::new(task, desired, found, read_all))
    }
}

/// The rows to compare with the models, and whether they are all that are in
/// scope: when nothing is deleted, a few models are looked up by their keys.
fn select_current<E: EntityTrait>(
    task: &Task<E>,
    desired: &Desired<E>,
    positions: &[Position],
    backend: DbBackend,
) -> (SelectStatement, bool) {
    let statements = Statements { dialect: Dialect::of(backend), columns: &task.columns };
    let key = &task.columns.key;
    let mut select = statements.select(&task.scope, positions);
    let fixed = statements.parameters(&select);
    let few = rows_per_statement(statements.dialect, Some(FEW), fixed, key.len());
    let by_key = task.settings.skip_deletes && desired.len() <= few;
    if by_key {
        let keys = desired.rows().map(|row| values(&task.columns, key, row)).collect();
        select.cond_where(statements.among(key, keys));
    }
    if task.settings.delete_duplicates {
        for &position in &task.columns.primary_key {
            select.order_by(task.columns.field(position).column().as_column_ref(), Order::Asc);
        }
    }
    (select, !by_key)
}

impl<E> SyncPlan<E>
where
    E: EntityTrait,
    E::Model: SyncKey,
{
    /// Whether the guards of the call let this plan through; `apply` asks the same.
    ///
    /// # Errors
    ///
    /// `EmptyInput`, `TooManyDeletes`, `TooManyUpdates`.
    pub fn guard(&self) -> Result<(), SyncError> {
        guard(self)
    }

    /// Guards, writes and proves; the transaction is the caller's.
    async fn write<C: ReadRows>(&self, db: &C) -> Result<(), SyncError> {
        self.guard()?;
        Writer::new(self, db).write().await?;
        prove(self, db).await
    }
}

/// Commits what was done, or rolls it back.
async fn finish<T, X: TransactionSession>(
    transaction: X,
    done: Result<T, SyncError>,
) -> Result<T, SyncError> {
    match done {
        Ok(value) => {
            transaction.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // what went wrong first is what the caller has to know; a connection
            // that cannot roll back is closed, which rolls back too
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

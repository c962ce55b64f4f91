//! The call: the models, the scope and the options, put together one by one.

use std::time::Duration;

use sea_orm::{
    DbBackend, EntityTrait, IdenStatic, IntoActiveModel, IsolationLevel, TransactionTrait,
    TryIntoModel, sea_query::Expr,
};

use crate::{
    SyncKey, SyncResult, SyncReturning,
    check::check,
    columns::ColumnOptions,
    connection::SyncConnection,
    desired::Desired,
    error::SyncError,
    field::Row,
    find::Reading,
    hook::{ChangeHook, NoHook, OnChange},
    plan::SyncPlan,
    planner::Planner,
    progress::{OnProgress, Progress},
    run::{self, Checked},
    scope::{IntoScope, Scope},
    settings::{RepeatedKeys, Settings},
};

/// A sync that has not been carried out yet; made by
/// [`BulkSyncTrait::bulk_sync`](crate::BulkSyncTrait::bulk_sync).
#[must_use = "does nothing until `exec`, `compare` or `check` is called"]
#[derive(Clone, Debug)]
pub struct BulkSync<E: EntityTrait, H = NoHook> {
    desired: Desired<E>,
    scope: Scope,
    columns: ColumnOptions,
    settings: Settings,
    stamps: Vec<Expr>,
    hook: H,
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
            stamps: Vec::new(),
            hook: NoHook,
        }
    }
}

impl<E, H> BulkSync<E, H>
where
    E: EntityTrait,
    E::Model: SyncKey,
{
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

    /// Tries at most this often (10 times, unless this says otherwise) when
    /// another transaction is in the way: a deadlock, a serialization failure,
    /// a row that has changed since it was compared. Each try is a transaction
    /// of its own with a fresh comparison, after a random pause. Inside a
    /// transaction of yours there is one try: see
    /// [`SyncError::is_retryable`].
    pub fn max_tries(mut self, tries: u32) -> Self {
        self.settings.max_tries = Some(tries);
        self
    }

    /// Gives up when the call, with all its tries, is not done after this time.
    /// Its transaction is rolled back. Dropping the future of a call does the same.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Takes the lock of a wider scope, so that syncs of scopes that overlap
    /// without being the same condition end as one after the other, too, as
    /// long as each of them names the same one: what they have in common, as
    /// `employee::Column::CompanyId.eq(501)`, or [`WholeTable`](crate::WholeTable).
    /// All rows in scope have to meet it, which is checked on MySQL alone, where no
    /// row meets it. What is synced stays as it is. SQLite needs no lock, and
    /// PostgreSQL takes none with [`skip_scope_lock`](Self::skip_scope_lock).
    ///
    /// ```text
    /// let of_501 = employee::Column::CompanyId.eq(501);
    /// employee::Entity::bulk_sync(leads, of_501.clone().and(employee::Column::Lead.eq(true)), None)
    ///     .scope_lock(of_501)
    /// ```
    pub fn scope_lock(mut self, wider: impl IntoScope) -> Self {
        self.settings.scope_lock = Some(wider.into_scope());
        self
    }

    /// The isolation level of the transaction that the call begins: READ
    /// COMMITTED, unless this says otherwise. With SERIALIZABLE, the database
    /// finds out where syncs of scopes that overlap are in each other's way, as
    /// long as each of them has it; they are tried again more often than under a
    /// common [`scope_lock`](Self::scope_lock). SQLite is always serializable. Other
    /// levels are an error, as a sync could overlook what another has committed. In
    /// a transaction of yours it is an error: begin that one with the level.
    pub fn isolation_level(mut self, level: IsolationLevel) -> Self {
        self.settings.isolation_level = Some(level);
        self
    }

    /// Takes no advisory lock of the scope on PostgreSQL: for clusters that
    /// speak its protocol and have none, and for scopes that one process alone
    /// syncs, one call at a time. Two calls that write rows of one scope at the
    /// same time can then both be carried out in part.
    pub fn skip_scope_lock(mut self) -> Self {
        self.settings.skip_scope_lock = true;
        self
    }

    /// Tells a closure how far the call is: when a phase begins, after each
    /// batch and each thousand rows that are read, and when it ends. Cheap
    /// enough to leave on, as long as the closure returns soon: the call waits
    /// for it.
    ///
    /// Rows are read and compared as they arrive, then, where something differs,
    /// deleted, updated and created, and the outcome is proved. A phase without
    /// rows is left out. One can come again, from 0: rows are read once to find
    /// whether there is anything to do and once more under the lock of the
    /// scope, unique values that move between rows can take two turns, and where
    /// another transaction was in the way all of it is done anew. A plan keeps
    /// the closure for [`SyncPlan::apply`]. [`compare_with`](Self::compare_with)
    /// reads nothing and reports nothing.
    pub fn on_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.settings.on_progress = Some(OnProgress::new(callback));
        self
    }

    /// Stamps rows instead of deleting them: sets these columns to a value or
    /// an expression, such as `Expr::current_timestamp()`.
    ///
    /// The first column tells which rows are stamped: those where it is not
    /// NULL (TRUE, for a boolean). They are not stamped again, and they do not
    /// count as rows in scope. When a model with the key of such a row is
    /// given, the row comes back: the columns are cleared (NULL, or FALSE) and
    /// the row is counted as revived. The columns are not compared.
    pub fn soft_delete<X: Into<Expr>>(
        mut self,
        stamps: impl IntoIterator<Item = (E::Column, X)>,
    ) -> Self {
        let names = self.columns.stamps.get_or_insert_default();
        for (column, stamp) in stamps {
            names.push(column.as_str());
            self.stamps.push(stamp.into());
        }
        self
    }

    /// Calls an asynchronous closure with the plan, inside the transaction,
    /// once it is written and proved and before it is committed; not when
    /// there is nothing to do. It can write an audit trail or an outbox through
    /// the transaction, and refuse the change with an error. It gives the errors of its
    /// statements back: PostgreSQL gives a transaction up for any of them, and the call
    /// fails even where the closure does not. Where the transaction has to be tried
    /// again, so is the closure.
    ///
    /// ```text
    /// .on_change(async |plan: &SyncPlan<employee::Entity>, transaction: &DatabaseTransaction| {
    ///     audit::record(plan.summary(), transaction).await
    /// })
    /// ```
    pub fn on_change<F>(self, hook: F) -> BulkSync<E, OnChange<F>> {
        let Self { desired, scope, columns, settings, stamps, hook: _ } = self;
        BulkSync { desired, scope, columns, settings, stamps, hook: OnChange(hook) }
    }

    /// Makes the rows in scope equal the models, all or nothing.
    ///
    /// On a pool the sync is a transaction of its own; on an open transaction
    /// it is a savepoint in it.
    ///
    /// # Errors
    ///
    /// Any [`SyncError`]; the table is as it was.
    pub async fn exec<C>(self, db: &C) -> Result<SyncResult, SyncError>
    where
        C: SyncConnection,
        H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
    {
        let (checked, hook) = self.check_input(Some(db.get_database_backend()))?;
        run::exec(checked, &hook, db).await
    }

    /// As [`exec`](Self::exec), and gives the rows that were created, updated
    /// and deleted, generated keys included.
    ///
    /// # Errors
    ///
    /// Any [`SyncError`]; the table is as it was.
    pub async fn exec_with_returning<C>(self, db: &C) -> Result<SyncReturning<E::Model>, SyncError>
    where
        C: SyncConnection,
        H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let (checked, hook) = self.check_input(Some(db.get_database_backend()))?;
        run::exec(checked, &hook, db).await
    }

    /// Finds out what [`exec`](Self::exec) would do. Only reads; a hook is not
    /// called and not part of the plan.
    ///
    /// # Errors
    ///
    /// Invalid input, duplicate keys in the table, and errors of the database.
    /// A plan that a guard would refuse is no error here: see
    /// [`SyncPlan::guard`].
    pub async fn compare<C: SyncConnection>(self, db: &C) -> Result<SyncPlan<E>, SyncError> {
        let (checked, _) = self.check_input(Some(db.get_database_backend()))?;
        let plan = run::plan(checked, db, Reading::WholeRows).await?;
        Ok(plan.sorted().without_unchanged())
    }

    /// Whether the rows in scope equal the models, so that [`exec`](Self::exec)
    /// would do nothing. Only reads, and no further than the first difference: where it
    /// is `false`, [`compare`](Self::compare) can still find what is an error.
    ///
    /// # Errors
    ///
    /// Invalid input, duplicate keys in the table, and errors of the database.
    pub async fn check<C: SyncConnection>(self, db: &C) -> Result<bool, SyncError> {
        let (checked, _) = self.check_input(Some(db.get_database_backend()))?;
        Ok(run::plan(checked, db, Reading::FirstDifference).await?.is_empty())
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
        let (checked, _) = self.check_input(None)?;
        let task = &checked.task;
        let mut planner = Planner::new(task, &checked.desired, &checked.index);
        let mut current: Vec<_> =
            current.into_iter().map(IntoActiveModel::into_active_model).collect();
        let by = &task.columns.primary_key;
        current.sort_by(|l, r| task.columns.compare(by, Row::Active(l), Row::Active(r)));
        for mut row in current {
            planner.observe(&mut row);
        }
        let found = planner.finish()?;
        Ok(SyncPlan::new(checked, found).sorted().without_unchanged())
    }

    fn check_input(self, backend: Option<DbBackend>) -> Result<(Checked<E>, H), SyncError> {
        let Self { desired, scope, columns, settings, stamps, hook } = self;
        Ok((check(&columns, scope, settings, stamps, desired, backend)?, hook))
    }
}

fn names<C: IdenStatic>(
    columns: impl IntoIterator<Item = C>,
) -> impl Iterator<Item = &'static str> {
    columns.into_iter().map(|column| column.as_str())
}

//! One writing sync of a scope at a time.
//!
//! A sync that finds nothing to do takes no lock. One that has something to
//! write compares once more under a lock of its scope, so that no other sync
//! of the scope can write between the comparison and the commit, be it in rows
//! that this one leaves alone. Ordinary writers do not take the lock: the rows
//! to write are locked and looked at again for them (see [`stale`](crate::stale)).
//!
//! - PostgreSQL: an advisory lock of the transaction, named by the table and
//!   the condition. It costs no I/O and is free again with the transaction.
//! - MySQL and MariaDB have no lock that ends with the transaction but those of
//!   rows: the first row in scope is locked. In an empty scope there is none,
//!   and rows that others insert have to be waited for before the commit.
//! - SQLite has one writer at a time, and refuses one whose snapshot is old.
//!
//! Where the call names a wider scope for the lock, it is the lock of that one.

use sea_orm::{
    ActiveModelTrait, EntityTrait,
    sea_query::{Expr, ExprTrait, Func, FunctionCall, LockType, Query, SelectStatement},
};

use crate::{
    catalog::postgres_table,
    dialect::{Dialect, ScopeLock},
    error::{Action, InputFault, SyncError},
    field::Row,
    find::RowLock,
    fingerprint::hash,
    key_text::row_text,
    plan::Task,
    reader::Reader,
    scope::Scope,
    statement::Statements,
};

/// Whether a scope is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locked {
    /// No other sync of the scope writes.
    Scope,
    /// There is no row to lock: others may insert rows at the same time.
    NoRow,
    /// So are all rows that are read, each time they are read.
    Rows,
}

impl Locked {
    /// How rows are read from then on. Where no row was locked they are counted under
    /// locks, and read so as well: MariaDB ends the lock of a row that is new a moment
    /// before a read without a lock sees the row.
    pub fn row_lock(self) -> RowLock {
        match self {
            Self::Scope => RowLock::None,
            Self::NoRow | Self::Rows => RowLock::Rows,
        }
    }
}

/// Waits until no other sync of the scope has something to commit.
///
/// # Errors
///
/// `Statement`; `InvalidInput` where the scope that the call names for the lock is
/// seen to be too narrow.
pub(crate) async fn lock_scope<E: EntityTrait>(
    task: &Task<E>,
    row_lock: RowLock,
    db: &dyn Reader,
) -> Result<Locked, SyncError> {
    let dialect = Dialect::of(db.get_database_backend());
    match dialect.scope_lock {
        ScopeLock::Database => Ok(Locked::Scope),
        ScopeLock::Advisory if task.settings.skip_scope_lock => Ok(Locked::Scope),
        ScopeLock::Advisory => {
            let lock = Query::select().expr(advisory_lock(task, dialect)).to_owned();
            db.query_one(&lock).await.map_err(|source| task.failed(Action::Lock, source))?;
            Ok(Locked::Scope)
        }
        ScopeLock::FirstRow => lock_first_row(task, dialect, row_lock, db).await,
    }
}

/// Named by a hash of the condition, and one of the table's number, as a schema can be
/// found by different paths, and a tenant can have one of its own. Names with the same
/// hash wait in vain.
fn advisory_lock<E: EntityTrait>(task: &Task<E>, dialect: Dialect) -> FunctionCall {
    let name = format!("bulk_sync {}", task.locked_scope().text(dialect.backend));
    let number = postgres_table::<E>().cast_as("oid").cast_as("text");
    Func::cust("pg_advisory_xact_lock")
        .arg(Expr::val(hash(&name)))
        .arg(Func::cust("hashtext").arg(Func::coalesce([number, Expr::val("")])))
}

/// Locks the first row in scope. While it waits, another can become the first: it is
/// looked for again. In a transaction of the caller the read that looks for it locks it
/// and, at REPEATABLE READ, the gaps before it.
async fn lock_first_row<E: EntityTrait>(
    task: &Task<E>,
    dialect: Dialect,
    row_lock: RowLock,
    db: &dyn Reader,
) -> Result<Locked, SyncError> {
    let columns = &task.columns;
    let statements = Statements { dialect, columns };
    let primary_key = &columns.primary_key;
    let mut first = statements.select(task.locked_scope(), primary_key);
    statements.order_by_primary_key(&mut first);
    first.limit(1);
    if row_lock == RowLock::Rows {
        first.lock(LockType::Update);
        read_row(task, &first, db).await?;
        return Ok(Locked::Rows);
    }
    let key = |row| columns.primary_key_values(Row::Active(&row));
    let mut locked = None;
    loop {
        let Some(first) = read_row(task, &first, db).await?.map(key) else {
            check_width(task, statements, db).await?;
            return Ok(Locked::NoRow);
        };
        if locked.as_ref() == Some(&first) {
            return Ok(Locked::Scope);
        }
        let mut lock = statements.select(task.locked_scope(), primary_key);
        lock.cond_where(statements.among(primary_key, vec![first])).lock(LockType::Update);
        // a row that is gone is not locked, though another may get its key
        locked = read_row(task, &lock, db).await?.map(key);
    }
}

/// Checks that a scope that has no row to lock is not too narrow: there would be
/// none, however often it is tried.
async fn check_width<E: EntityTrait>(
    task: &Task<E>,
    statements: Statements<'_, E>,
    db: &dyn Reader,
) -> Result<(), SyncError> {
    let wider = task.settings.scope_lock.as_ref().and_then(Scope::condition);
    let Some(wider) = wider else { return Ok(()) };
    let primary_key = &task.columns.primary_key;
    let meets = Func::coalesce([Expr::from(wider.clone()), Expr::val(false)]);
    let mut outside = statements.select(&task.scope, primary_key);
    outside.and_where(meets.not()).limit(1);
    let Some(row) = read_row(task, &outside, db).await? else { return Ok(()) };
    let row = row_text(&task.columns, primary_key, Row::Active(&row));
    let faults = vec![InputFault::NarrowScopeLock { row }];
    Err(SyncError::InvalidInput { table: task.table.clone(), faults })
}

/// Reads the primary key of a row.
async fn read_row<E: EntityTrait>(
    task: &Task<E>,
    select: &SelectStatement,
    db: &dyn Reader,
) -> Result<Option<E::ActiveModel>, SyncError> {
    let failed = |source| task.failed(Action::Lock, source);
    let Some(row) = db.query_one(select).await.map_err(failed)? else { return Ok(None) };
    let mut read = <E::ActiveModel as ActiveModelTrait>::default();
    task.columns.read(&task.columns.primary_key, &row, &mut read).map_err(failed)?;
    Ok(Some(read))
}

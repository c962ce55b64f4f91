//! Transactions that the server has rolled back unheard.
//!
//! A Galera node rolls back a transaction that is in the way of another node's,
//! and the error goes to its next command. Where that is one without an answer,
//! as the closing of a prepared statement is, nobody hears of it: what comes
//! after is committed statement by statement, and what came before is gone.
//!
//! A hook can ignore the error of a statement. PostgreSQL does nothing more in such a
//! transaction, and answers its COMMIT with a ROLLBACK and no error; after a deadlock,
//! MySQL goes on without one.

use sea_orm::{
    DbBackend, DbErr, EntityTrait, TransactionSession, TransactionTrait,
    sea_query::{Expr, Query},
};

use crate::{
    error::{Action, SyncError},
    plan::SyncPlan,
    reader::Reader,
    transient::{is_answer, is_not_begun, is_transient},
};

/// Read by MariaDB alone, as what it is in this comment. MySQL does not know the
/// variable, and has no such nodes.
const IS_OPEN: &str = "CAST(/*M! @@in_transaction * */ 1 AS SIGNED)";

/// What was done, unless the transaction of it is over.
///
/// # Errors
///
/// `StalePlan` where it is, `Statement` where that cannot be asked, and the one that
/// was given.
pub(crate) async fn unless_rolled_back<E: EntityTrait, R>(
    plan: &SyncPlan<E>,
    done: Result<R, SyncError>,
    db: &dyn Reader,
) -> Result<R, SyncError> {
    let is_doubtful = match &done {
        Ok(_) => !plan.is_empty(),
        // the rows that were written may be missing for that reason
        Err(error) => matches!(error, SyncError::OutOfScope { .. }),
    };
    if is_doubtful && is_over(plan, db).await? {
        return Err(rolled_back(plan));
    }
    done
}

/// Finds out, by a savepoint, whether a hook has left the transaction as one that can be
/// committed.
///
/// # Errors
///
/// `Refused` where a statement of the hook has failed, `StalePlan` where the transaction
/// is over, `Statement` where that cannot be asked.
pub(crate) async fn unless_given_up<E, T>(
    plan: &SyncPlan<E>,
    transaction: &T,
) -> Result<(), SyncError>
where
    E: EntityTrait,
    T: TransactionTrait,
{
    let given_up = |error: &DbErr| is_answer(error) && !is_transient(error);
    match transaction.begin().await {
        Ok(savepoint) => savepoint.commit().await.map_err(|error| {
            if given_up(&error) {
                rolled_back(plan)
            } else {
                plan.task.failed(Action::Prove, error)
            }
        }),
        Err(error) if given_up(&error) => {
            let table = plan.task.table.clone();
            let source = format!(
                "the hook ignored the error of a statement, and the database has given the \
                 transaction up: {error}"
            );
            Err(SyncError::Refused { table, source: source.into() })
        }
        Err(error) if is_not_begun(&error) => Err(rolled_back(plan)),
        Err(error) => Err(plan.task.failed(Action::Prove, error)),
    }
}

fn rolled_back<E: EntityTrait>(plan: &SyncPlan<E>) -> SyncError {
    let rows = vec!["the server has rolled the transaction back".to_owned()];
    SyncError::StalePlan { table: plan.task.table.clone(), rows }
}

async fn is_over<E: EntityTrait>(plan: &SyncPlan<E>, db: &dyn Reader) -> Result<bool, SyncError> {
    if db.get_database_backend() != DbBackend::MySql {
        return Ok(false);
    }
    let failed = |source| plan.task.failed(Action::Prove, source);
    let select = Query::select().expr(Expr::cust(IS_OPEN)).to_owned();
    let row = db.query_one(&select).await.map_err(failed)?;
    let is_open = row.map(|row| row.try_get_by_index::<i64>(0)).transpose().map_err(failed)?;
    Ok(is_open == Some(0))
}

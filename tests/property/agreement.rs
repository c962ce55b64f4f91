//! Carries a case out and compares what happens with what the oracle says.

use std::collections::BTreeSet;

use bulk_sync::{
    BulkSync, BulkSyncTrait, SyncConnection, SyncError, SyncPlan, SyncResult, SyncReturning,
    WholeTable,
};
use bulk_sync_tests::oracle::{Fault, Model, Plan, Row};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, IntoActiveModel, TransactionTrait,
    sea_query::Condition,
};

use crate::{
    adversary,
    case::{Case, Form},
    options::with,
    predicate::Scope,
    refusal,
    sameness::{fault_among, hide_generated, refused, same_counts, same_rows},
    subject::{Layout, Subject, active, model, row, unchanged},
};

/// What reading can tell before it asks which keys the database holds equal.
const READING: [Fault; 1] = [Fault::DuplicateRows];

/// What `exec` can tell before that.
const WRITING: [Fault; 5] = [
    Fault::DuplicateRows,
    Fault::TooManyDeletes,
    Fault::TooManyUpdates,
    Fault::Constraint,
    Fault::OutOfScope,
];

/// Why the library and the oracle disagree.
pub type Disagreement = Box<dyn std::error::Error + Send + Sync>;

/// What became of a case: nothing to do, done, or refused.
pub type Ending = Result<bool, Fault>;

/// Checks that the library and the oracle agree on a case, on a pool or in a
/// transaction.
pub async fn agree<E: Subject>(
    db: &DatabaseConnection,
    layout: &Layout,
    case: &Case,
) -> Result<Ending, Disagreement> {
    if case.manner.in_transaction {
        agree_in_transaction::<E>(db, layout, case).await
    } else {
        agree_on::<E, _>(db, layout, case).await
    }
}

/// The same in a transaction that is rolled back.
pub async fn agree_in_transaction<E: Subject>(
    db: &DatabaseConnection,
    layout: &Layout,
    case: &Case,
) -> Result<Ending, Disagreement> {
    let transaction = db.begin().await?;
    let ending = agree_on::<E, _>(&transaction, layout, case).await;
    transaction.rollback().await?;
    ending
}

async fn agree_on<E: Subject, C: SyncConnection<Transaction: SyncConnection>>(
    db: &C,
    layout: &Layout,
    case: &Case,
) -> Result<Ending, Disagreement> {
    fill::<E, _>(db, layout, &case.initial).await?;
    let call = || call::<E>(layout, case);
    let plan = case.ask(|oracle| oracle.plan(&case.initial));
    if case.has_unstorable() {
        return refusal::agree::<E, C>(db, layout, case, &plan).await;
    }
    agree_on_plan(&call()?.compare(db).await, case, &plan)?;
    agree_on_check(call()?.check(db).await, case, &plan)?;
    same_rows("compare and check only read", read::<E, _>(db).await?, case.initial.clone())?;

    if let (Ok(plan), Some(now)) = (&plan, &case.adversary) {
        return adversary::agree::<E, C>(db, layout, case, plan, now).await;
    }
    let done = exec(db, call()?, case.manner.returning).await;
    let after = read::<E, _>(db).await?;
    let plan = match plan {
        Ok(plan) => plan,
        Err(fault) => {
            let faults = instead_of(fault, case, &WRITING);
            return refused(&done, &faults, after, &case.initial);
        }
    };
    let expected = case.ask(|oracle| oracle.carry_out(&plan, &case.initial));
    let (Ok(done), Some(table)) = (&done, expected.table) else {
        return refused(&done, &expected.faults, after, &case.initial);
    };
    same_counts(done.result(), case, &plan)?;
    same_rows("the call", hide_generated(case, after.clone()), table)?;
    if expected.faults.is_empty() {
        done.agree_on_rows(case, &plan)?;
        agree_on_second_call(db, call()?, case, &after).await?;
    }
    Ok(Ok(!plan.is_empty()))
}

/// What a call can tell in place of a fault of its models: which keys the database holds
/// equal is asked after what else reading can tell, and by `exec` when all is written.
fn instead_of(fault: Fault, case: &Case, earlier: &[Fault]) -> BTreeSet<Fault> {
    let is_asked = fault == Fault::InvalidInput && !case.ask(|oracle| oracle.is_invalid());
    let earlier = earlier.iter().filter(|_| is_asked);
    earlier.copied().chain([fault]).collect()
}

/// There is nothing left to do.
async fn agree_on_second_call<E: Subject, C: SyncConnection>(
    db: &C,
    call: BulkSync<E>,
    case: &Case,
    rows: &[Row],
) -> Result<(), Disagreement> {
    let left = case.ask(|oracle| oracle.plan(rows)).map_err(|fault| format!("then {fault:?}"))?;
    let again = call.exec(db).await?;
    if !again.is_unchanged() || again.unchanged != left.unchanged as u64 {
        return Err(format!("{} unchanged in a second call, not {again}", left.unchanged).into());
    }
    same_rows("a second call", read::<E, _>(db).await?, rows.to_vec())
}

/// Makes the rows those of the table. SeaORM's own INSERT does not store each
/// value as it is: where the driver sends a time as another type, MariaDB keeps
/// another time.
pub async fn fill<E: Subject, C: SyncConnection>(
    db: &C,
    layout: &Layout,
    rows: &[Row],
) -> Result<(), Disagreement> {
    E::delete_many().exec(db).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let models = rows.iter().map(|row| active::<E>(&row.iter().cloned().map(Some).collect()));
    if layout.is_drawn() {
        let primary_key = layout.table.primary_key.iter().map(|&position| E::column(position));
        E::bulk_sync(models, WholeTable, None).key(primary_key).exec(db).await?;
        same_rows("the rows before", read::<E, _>(db).await?, rows.to_vec())
    } else {
        E::insert_many(models).exec_without_returning(db).await?;
        Ok(())
    }
}

/// The rows of the table.
pub async fn read<E: Subject, C: ConnectionTrait>(db: &C) -> Result<Vec<Row>, DbErr> {
    Ok(E::find().all(db).await?.iter().map(row::<E>).collect())
}

/// The call of the case.
pub fn call<E: Subject>(layout: &Layout, case: &Case) -> Result<BulkSync<E>, DbErr> {
    let models = case.models.iter();
    let call = match case.form {
        Form::Models => scoped(case, models.map(model::<E>).collect::<Result<Vec<_>, _>>()?),
        Form::Set => scoped(case, models.map(active::<E>).collect::<Vec<_>>()),
        Form::Unchanged => {
            let unchanged = |model: &Model| unchanged::<E>(layout, model);
            scoped(case, models.map(unchanged).collect::<Result<Vec<_>, _>>()?)
        }
    };
    Ok(with(call, &case.options))
}

fn scoped<E: Subject, M: IntoActiveModel<E::ActiveModel> + 'static>(
    case: &Case,
    models: Vec<M>,
) -> BulkSync<E> {
    let batch_size = case.options.batch_size;
    match &case.scope {
        Scope::Whole => E::bulk_sync(models, WholeTable, batch_size),
        Scope::Empty => E::bulk_sync(models, Condition::all(), batch_size),
        Scope::Where(predicate) => E::bulk_sync(models, predicate.condition::<E>(), batch_size),
    }
}

/// What a call gave.
#[derive(Debug)]
enum Done {
    Counts(SyncResult),
    Rows { result: SyncResult, created: Vec<Row>, updated: Vec<Row>, deleted: Vec<Row> },
}

impl Done {
    fn rows<E: Subject>(returning: &SyncReturning<E::Model>) -> Self {
        let rows = |models: &[E::Model]| models.iter().map(row::<E>).collect();
        Self::Rows {
            result: returning.result.clone(),
            created: rows(&returning.created),
            updated: rows(&returning.updated),
            deleted: rows(&returning.deleted),
        }
    }

    fn result(&self) -> &SyncResult {
        match self {
            Self::Counts(result) | Self::Rows { result, .. } => result,
        }
    }

    fn agree_on_rows(&self, case: &Case, plan: &Plan) -> Result<(), Disagreement> {
        let Self::Rows { created, updated, deleted, .. } = self else { return Ok(()) };
        same_rows("created", hide_generated(case, created.clone()), plan.created.clone())?;
        let desired = plan.updated.iter().map(|update| update.desired.clone()).collect();
        same_rows("updated", updated.clone(), desired)?;
        let gone = plan.deleted.iter().map(|&row| case.initial[row].clone()).collect();
        same_rows("deleted", deleted.clone(), gone)
    }
}

async fn exec<E: Subject, C: SyncConnection>(
    db: &C,
    call: BulkSync<E>,
    returning: bool,
) -> Result<Done, SyncError> {
    if returning {
        Ok(Done::rows::<E>(&call.exec_with_returning(db).await?))
    } else {
        Ok(Done::Counts(call.exec(db).await?))
    }
}

fn agree_on_plan<E: Subject>(
    found: &Result<SyncPlan<E>, SyncError>,
    case: &Case,
    expected: &Result<Plan, Fault>,
) -> Result<(), Disagreement> {
    match (found, expected) {
        (Ok(found), Ok(expected)) => {
            same_counts(&found.summary(), case, expected)?;
            let guarded = case.ask(|oracle| oracle.guarded(expected));
            match (found.guard(), guarded) {
                (Ok(()), Ok(())) => Ok(()),
                (Err(error), Err(fault)) => fault_among(&error, &[fault].into()).map(drop),
                (found, guarded) => Err(format!("guard: {found:?}, not {guarded:?}").into()),
            }
        }
        (Err(error), Err(fault)) => {
            fault_among(error, &instead_of(*fault, case, &READING)).map(drop)
        }
        (Ok(found), Err(fault)) => {
            Err(format!("compare: {fault:?}, not {}", found.summary()).into())
        }
        (Err(error), Ok(_)) => Err(format!("compare: no error, not {error:?}").into()),
    }
}

fn agree_on_check(
    found: Result<bool, SyncError>,
    case: &Case,
    expected: &Result<Plan, Fault>,
) -> Result<(), Disagreement> {
    match (found, expected) {
        (Ok(found), Ok(plan)) if found == plan.is_empty() => Ok(()),
        // it may stop at the first difference, before it meets a duplicate, or asks
        // which keys the database holds equal
        (Ok(false), Err(fault))
            if instead_of(*fault, case, &READING).contains(&Fault::DuplicateRows) =>
        {
            Ok(())
        }
        (Err(error), Err(fault)) => {
            fault_among(&error, &instead_of(*fault, case, &READING)).map(drop)
        }
        (found, _) => Err(format!("check: {found:?}").into()),
    }
}

//! Calls with values that the database refuses. Whether a value is found before
//! anything is sent, or by the database, or not at all because it is not to be
//! written, is not promised; that a refusal changes nothing is.

use std::collections::BTreeSet;

use bulk_sync::{SyncConnection, SyncError};
use bulk_sync_tests::oracle::{Fault, Plan};
use sea_orm::TransactionSession;

use crate::{
    agreement::{Disagreement, Ending, call, read},
    case::Case,
    sameness::{fault_among, hide_generated, refused, same_counts, same_rows},
    subject::{Layout, Subject},
};

/// Checks that the call is refused, or does what it should without the value.
pub async fn agree<E: Subject, C: SyncConnection<Transaction: SyncConnection>>(
    db: &C,
    layout: &Layout,
    case: &Case,
    plan: &Result<Plan, Fault>,
) -> Result<Ending, Disagreement> {
    let call = || call::<E>(layout, case);
    let mut faults = BTreeSet::from([Fault::InvalidInput, Fault::Statement]);
    faults.extend(plan.as_ref().err());
    // on PostgreSQL, a statement that fails ends the transaction that it is in
    let look = db.begin().await?;
    let compared = call()?.compare(&look).await;
    allowed(compared.as_ref().err(), &faults)?;
    look.rollback().await?;
    let look = db.begin().await?;
    allowed(call()?.check(&look).await.as_ref().err(), &faults)?;
    look.rollback().await?;

    let done = call()?.exec(db).await;
    let after = read::<E, _>(db).await?;
    let expected = plan.as_ref().ok().map(|plan| {
        let outcome = case.ask(|oracle| oracle.carry_out(plan, &case.initial));
        faults.extend(outcome.faults);
        (plan, outcome.table)
    });
    let (Ok(result), Some((plan, Some(table)))) = (&done, expected) else {
        return refused(&done, &faults, after, &case.initial);
    };
    same_counts(result, case, plan)?;
    same_rows("the call", hide_generated(case, after), table)?;
    Ok(Ok(!plan.is_empty()))
}

fn allowed(error: Option<&SyncError>, faults: &BTreeSet<Fault>) -> Result<(), Disagreement> {
    error.map_or(Ok(()), |error| fault_among(error, faults).map(drop))
}

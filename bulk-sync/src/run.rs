//! The calls: each is tried until it is done or until it is of no use to try.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sea_orm::{DbErr, EntityTrait, TransactionTrait, TryIntoModel};
use tracing::Instrument;

use crate::{
    SyncResult, SyncReturning,
    attempt::{Attempt, NotApplied},
    check::{check_isolation, check_plan},
    connection::SyncConnection,
    desired::{Desired, RowList},
    error::SyncError,
    find::{Reading, RowLock, find},
    hook::ChangeHook,
    key_index::KeyIndex,
    plan::{SyncPlan, Task},
    reader::Reader,
    returning::{read_created, read_updated},
    timer::{Timer, timeout},
    trace::Trace,
    tries::Tries,
};

/// A call with faultless input.
pub(crate) struct Checked<E: EntityTrait> {
    pub task: Task<E>,
    pub desired: Desired<E>,
    pub index: KeyIndex,
}

/// Reads the rows in scope and compares them with the models.
pub(crate) async fn plan<E: EntityTrait>(
    mut checked: Checked<E>,
    db: &dyn Reader,
    reading: Reading,
) -> Result<SyncPlan<E>, SyncError> {
    let limit = Limit::new(&checked.task);
    let call = if reading == Reading::WholeRows { "compare" } else { "check" };
    let trace = Trace::begin(call, &checked.task, db.get_database_backend(), checked.desired.len());
    let call = async {
        let mut tries = Tries::new(&checked.task, db.is_transaction());
        loop {
            trace.try_begins();
            match find(&mut checked, db, reading, RowLock::None).await {
                Ok(found) => return Ok(SyncPlan::new(checked, found)),
                Err(error) => tries.again(error).await?,
            }
        }
    };
    let done = limit.keep(call, &AtomicBool::new(false)).instrument(trace.span()).await;
    // a check does not count what comes after the first difference
    let counts = |plan: &SyncPlan<E>| {
        (trace.is_on() && reading == Reading::WholeRows).then(|| plan.summary())
    };
    trace.end(done.as_ref().map(counts));
    done
}

/// What a call gives back.
pub(crate) trait Report<E: EntityTrait>: Sized {
    /// What has to be read for it.
    const READING: Reading;

    /// The counts in it.
    fn counts(&self) -> &SyncResult;

    /// Reads it, before the commit.
    fn read(
        plan: &SyncPlan<E>,
        transaction: &dyn Reader,
    ) -> impl Future<Output = Result<Self, SyncError>>;
}

impl<E: EntityTrait> Report<E> for SyncResult {
    const READING: Reading = Reading::NeededColumns;

    fn counts(&self) -> &SyncResult {
        self
    }

    async fn read(plan: &SyncPlan<E>, _: &dyn Reader) -> Result<Self, SyncError> {
        Ok(plan.summary())
    }
}

impl<E: EntityTrait> Report<E> for SyncReturning<E::Model>
where
    E::ActiveModel: TryIntoModel<E::Model>,
{
    const READING: Reading = Reading::WholeRows;

    fn counts(&self) -> &SyncResult {
        &self.result
    }

    async fn read(plan: &SyncPlan<E>, transaction: &dyn Reader) -> Result<Self, SyncError> {
        let deleted = plan.deleted.iter().map(|row| row.clone().try_into_model());
        Ok(Self {
            result: plan.summary(),
            created: read_created(plan, transaction).await?,
            updated: read_updated(plan, transaction).await?,
            deleted: deleted.collect::<Result<_, _>>()?,
        })
    }
}

/// Makes the plan and carries it out in a transaction; again and again while
/// other transactions are in the way.
pub(crate) async fn exec<E, C, H, R>(
    mut checked: Checked<E>,
    hook: &H,
    db: &C,
) -> Result<R, SyncError>
where
    E: EntityTrait,
    C: SyncConnection,
    H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
    R: Report<E>,
{
    check_isolation(&checked.task, db)?;
    let reading = if H::IS_SET { Reading::WholeRows } else { R::READING };
    let limit = Limit::new(&checked.task);
    let trace =
        Trace::begin("exec", &checked.task, db.get_database_backend(), checked.desired.len());
    checked.task.trace = trace.clone();
    let is_committing = AtomicBool::new(false);
    let tries = async {
        let mut tries = Tries::new(&checked.task, db.is_transaction());
        let attempt = Attempt { db, hook, reading, is_committing: &is_committing };
        loop {
            trace.try_begins();
            match Box::pin(attempt.sync(checked, &tries)).await {
                Ok(report) => return Ok(report),
                Err(failed) => {
                    tries.again(failed.error).await?;
                    checked = failed.checked;
                }
            }
        }
    };
    let done = limit.keep(tries, &is_committing).instrument(trace.span()).await;
    trace.end(done.as_ref().map(|report: &R| trace.is_on().then(|| report.counts().clone())));
    done
}

/// Carries out a plan in a transaction; again and again while other transactions are in
/// the way, but not once a row of it has changed.
pub(crate) async fn apply<E, C, H>(
    mut plan: SyncPlan<E>,
    hook: &H,
    db: &C,
) -> Result<SyncResult, SyncError>
where
    E: EntityTrait,
    C: SyncConnection,
    H: ChangeHook<E, <C as TransactionTrait>::Transaction>,
{
    check_isolation(&plan.task, db)?;
    let backend = db.get_database_backend();
    check_plan(&plan, backend)?;
    let limit = Limit::new(&plan.task);
    let trace = Trace::begin("apply", &plan.task, backend, plan.given);
    plan.task.trace = trace.clone();
    let is_committing = AtomicBool::new(false);
    let tries = async {
        let mut tries = Tries::new(&plan.task, db.is_transaction());
        let reading = Reading::WholeRows;
        let attempt = Attempt { db, hook, reading, is_committing: &is_committing };
        loop {
            trace.try_begins();
            match Box::pin(attempt.apply(&mut plan, &tries)).await {
                Ok(result) => return Ok(result),
                Err(NotApplied { error, is_stale: true }) => return Err(error),
                Err(NotApplied { error, .. }) => tries.again(error).await?,
            }
        }
    };
    let done = limit.keep(tries, &is_committing).instrument(trace.span()).await;
    trace.end(done.as_ref().map(|result| trace.is_on().then(|| result.clone())));
    done
}

/// The time that a call has.
struct Limit {
    table: String,
    timeout: Option<Duration>,
}

impl Limit {
    fn new<E: EntityTrait>(task: &Task<E>) -> Self {
        Self { table: task.table.clone(), timeout: task.settings.timeout }
    }

    /// Drops the call when its time is over.
    async fn keep<R>(
        self,
        call: impl Future<Output = Result<R, SyncError>>,
        is_committing: &AtomicBool,
    ) -> Result<R, SyncError> {
        let Some(after) = self.timeout else { return call.await };
        let timer = Timer::start(after)
            .map_err(|error| DbErr::Custom(format!("no thread for a timeout: {error}")))?;
        match timeout(timer, call).await {
            Some(done) => done,
            None if is_committing.load(Ordering::Relaxed) => {
                Err(SyncError::OutcomeUnknown { table: self.table, source: None })
            }
            None => Err(SyncError::Timeout { table: self.table, after }),
        }
    }
}

//! Carrying out a plan that was made before.

use sea_orm::{EntityTrait, TransactionTrait};

use crate::{
    SyncResult,
    connection::SyncConnection,
    error::SyncError,
    guard::guard,
    hook::{ChangeHook, NoHook, OnChange},
    plan::SyncPlan,
    progress::{OnProgress, Progress},
    run,
};

impl<E: EntityTrait> SyncPlan<E> {
    /// Whether the guards of the call let this plan through;
    /// [`apply`](Self::apply) asks the same.
    ///
    /// # Errors
    ///
    /// `EmptyInput`, `TooManyDeletes`, `TooManyUpdates`.
    pub fn guard(&self) -> Result<(), SyncError> {
        guard(self)
    }

    /// Does exactly what the plan says, all or nothing.
    ///
    /// On a pool it is a transaction of its own; on an open transaction it is
    /// a savepoint in it.
    ///
    /// # Errors
    ///
    /// `StalePlan` where a row that the plan would update or delete has
    /// changed, is gone or has left the scope, or where a row with a key that
    /// it would create has appeared; and any other [`SyncError`]. The table is
    /// as it was.
    pub async fn apply<C: SyncConnection>(self, db: &C) -> Result<SyncResult, SyncError> {
        run::apply(self, &NoHook, db).await
    }

    /// Tells a closure how far [`apply`](Self::apply) is, in place of the one
    /// that the plan has of [`BulkSync::on_progress`](crate::BulkSync::on_progress).
    pub fn on_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.task.settings.on_progress = Some(OnProgress::new(callback));
        self
    }

    /// The plan with a hook, as [`BulkSync::on_change`](crate::BulkSync::on_change).
    pub fn on_change<F>(self, hook: F) -> HookedPlan<E, F> {
        HookedPlan { plan: self, hook: OnChange(hook) }
    }
}

/// A plan with a hook; made by [`SyncPlan::on_change`].
#[must_use = "a plan does nothing until it is applied"]
#[derive(Debug)]
pub struct HookedPlan<E: EntityTrait, F> {
    plan: SyncPlan<E>,
    hook: OnChange<F>,
}

impl<E: EntityTrait, F> HookedPlan<E, F> {
    /// As [`SyncPlan::apply`].
    ///
    /// # Errors
    ///
    /// Those of [`SyncPlan::apply`], and `Refused` where the hook refuses.
    pub async fn apply<C>(self, db: &C) -> Result<SyncResult, SyncError>
    where
        C: SyncConnection,
        OnChange<F>: ChangeHook<E, <C as TransactionTrait>::Transaction>,
    {
        run::apply(self.plan, &self.hook, db).await
    }
}

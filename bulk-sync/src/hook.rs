//! The hook that sees a change before it is committed.

use std::error::Error;

use sea_orm::EntityTrait;

use crate::SyncPlan;

/// What a hook says when it refuses.
pub type Refusal = Box<dyn Error + Send + Sync>;

/// Sees a plan that was written, inside the transaction, and may refuse it.
///
/// `T` is the transaction of the connection on which the sync runs:
/// `DatabaseTransaction` for SeaORM's pools, transactions and executors.
pub trait ChangeHook<E: EntityTrait, T> {
    /// Whether there is something to call.
    const IS_SET: bool;

    /// Looks at the plan. An error rolls the change back. It is called again
    /// where the transaction is tried again.
    fn call(
        &self,
        plan: &SyncPlan<E>,
        transaction: &T,
    ) -> impl Future<Output = Result<(), Refusal>>;
}

/// No hook.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHook;

impl<E: EntityTrait, T> ChangeHook<E, T> for NoHook {
    const IS_SET: bool = false;

    async fn call(&self, _: &SyncPlan<E>, _: &T) -> Result<(), Refusal> {
        Ok(())
    }
}

/// An asynchronous closure as a hook. It can be cloned, as each try calls it.
#[derive(Clone, Copy, Debug)]
pub struct OnChange<F>(pub(crate) F);

impl<E, T, F, X> ChangeHook<E, T> for OnChange<F>
where
    E: EntityTrait,
    F: AsyncFnOnce(&SyncPlan<E>, &T) -> Result<(), X> + Clone,
    X: Into<Refusal>,
{
    const IS_SET: bool = true;

    async fn call(&self, plan: &SyncPlan<E>, transaction: &T) -> Result<(), Refusal> {
        self.0.clone()(plan, transaction).await.map_err(Into::into)
    }
}

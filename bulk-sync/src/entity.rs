//! The calls that entities gain.

use sea_orm::{EntityTrait, IntoActiveModel};

use crate::{
    BulkSync, Difference, IntoScope, SyncError, SyncKey, desired::Desired, difference::difference,
};

/// Syncs a table with a list of models; every entity whose Model derives
/// [`SyncKey`] has it.
pub trait BulkSyncTrait: EntityTrait {
    /// A sync that makes the rows that meet `scope` equal the models.
    ///
    /// - `models`: Models, `ActiveModel`s, or forms with
    ///   `DeriveIntoActiveModel`. A column that is `NotSet` is neither compared
    ///   nor updated, and left to the database's default when the row is created.
    /// - `scope`: the condition that the rows meet, or
    ///   [`WholeTable`](crate::WholeTable).
    /// - `batch_size`: rows a statement, or `None` to let the library choose.
    ///   Never more than the backend's limit of parameters allows.
    fn bulk_sync<M, I>(
        models: I,
        scope: impl IntoScope,
        batch_size: impl Into<Option<usize>>,
    ) -> BulkSync<Self>
    where
        Self::Model: SyncKey,
        I: IntoIterator<Item = M>,
        M: IntoActiveModel<Self::ActiveModel> + 'static,
    {
        BulkSync::new(Desired::collect(models), scope.into_scope(), batch_size.into())
    }

    /// Compares two lists of models by the derive's key, without a database.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where a list has a key twice, or a model has no key.
    fn compare<'a>(
        current: &'a [Self::Model],
        desired: &'a [Self::Model],
    ) -> Result<Difference<'a, Self::Model>, SyncError>
    where
        Self::Model: SyncKey,
    {
        difference::<Self>(current, desired)
    }
}

impl<E: EntityTrait> BulkSyncTrait for E {}

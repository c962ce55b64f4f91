//! For the tests of applications.

use sea_orm::{EntityTrait, IntoActiveModel, TransactionSession};

use crate::{BulkSync, IntoScope, SyncConnection, SyncError, SyncKey, SyncPlan, desired::Desired};

/// Asserts that a second sync of the same models has nothing to do: that the
/// table keeps what the models say, or that bulk-sync knows how it rounds it.
///
/// Syncs in a transaction, compares, and rolls back.
///
/// ```no_run
/// # use bulk_sync::{SyncKey, prelude::*, testing::assert_converges};
/// # use sea_orm::entity::prelude::*;
/// # #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
/// # #[sea_orm(table_name = "price")]
/// # pub struct Model {
/// #     #[sea_orm(primary_key)]
/// #     pub id: i64,
/// #     #[sync(key)]
/// #     pub sku: String,
/// # }
/// # #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// # pub enum Relation {}
/// # impl ActiveModelBehavior for ActiveModel {}
/// # async fn test(db: sea_orm::DatabaseConnection, models: Vec<Model>) -> Result<(), SyncError> {
/// assert_converges(Entity, models, WholeTable, &db).await
/// # }
/// ```
///
/// # Errors
///
/// Those of the syncs.
///
/// # Panics
///
/// Where the second sync would do something: with the rows, their columns and
/// both values.
pub async fn assert_converges<E, I, M, C>(
    _: E,
    models: I,
    scope: impl IntoScope,
    db: &C,
) -> Result<(), SyncError>
where
    E: EntityTrait,
    E::Model: SyncKey,
    I: IntoIterator<Item = M>,
    M: IntoActiveModel<E::ActiveModel> + 'static,
    C: SyncConnection<Transaction: SyncConnection>,
{
    let sync = BulkSync::<E>::new(Desired::collect(models), scope.into_scope(), None).allow_empty();
    let transaction = db.begin().await?;
    let again = compare_again(sync, &transaction).await;
    transaction.rollback().await?;
    let again = again?;
    assert!(again.is_empty(), "a second sync of the same models would not be empty\n{again:#}");
    Ok(())
}

async fn compare_again<E, T>(sync: BulkSync<E>, transaction: &T) -> Result<SyncPlan<E>, SyncError>
where
    E: EntityTrait,
    E::Model: SyncKey,
    T: SyncConnection,
{
    sync.clone().exec(transaction).await?;
    sync.compare(transaction).await
}

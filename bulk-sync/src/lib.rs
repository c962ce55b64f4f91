//! bulk-sync

mod batch;
mod catalog;
mod check;
mod columns;
mod connection;
mod desired;
mod dialect;
mod difference;
mod display;
mod entity;
mod error;
mod explain;
mod field;
mod fingerprint;
mod guard;
mod hook;
mod judge;
mod key_index;
mod key_text;
mod loose_keys;
mod plan;
mod planner;
mod proof;
mod result;
mod returning;
mod rounding;
mod row_source;
mod run;
mod scope;
#[cfg(feature = "serde")]
mod serialize;
mod settings;
mod soft_delete;
mod stale;
mod statement;
mod storable;
mod swap;
mod sync;
mod write;

use sea_orm::ModelTrait;

pub use bulk_sync_derive::SyncKey;

pub use crate::{
    connection::{ReadRows, RowStream, SyncConnection},
    difference::{Difference, UpdatedModel},
    display::LISTED_ROWS,
    entity::BulkSyncTrait,
    error::{Action, InputFault, SyncError},
    fingerprint::Fingerprint,
    hook::{ChangeHook, NoHook, OnChange, Refusal},
    plan::{Change, SyncPlan, UpdatedRow},
    result::{SyncResult, SyncReturning},
    run::HookedPlan,
    scope::{IntoScope, Scope, WholeTable},
    storable::ValueFault,
    sync::BulkSync,
};

/// Names the key of a Model and the columns that a sync leaves alone; derive it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which columns are its key",
    label = "this Model has no sync key",
    note = "add `SyncKey` to the derives of the Model, and `#[sync(key)]` to each field of the key"
)]
pub trait SyncKey: ModelTrait {
    /// The columns of the entity, in the order of the struct.
    #[doc(hidden)]
    fn fields() -> &'static [field::Field<Self::Entity>];
}

/// What the derive emits calls to; not for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::field::{
        Access, Field, HashByHash, HashByValue, KeyHasher, Probe, Role, Row, SameByEq, SameByValue,
    };
    pub use sea_orm;
}

/// What a program that syncs wants in scope.
pub mod prelude {
    pub use crate::{
        BulkSyncTrait, SyncConnection, SyncError, SyncKey, SyncPlan, SyncResult, WholeTable,
    };
}

/// The name of the entity's table, with its schema where it has one.
fn table_name<E: sea_orm::EntityName>() -> String {
    let entity = E::default();
    match entity.schema_name() {
        Some(schema) => format!("{schema}.{}", entity.table_name()),
        None => entity.table_name().to_owned(),
    }
}

/// The programs of the README, as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

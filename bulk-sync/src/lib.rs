//! Makes a table equal a list of models, in one call.
//!
//! A service that imports data, an HR export, a price list, a directory, has
//! the models that should be in the table. Given them and a condition, the
//! rows that meet the condition end up equal to the models: missing rows are
//! created, rows that differ are updated, rows that no model is given for are
//! deleted, and the rest are not written. The counts come back. It works on
//! the entities of SeaORM 2.0, on SQLite, PostgreSQL, MySQL and MariaDB.
//!
//! ```
//! use bulk_sync::prelude::*;
//! # use sea_orm::{ConnectionTrait, Database, DbErr, Schema};
//! use sea_orm::entity::prelude::*;
//!
//! mod employee {
//!     use bulk_sync::SyncKey;
//!     use sea_orm::entity::prelude::*;
//!
//!     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
//!     #[sea_orm(table_name = "employee")]
//!     pub struct Model {
//!         #[sea_orm(primary_key)]
//!         pub id: i64,
//!         #[sync(key)]
//!         pub company_id: i32,
//!         #[sync(key)]
//!         pub external_id: String,
//!         pub name: String,
//!     }
//!
//!     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
//!     pub enum Relation {}
//!
//!     impl ActiveModelBehavior for ActiveModel {}
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let db = Database::connect("sqlite::memory:").await?;
//! # let schema = Schema::new(db.get_database_backend());
//! # db.execute(&schema.create_table_from_entity(employee::Entity)).await?;
//! # let models = vec![employee::Model {
//! #     id: 0, company_id: 501, external_id: "A1".into(), name: "Ann".into(),
//! # }];
//! let scope = employee::Column::CompanyId.eq(501);
//! let result = employee::Entity::bulk_sync(models, scope, 1_000).exec(&db).await?;
//! println!("{result}"); // 3 created, 2 updated, 1 deleted, 94 unchanged
//! # assert_eq!(result.created, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! One SELECT reads the columns that matter of the rows in scope, as a stream.
//! Each row is looked up among the models by its key and compared as it
//! arrives; rows that need nothing are forgotten at once. What is left is a
//! plan: a value that can be shown ([`BulkSync::compare`]), kept, fingerprinted
//! and applied ([`SyncPlan::apply`]). [`BulkSync::exec`] makes the same plan and
//! carries it out in one transaction: deletes first, then updates, then
//! creates, many rows a statement. Then the database is asked whether the rows
//! in scope are the models given, and only then is it committed.
//!
//! # What it does not do
//!
//! Hooks of `ActiveModelBehavior` are not called, as in every statement of
//! SeaORM for many rows. Children that `ON DELETE CASCADE` takes along are not
//! counted. Rows outside the scope are never written. No statement is sent a
//! row.
//!
//! # The parts
//!
//! - [`SyncKey`] on the Model names the key and the columns to leave alone.
//! - [`BulkSyncTrait::bulk_sync`] takes the models, the scope and the batch
//!   size; the options are the methods of [`BulkSync`].
//! - [`SyncResult`] has the counts, [`SyncPlan`] what would be done.
//! - [`SyncError`] says what went wrong and what to do about it.
//! - [`BulkSyncTrait::compare`] compares two lists without a database.
//!
//! # The derive
//!
//! On fields: `#[sync(key)]`, `#[sync(ignore)]` (written when a row is created,
//! never compared or updated), `#[sync(touch)]` (not compared, written when the
//! row is updated for another reason), `#[sync(with = "path")]` (compared by a
//! function of two references). On the struct the same by name, for generated
//! entities: `#[sync(keys(company_id, external_id), ignore(created_at),
//! touch(updated_at))]`, and `#[sync(crate = "path")]` where bulk-sync has
//! another name.
//!
//! # Equality
//!
//! A row that differs from its model only in what its column does not keep is
//! unchanged: nanoseconds in a `timestamp(3)`, a price of 10.005 in a
//! `numeric(12,2)`, blanks in a `char(5)`. Rust decides where a type is exact.
//! Where it is not and a difference was found, the catalog is asked what the
//! column keeps, and the database casts the values that have more. Text keys
//! that the database holds equal (a case-insensitive collation, `citext`) match,
//! and the changed spelling is an update. NaN equals NaN. Unset is not NULL: a
//! column that an `ActiveModel` leaves `NotSet` is not compared.
//!
//! # NULL keys
//!
//! A model without a value in a column of the key is refused. A row of the
//! table with NULL in one matches no model, so it is a row that no model was
//! given for, and is deleted; leave such rows out of the scope to keep them.

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
mod find;
mod fingerprint;
mod guard;
mod hook;
mod judge;
mod key_index;
mod key_text;
mod lock;
mod loose_keys;
mod moment;
mod plan;
mod planner;
mod progress;
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
#[cfg(feature = "testing")]
pub mod testing;
mod timer;
mod transient;
mod tries;
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
    progress::{Phase, Progress},
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

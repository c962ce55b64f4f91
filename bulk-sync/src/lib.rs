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
//! **The manual**: [how it works](#how-it-works), [what it does not
//! do](#what-it-does-not-do), [I want to …](#i-want-to-), [the
//! derive](#the-derive), [models and scope](#models-and-scope),
//! [equality](#equality), [plans](#plans), [guards](#guards), [errors](#errors), [backends](#backends),
//! [features](#features); on pages of their own a [cookbook], [input],
//! [progress and tracing][observing], [coming from][coming_from] other means,
//! the [design] in questions and answers, [types], [reliability],
//! [faults][reliability_faults], [poolers and clusters][clusters] and
//! [performance].
//!
//! [cookbook]: _manual::cookbook
//! [input]: _manual::input
//! [observing]: _manual::observing
//! [coming_from]: _manual::coming_from
//! [design]: _manual::design
//! [types]: _manual::types
//! [reliability]: _manual::reliability
//! [reliability_faults]: _manual::reliability_faults
//! [clusters]: _manual::clusters
//! [performance]: _manual::performance
//!
//! # How it works
//!
//! One SELECT reads the columns that matter of the rows in scope, as a stream.
//! Each row is looked up among the models by its key and compared as it
//! arrives; rows that need nothing are forgotten at once. What is left is a
//! plan: a value that can be shown ([`BulkSync::compare`]), kept, fingerprinted
//! and applied ([`SyncPlan::apply`]). [`BulkSync::exec`] makes the same plan and
//! carries it out in one transaction: deletes first, then updates, then
//! creates, many rows a statement, so that a unique value or a key that one
//! frees can be used by the next; rows that are kept can exchange the values of
//! a unique column. Then the database is asked whether the rows in scope are the
//! models given, and only then is it committed.
//!
//! Where another transaction was in the way, all of it is done again with a
//! fresh comparison. Where there is nothing to do, the one SELECT was all: no
//! lock, no transaction on the servers, nothing logged.
//!
//! # What it does
//!
//! - Only rows that differ are written and counted, and of an updated row only
//!   columns that differ.
//! - Every statement is split by rows, parameters and bytes.
//! - All faults of the input come in one error, before anything is sent; an
//!   empty list deletes nothing unless told to.
//! - Rows outside the scope are never written, and a model that does not meet
//!   the condition is refused.
//! - Rows keep their primary keys; new ones get theirs from the database and
//!   are given back by [`BulkSync::exec_with_returning`].
//! - Two syncs of one scope end as one after the other, and what an ordinary
//!   writer commits meanwhile is not overwritten: see [reliability].
//!
//! # What it does not do
//!
//! - Hooks of `ActiveModelBehavior` are not called, as in every statement of
//!   SeaORM for many rows; see [`BulkSync::on_change`].
//! - Children that `ON DELETE CASCADE` takes along are not counted.
//! - It makes no table, no temporary one either, and no index. A unique index
//!   on the key is not needed, but is what keeps keys unique for others too:
//!   ordinary writers, and syncs of overlapping scopes without a common lock.
//! - It does not read its input as a stream: the models are held in memory, as
//!   what no model is given for is deleted. Rows of the table that do not change
//!   are not held.
//! - No statement is sent a row, and nothing falls back to it.
//! - Two new models whose keys only the database holds equal (a
//!   case-insensitive collation, `citext`) are refused, also with
//!   [`first_wins`] or [`last_wins`]: these decide between keys that are the
//!   same in Rust, or once they are stored.
//! - On SQLite, SeaORM keeps a `Decimal` as a 64-bit float, and reads it from
//!   columns of the type that its own schema declares, `real_decimal(p, s)`: in
//!   one declared as `decimal(p, s)`, SQLite keeps whole numbers as integers,
//!   which SeaORM does not read as `Decimal`.
//! - A text column of MySQL in another character set than utf8 (`latin1`)
//!   cannot be the primary key by which rows are updated: the server refuses to
//!   compare it with the values.
//! - A sync that creates or updates rows reads the catalog once, to know what
//!   the columns keep and which are generated. Generated columns are never
//!   written, and never a difference.
//!
//! # I want to …
//!
//! | | |
//! |---|---|
//! | make rows equal a list | [`bulk_sync`]`(models, scope, None).`[`exec`]`(&db)` |
//! | know which rows it changed, with generated keys | [`exec_with_returning`] |
//! | see first what it would do | [`compare`], and print the [`SyncPlan`]: `{plan}` or `{plan:#}` |
//! | let a person confirm a plan, then do that and nothing else | [`SyncPlan::fingerprint`], [`SyncPlan::apply`] |
//! | know whether a table has drifted | [`check`] |
//! | compare two lists, or a list with rows at hand, without a database | [`compare`](BulkSyncTrait::compare) of the entity, [`compare_with`] |
//! | insert and update only (an upsert) | [`skip_deletes`]; a few models are looked up without reading the rest |
//! | insert what is missing and leave the rest | [`skip_updates`], [`skip_deletes`] |
//! | only remove what is gone | [`skip_creates`], [`skip_updates`] |
//! | write some columns only | [`only`], [`ignore`], or an `ActiveModel` that leaves the others `NotSet` |
//! | write a column when a row is created, and never again | `#[sync(ignore)]` |
//! | set a column whenever a row is written (`updated_at`) | `#[sync(touch)]` |
//! | match rows by other columns in one call | [`key`] |
//! | keep rows, marked as gone | [`soft_delete`] |
//! | not lose a table to a truncated export | [`max_deletes`], [`max_delete_share`], [`max_updates`] |
//! | empty a scope on purpose | [`allow_empty`] |
//! | have the same key twice in the input, or in the table | [`first_wins`], [`last_wins`]; [`delete_duplicates`] |
//! | share a table with other writers | a column for the owner, in the models and in the scope: `owned_rows` in the examples |
//! | write an audit trail in the same transaction, or refuse a change | [`on_change`] |
//! | sync several tables, all or nothing | `exec(&transaction)` for each, in one of yours |
//! | end a call that takes too long | [`timeout`], or drop its future |
//! | give up sooner, or later, where others are in the way | [`max_tries`] |
//! | show how far it is | [`on_progress`]; see [observing] |
//! | trace it | a subscriber of `tracing`; see [observing] |
//! | sync scopes that overlap at the same time, in one order | the same [`scope_lock`] in each of the calls, or [`isolation_level`]`(Serializable)` |
//! | run on a cluster without advisory locks | [`skip_scope_lock`]; see [clusters] |
//! | compare a column by a rule of mine | `#[sync(with = "path")]` |
//! | test that my table keeps what my models say | `testing::assert_converges`, feature `testing` |
//!
//! [`bulk_sync`]: BulkSyncTrait::bulk_sync
//! [`exec`]: BulkSync::exec
//! [`exec_with_returning`]: BulkSync::exec_with_returning
//! [`compare`]: BulkSync::compare
//! [`compare_with`]: BulkSync::compare_with
//! [`check`]: BulkSync::check
//! [`skip_creates`]: BulkSync::skip_creates
//! [`skip_updates`]: BulkSync::skip_updates
//! [`skip_deletes`]: BulkSync::skip_deletes
//! [`only`]: BulkSync::only
//! [`ignore`]: BulkSync::ignore
//! [`key`]: BulkSync::key
//! [`soft_delete`]: BulkSync::soft_delete
//! [`max_deletes`]: BulkSync::max_deletes
//! [`max_delete_share`]: BulkSync::max_delete_share
//! [`max_updates`]: BulkSync::max_updates
//! [`allow_empty`]: BulkSync::allow_empty
//! [`first_wins`]: BulkSync::first_wins
//! [`last_wins`]: BulkSync::last_wins
//! [`delete_duplicates`]: BulkSync::delete_duplicates
//! [`on_change`]: BulkSync::on_change
//! [`timeout`]: BulkSync::timeout
//! [`scope_lock`]: BulkSync::scope_lock
//! [`max_tries`]: BulkSync::max_tries
//! [`isolation_level`]: BulkSync::isolation_level
//! [`on_progress`]: BulkSync::on_progress
//! [`skip_scope_lock`]: BulkSync::skip_scope_lock
//!
//! The [cookbook] has whole programs: an HR import, a price list with soft
//! delete, reference data at start-up, many tenants, an audit trail, a drift
//! check in CI. [Input][input] shows CSV, JSON, Arrow, rows of another database
//! and generated entities.
//!
//! # The derive
//!
//! [`SyncKey`] says which columns are the key: what makes a row of the table
//! and a model the same thing. In the models of one call each key stands once.
//! It can be the primary key, or columns beside it.
//!
//! | on a field | on the struct | |
//! |---|---|---|
//! | `#[sync(key)]` | `keys(a, b)` | part of the key: never updated |
//! | `#[sync(ignore)]` | `ignore(a, b)` | written when a row is created, never compared or updated |
//! | `#[sync(touch)]` | `touch(a, b)` | not compared, but written when the row is updated for another reason |
//! | `#[sync(with = "path")]` | | compared by a function `fn(&T, &T) -> bool` |
//! | | `crate = "path"` | where bulk-sync is found, if not at `::bulk_sync` |
//!
//! The two forms do the same, and can stand together. It works on compact,
//! dense and expanded entities, and sea-orm-cli puts it on those that it
//! generates (see [input]). What is wrong with it is a compile error at the
//! place:
//!
//! ```
//! mod product {
//!     use bulk_sync::SyncKey;
//!     use sea_orm::entity::prelude::*;
//!
//!     #[sea_orm::model]
//!     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
//!     #[sea_orm(table_name = "product")]
//!     #[sync(keys(shop, sku), ignore(created_at), touch(updated_at))]
//!     pub struct Model {
//!         #[sea_orm(primary_key)]
//!         pub id: i64,
//!         pub shop: i32,
//!         pub sku: String,
//!         #[sync(with = "same_text")]
//!         pub title: String,
//!         pub created_at: DateTimeUtc,
//!         pub updated_at: DateTimeUtc,
//!     }
//!
//!     /// Blanks around a title are no difference.
//!     fn same_text(current: &String, desired: &String) -> bool {
//!         current.trim() == desired.trim()
//!     }
//!
//!     impl ActiveModelBehavior for ActiveModel {}
//! }
//! ```
//!
//! # Models and scope
//!
//! Models, `ActiveModel`s and forms with `DeriveIntoActiveModel` can be given.
//! They are moved in, and never changed. Unset is not NULL: a column that is
//! `NotSet` is not compared, not updated, and gets the database's default in a
//! new row. In a Model `None` is NULL; in a form it is `NotSet` ([input] has
//! more on that).
//!
//! The scope is any condition that SeaORM takes, with subqueries too, or
//! [`WholeTable`]. An empty condition is refused. The models have to meet it:
//! otherwise a wrong condition would insert the same rows on each run.
//!
//! A model without a value in a column of the key is refused. A row of the
//! table with NULL in one matches no model, so it is a row that no model was
//! given for, and is deleted; leave such rows out of the scope to keep them.
//!
//! # Equality
//!
//! A row that differs from its model only in what its column does not keep is
//! unchanged: nanoseconds in a `timestamp(3)`, a price of 10.005 in a
//! `numeric(12,2)`, blanks in a `char(5)`. Rust decides where a type is exact.
//! Where it is not and a difference was found, the catalog is asked what the
//! column keeps, and the database casts the values that have more. Text keys
//! that the database holds equal (a case-insensitive collation, `citext`) match,
//! and the changed spelling is an update.
//!
//! | types | compared |
//! |---|---|
//! | integers, booleans, UUIDs, bytes, enums | exactly |
//! | text | exactly, but for blanks at the end that a `char(n)` or `varchar(n)` does not keep; as a key, by the collation of the column |
//! | decimals, floats | by value: 2.5 equals 2.5000, NaN equals NaN; digits that the column does not keep are no difference |
//! | dates and times, of chrono and of time | by the moment, in whatever time zone; fractions that the column does not keep are no difference |
//! | JSON | by value, whatever the order of the keys |
//! | arrays, IP networks, MAC addresses, vectors | on PostgreSQL, which alone has them in SeaORM |
//!
//! [Types][types] has every type on every backend, and what is refused.
//!
//! # Plans
//!
//! Printed with `{}`, a [`SyncPlan`] is a diff of at most [`LISTED_ROWS`] rows,
//! with `{:#}` of all:
//!
//! ```text
//! employee: 1 created, 1 updated, 1 deleted, 94 unchanged
//! ~ company_id = 501, external_id = 'B2': name 'Bob' → 'Robert'
//! - company_id = 501, external_id = 'C3': name = 'Cid', phone = NULL
//! + company_id = 501, external_id = 'D4': name = 'Dee', phone = '555'
//! ```
//!
//! [`summary`](SyncPlan::summary) gives the counts, [`created`](SyncPlan::created),
//! [`updated`](SyncPlan::updated) and [`deleted`](SyncPlan::deleted) the rows,
//! [`guard`](SyncPlan::guard) says whether the guards let it through.
//! [`apply`](SyncPlan::apply) does what the plan says, and fails with
//! `StalePlan` where a row that it is about has changed since. A service that
//! shows a plan to a person keeps its [`fingerprint`](SyncPlan::fingerprint),
//! compares again when the person confirms, and applies the plan if the
//! fingerprint is still the same.
//!
//! # Guards
//!
//! A sync deletes. What is wrong with its input is found before the first write.
//!
//! | guard | without an option | changed by |
//! |---|---|---|
//! | no models are given, and rows would be deleted | refused: `EmptyInput` | [`allow_empty`] |
//! | the condition is empty, as `Condition::all()` is | refused: `InvalidInput` | [`WholeTable`] as the scope |
//! | many rows would be deleted | no limit | [`max_deletes`], [`max_delete_share`] of the rows in scope, or both: `TooManyDeletes` |
//! | many rows would be updated | no limit | [`max_updates`]: `TooManyUpdates` |
//! | a model does not meet the condition, or an update would move its row out of the scope | refused: `OutOfScope` | another scope, or other models |
//! | two models have the same key | refused: `InvalidInput` | [`first_wins`], [`last_wins`] |
//! | two rows in scope have the same key | refused: `DuplicateRows` | [`delete_duplicates`] keeps the one with the lowest primary key |
//! | a key column of a model is NULL, `NotSet` or NaN | refused: `InvalidInput` | |
//! | the backend or its driver cannot store a value: a NUL character on PostgreSQL, a `u64` above `i64::MAX` elsewhere than on MySQL, NaN on SQLite, years that it does not have, leap seconds, offsets of seconds | refused: `InvalidInput` | |
//! | a row of a plan has changed, is gone, or has appeared since `compare` | refused by `apply`: `StalePlan` | |
//! | an option names a column of the key, the batch size is 0, the condition of a [`scope_lock`] is empty | refused: `InvalidInput` | |
//!
//! All faults of the models and options come in one `InvalidInput`, before
//! anything is sent; those of dates, times and decimals that are not part of a
//! key come once the rows are compared, for the rows to write, and a row that a
//! [`scope_lock`] leaves out when it is seen. The guard for the
//! scope is a proof: before the commit the database is asked whether the rows in
//! scope are the models given, and it is not asked when nothing was written.
//!
//! # Errors
//!
//! Whatever the error, the table is as it was, but for `OutcomeUnknown`, where
//! nobody can know. The message names the table, the columns and the keys; the
//! cause, with what the database said, is its `source()`. Messages have values
//! of rows in them: mind that where you log them.
//!
//! | [`SyncError`] | what to do |
//! |---|---|
//! | [`InvalidInput`](SyncError::InvalidInput) | mend the models or the call; every [`InputFault`] is in it, with the position of the model. A key that is there twice: [`first_wins`], [`last_wins`] |
//! | [`EmptyInput`](SyncError::EmptyInput) | look why the export is empty; if it is meant, [`allow_empty`] |
//! | [`TooManyDeletes`](SyncError::TooManyDeletes), [`TooManyUpdates`](SyncError::TooManyUpdates) | look at the plan of [`compare`]; if it is meant, raise the limit for this call |
//! | [`OutOfScope`](SyncError::OutOfScope) | give only models that meet the condition, or widen it |
//! | [`DuplicateRows`](SyncError::DuplicateRows) | remove all rows but one of each key, or [`delete_duplicates`]; then add a unique index |
//! | [`StalePlan`](SyncError::StalePlan) | from [`SyncPlan::apply`]: compare again, and show the new plan. Elsewhere it is tried again by itself |
//! | [`Constraint`](SyncError::Constraint) | a unique index or a foreign key: mend the models, or sync the table that they refer to first |
//! | [`Statement`](SyncError::Statement) | see its cause: a missing column, a right, a time limit of the server |
//! | [`TriesExhausted`](SyncError::TriesExhausted) | try later, or raise [`max_tries`]; look who holds the rows for so long |
//! | [`Timeout`](SyncError::Timeout) | allow more with [`timeout`]; look what it waits for |
//! | [`OutcomeUnknown`](SyncError::OutcomeUnknown) | sync again: one that has happened has nothing to do |
//! | [`Refused`](SyncError::Refused) | the error of your [`on_change`] |
//! | [`Db`](SyncError::Db) | no connection, or another error outside of a statement on the table |
//!
//! In a transaction of yours nothing is tried again: where
//! [`SyncError::is_retryable`] says so, roll back, begin, and do all of it again.
//!
//! # Backends
//!
//! | | SQLite | PostgreSQL | MySQL and MariaDB |
//! |---|---|---|---|
//! | tested on | the version in the driver | 15 | MariaDB 10.11 |
//! | parameters a statement, at most | 32,766 | 65,535 | 65,535 |
//! | rows read | as a stream | as a stream | as a stream |
//! | rows created | `INSERT` | `INSERT … SELECT UNNEST` | `INSERT` |
//! | rows updated | `UPDATE … FROM` with `VALUES` | `UPDATE … FROM UNNEST` | `UPDATE … JOIN` on `UNION ALL` |
//! | one sync of a scope at a time by | the one writer | an advisory lock of the transaction | a lock of the first row in scope |
//!
//! | engine | |
//! |---|---|
//! | PgBouncer, transaction pooling | 1.21 or newer with `max_prepared_statements`; tested |
//! | Galera | tested with three nodes; send the writes of a table to one of them |
//! | Citus, CockroachDB, YugabyteDB, TiDB, Vitess | not tested; a scope for each tenant |
//!
//! [Poolers and clusters][clusters] has what to configure.
//!
//! # Features
//!
//! | feature | | |
//! |---|---|---|
//! | `runtime-tokio` | default | a call that is dropped while its transaction begins leaves none behind; on another runtime leave it out |
//! | `stream` | default | rows are read as a stream, so that only those that change are held in memory |
//! | `sqlx-sqlite`, `sqlx-postgres`, `sqlx-mysql` | | SeaORM's driver of that name; not needed where the application enables it |
//! | `sqlx` | default | rows are compared where the driver holds them, without copying them; costs no crate where SeaORM has a driver |
//! | `with-rust_decimal` | default | decimals are looked at in place; SeaORM's feature of this name, which is its default too |
//! | `with-chrono`, `with-time` | default | what a column keeps of many dates with a time is decided in Rust; SeaORM's features of these names, which are its defaults too |
//! | `serde` | | plans and counts implement `Serialize` |
//! | `testing` | | `testing::assert_converges`, for the tests of an application |
//! | `rbac` | | syncs on a `RestrictedConnection` |
//! | `mock` | | SeaORM's `mock` |

// docs.rs says of an item which feature it takes
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(doc, doctest))]
#[path = "manual.rs"]
pub mod _manual;
mod apply;
mod attempt;
mod batch;
mod catalog;
mod cell;
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
mod reader;
mod result;
mod returning;
mod rounding;
mod row_source;
mod run;
mod scope;
mod self_reference;
mod send;
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
mod trace;
mod transient;
mod tries;
mod unheard;
mod write;

use sea_orm::ModelTrait;

pub use bulk_sync_derive::SyncKey;

pub use crate::{
    apply::HookedPlan,
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

//! The derive is quiet where every lint is an error.
#![deny(
    warnings,
    missing_docs,
    missing_copy_implementations,
    missing_debug_implementations,
    non_local_definitions,
    single_use_lifetimes,
    unsafe_code,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]

use crate::roles;

mod entity {
    //! The entity.

    use bulk_sync::SyncKey;
    use sea_orm::ActiveModelBehavior;
    #[allow(clippy::wildcard_imports, reason = "as SeaORM's documentation writes it")]
    use sea_orm::entity::prelude::*;
    #[allow(unused_imports, reason = "so that unused_qualifications has something to notice")]
    use std::{
        clone::Clone,
        hash::{Hash, Hasher},
    };

    /// A row.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "strict")]
    #[sync(crate = "bulk_sync", keys(code), touch(seen))]
    pub struct Model {
        /// The primary key.
        #[sea_orm(primary_key)]
        pub id: i32,
        /// The key.
        pub code: String,
        /// A value.
        #[sync(with = "same")]
        pub ratio: f64,
        /// When it was seen.
        pub seen: DateTimeUtc,
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what `with` takes")]
    fn same(left: &f64, right: &f64) -> bool {
        (left - right).abs() < 0.1
    }

    /// Nothing.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn quiet() {
    assert_eq!(roles::<entity::Model>(), ["Id Value", "Code Key", "Ratio Value", "Seen Touch"]);
}

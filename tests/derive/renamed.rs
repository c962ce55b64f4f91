//! bulk-sync under another name.

use crate::roles;

/// Where the program keeps the crate.
mod dependencies {
    pub use bulk_sync as other;
}

mod entity {
    use super::dependencies::other::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "renamed")]
    #[sync(crate = "super::dependencies::other", keys(code))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub code: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn the_crate_may_have_another_name() {
    assert_eq!(roles::<entity::Model>(), ["Id Value", "Code Key"]);
}

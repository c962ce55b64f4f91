//! Primary keys of all kinds, as keys of a sync and beside them.

use crate::{assert_access, roles};
use sea_orm::prelude::Uuid;

mod composite {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "cake_filling")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        #[sync(key)]
        pub cake_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        #[sync(key)]
        pub filling_id: i32,
        pub grams: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn a_composite_primary_key_that_is_the_key() {
    assert_eq!(roles::<composite::Model>(), ["CakeId Key", "FillingId Key", "Grams Value"]);
    assert_access(&composite::Model { cake_id: 1, filling_id: 2, grams: 3 });
}

mod text {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "country")]
    pub struct Model {
        #[sea_orm(primary_key)]
        #[sync(key)]
        pub code: String,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn a_text_primary_key_that_is_the_key() {
    assert_eq!(roles::<text::Model>(), ["Code Key", "Name Value"]);
    assert_access(&text::Model { code: "NZ".to_owned(), name: "Aotearoa".to_owned() });
}

mod uuid {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "device")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub serial: Uuid,
        #[sync(key)]
        pub label: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn a_uuid_primary_key_beside_the_key() {
    assert_eq!(roles::<uuid::Model>(), ["Serial Value", "Label Key"]);
    assert_access(&uuid::Model { serial: Uuid::from_u128(7), label: Some("seven".to_owned()) });
}

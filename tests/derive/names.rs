//! Fields, columns and tables that are not called what one expects.

use bulk_sync::SyncKey;
use sea_orm::{EntityName, IdenStatic};

use crate::{assert_access, roles};

mod renamed_columns {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(schema_name = "stock", table_name = "part", rename_all = "camelCase")]
    #[sync(keys(r#type, number))]
    pub struct Model {
        #[sea_orm(primary_key, column_name = "PART_ID")]
        pub id: i32,
        pub r#type: String,
        #[sea_orm(enum_name = "SerialNumber", column_name = "serial")]
        pub number: i32,
        #[sync(touch)]
        pub last_seen: String,
        #[sea_orm(ignore)]
        pub cache: Option<i32>,
        pub self_: bool,
        pub line2_text: String,
        #[sea_orm(column_type = "Text", nullable, default_value = "none", indexed)]
        pub r#match: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn fields_meet_their_columns() {
    assert_eq!(
        roles::<renamed_columns::Model>(),
        [
            "Id Value",
            "Type Key",
            "SerialNumber Key",
            "LastSeen Touch",
            "Self_ Value",
            "Line2Text Value",
            "Match Value",
        ]
    );
    assert_access(&renamed_columns::Model {
        id: 1,
        r#type: "two".to_owned(),
        number: 3,
        last_seen: "four".to_owned(),
        cache: Some(5),
        self_: true,
        line2_text: "six".to_owned(),
        r#match: "seven".to_owned(),
    });
}

#[test]
fn columns_keep_their_names_in_the_table() {
    let names: Vec<_> =
        renamed_columns::Model::fields().iter().map(|field| field.column().as_str()).collect();
    assert_eq!(names, ["PART_ID", "type", "serial", "lastSeen", "self", "line2Text", "match"]);
    assert_eq!(renamed_columns::Entity.schema_name(), Some("stock"));
}

/// Keywords may be written raw or not in the container form.
mod plain_keyword {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "word")]
    #[sync(keys(type, r#plain))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub r#type: String,
        pub plain: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn keywords_may_be_named_raw_or_plain() {
    assert_eq!(roles::<plain_keyword::Model>(), ["Id Value", "Type Key", "Plain Key"]);
}

/// Names that the generated code could take for its own.
mod shadowing {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    pub type Role = i32;
    pub type Field = String;
    pub type Access = bool;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "shadow")]
    pub struct Model {
        #[sea_orm(primary_key)]
        #[sync(key)]
        pub state: Role,
        #[sea_orm(column_type = "Text")]
        pub row: Field,
        #[sea_orm(column_type = "Boolean")]
        pub right: Access,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn names_of_the_generated_code_are_free() {
    assert_access(&shadowing::Model { state: 1, row: "two".to_owned(), right: true });
}

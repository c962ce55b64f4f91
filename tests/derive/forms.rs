//! The entity formats of SeaORM.

use crate::{assert_access, roles};

mod compact {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "employee")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sync(key)]
        pub company_id: i32,
        #[sync(key)]
        pub external_id: String,
        pub name: String,
        pub salary: Decimal,
        #[sync(ignore)]
        pub created_at: DateTimeUtc,
        #[sync(touch)]
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn compact() {
    assert_eq!(
        roles::<compact::Model>(),
        [
            "Id Value",
            "CompanyId Key",
            "ExternalId Key",
            "Name Value",
            "Salary Value",
            "CreatedAt Ignore",
            "UpdatedAt Touch",
        ]
    );
    assert_access(&compact::Model {
        id: 1,
        company_id: 2,
        external_id: "three".to_owned(),
        name: "four".to_owned(),
        salary: 5.into(),
        created_at: sea_orm::prelude::DateTimeUtc::UNIX_EPOCH,
        updated_at: sea_orm::prelude::DateTimeUtc::MAX_UTC,
    });
}

/// The struct first, then one field: both say a part.
mod both_forms {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, bulk_sync::SyncKey)]
    #[sea_orm(table_name = "place")]
    #[sync(keys(country), touch(seen_at,))]
    #[sync(ignore(note))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub country: String,
        #[sync(key)]
        pub code: String,
        pub note: Option<String>,
        pub seen_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn struct_and_field_attributes_add_up() {
    assert_eq!(
        roles::<both_forms::Model>(),
        ["Id Value", "Country Key", "Code Key", "Note Ignore", "SeenAt Touch"]
    );
}

/// `#[sea_orm::model]` above the derive: it is expanded for `ModelEx` too.
mod author {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "author")]
    #[sync(ignore(born))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub posts: HasMany<super::post::Entity>,
        #[sync(key)]
        #[sea_orm(unique)]
        pub email: String,
        pub born: Option<Date>,
        #[sea_orm(has_one)]
        pub profile: HasOne<super::profile::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn dense_with_the_derive_below() {
    assert_eq!(roles::<author::Model>(), ["Id Value", "Email Key", "Born Ignore"]);
    assert_access(&author::Model { id: 1, email: "a@example.org".to_owned(), born: None });
}

/// `#[sea_orm::model]` below the derive: it sees the relations.
mod post {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(SyncKey)]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "post")]
    #[sync(touch(edited_at))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sync(key)]
        pub author_id: i32,
        #[sea_orm(belongs_to, from = "author_id", to = "id")]
        pub author: BelongsTo<super::author::Entity>,
        #[sync(key)]
        pub slug: String,
        pub title: String,
        pub edited_at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn dense_with_the_derive_above() {
    assert_eq!(
        roles::<post::Model>(),
        ["Id Value", "AuthorId Key", "Slug Key", "Title Value", "EditedAt Touch"]
    );
    assert_access(&post::Model {
        id: 1,
        author_id: 2,
        slug: "three".to_owned(),
        title: "four".to_owned(),
        edited_at: sea_orm::prelude::DateTimeUtc::UNIX_EPOCH,
    });
}

/// The derive and its attribute given to the Model alone.
mod profile {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(
        table_name = "profile",
        model_attrs(derive(SyncKey), sync(keys(author_id), ignore(picture)))
    )]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub picture: String,
        #[sea_orm(unique)]
        pub author_id: i32,
        #[sea_orm(belongs_to, from = "author_id", to = "id")]
        pub author: BelongsTo<super::author::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn dense_with_model_attrs() {
    assert_eq!(roles::<profile::Model>(), ["Id Value", "Picture Ignore", "AuthorId Key"]);
}

/// With `ModelEx` given the derive too, the fields may have the attribute.
mod both_attrs {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(
        table_name = "picture",
        model_attrs(derive(SyncKey)),
        model_ex_attrs(derive(SyncKey))
    )]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sync(key)]
        pub path: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn dense_with_model_attrs_and_model_ex_attrs() {
    assert_eq!(roles::<both_attrs::Model>(), ["Id Value", "Path Key"]);
}

mod compact_model {
    use sea_orm::entity::prelude::*;

    #[sea_orm::compact_model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, bulk_sync::SyncKey)]
    #[sea_orm(table_name = "staff")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sync(key)]
        pub name: String,
        pub reports_to_id: Option<i32>,
        #[sea_orm(self_ref, relation_enum = "ReportsTo")]
        pub reports_to: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Manages")]
        pub manages: HasMany<Entity>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "Entity", from = "Column::ReportsToId", to = "Column::Id")]
        ReportsTo,
        #[sea_orm(has_many = "Entity", via_rel = "Relation::ReportsTo")]
        Manages,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn compact_model() {
    assert_eq!(roles::<compact_model::Model>(), ["Id Value", "Name Key", "ReportsToId Value"]);
}

/// As above, with the derive first.
mod compact_model_below {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(SyncKey)]
    #[sync(keys(name))]
    #[sea_orm::compact_model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "crew")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub captain_id: Option<i32>,
        #[sea_orm(self_ref, relation_enum = "Captain")]
        pub captain: BelongsTo<Option<Entity>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "Entity", from = "Column::CaptainId", to = "Column::Id")]
        Captain,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn compact_model_with_the_derive_above() {
    assert_eq!(roles::<compact_model_below::Model>(), ["Id Value", "Name Key", "CaptainId Value"]);
}

/// Written by hand, the columns in another order than the fields.
mod expanded {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Copy, Clone, Default, Debug, DeriveEntity)]
    pub struct Entity;

    impl EntityName for Entity {
        fn table_name(&self) -> &'static str {
            "cake"
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveModel, DeriveActiveModel, SyncKey)]
    pub struct Model {
        pub id: i32,
        #[sync(key)]
        pub name: String,
        #[sea_orm(enum_name = "Sort")]
        pub kind: String,
        pub topping: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveColumn)]
    pub enum Column {
        Topping,
        #[sea_orm(column_name = "kind")]
        Sort,
        Name,
        Id,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DerivePrimaryKey)]
    pub enum PrimaryKey {
        Id,
    }

    impl PrimaryKeyTrait for PrimaryKey {
        type ValueType = i32;

        fn auto_increment() -> bool {
            true
        }
    }

    impl ColumnTrait for Column {
        type EntityName = Entity;

        fn def(&self) -> ColumnDef {
            match self {
                Self::Id => ColumnType::Integer.def(),
                Self::Name | Self::Sort | Self::Topping => {
                    ColumnType::String(StringLen::None).def()
                }
            }
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn expanded_by_hand() {
    assert_eq!(roles::<expanded::Model>(), ["Id Value", "Name Key", "Sort Value", "Topping Value"]);
    assert_access(&expanded::Model {
        id: 1,
        name: "two".to_owned(),
        kind: "three".to_owned(),
        topping: "four".to_owned(),
    });
}

/// An entity made by a macro: field names and types come from elsewhere.
mod by_macro {
    macro_rules! entity {
        ($table:literal, $key:ident: $ty:ty, $($field:ident: $field_ty:ty),*) => {
            use bulk_sync::SyncKey;
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                #[sync(key)]
                pub $key: $ty,
                $(pub $field: $field_ty,)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        };
    }

    entity!("made", code: String, row: i32, left: f64);
}

#[test]
fn made_by_a_macro() {
    assert_eq!(roles::<by_macro::Model>(), ["Id Value", "Code Key", "Row Value", "Left Value"]);
    assert_access(&by_macro::Model { id: 1, code: "two".to_owned(), row: 3, left: 4.5 });
}

mod author {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "author")]
    #[sync(sorted)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sync(skip)]
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}

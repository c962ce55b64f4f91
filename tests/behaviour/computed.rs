//! Columns whose values are the database's to give.

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ConnectionTrait, DbBackend, QueryOrder,
    entity::prelude::*,
};

pub const TESTS: [Test; 4] = tests![
    a_generated_column_is_never_written_whatever_a_model_carries,
    a_generated_column_can_be_left_unset,
    a_generated_column_can_be_part_of_the_key,
    an_identity_column_is_a_generated_key,
];

mod parcel {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "parcel")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sync(key)]
        pub code: String,
        pub width: i32,
        pub height: i32,
        pub area: i32,
        #[sync(touch)]
        pub outline: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

async fn create_table(db: &Db) -> TestResult {
    let (id, kind) = match db.backend() {
        DbBackend::Postgres => ("int GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "STORED"),
        DbBackend::MySql => ("int AUTO_INCREMENT PRIMARY KEY", "VIRTUAL"),
        _ => ("integer PRIMARY KEY", "VIRTUAL"),
    };
    db.execute_unprepared(&format!(
        "CREATE TABLE parcel (id {id}, code varchar(20) NOT NULL, width int NOT NULL, \
         height int NOT NULL, area int GENERATED ALWAYS AS (width * height) STORED, \
         outline int GENERATED ALWAYS AS (2 * (width + height)) {kind})"
    ))
    .await?;
    Ok(())
}

fn parcel(code: &str, width: i32, height: i32) -> parcel::Model {
    parcel::Model { id: 0, code: code.into(), width, height, area: -1, outline: Some(-1) }
}

async fn rows(db: &Db) -> Result<Vec<(String, i32, Option<i32>)>, DbErr> {
    let rows = parcel::Entity::find().order_by_asc(parcel::Column::Code).all(&db.pool).await?;
    Ok(rows.into_iter().map(|row| (row.code, row.area, row.outline)).collect())
}

async fn a_generated_column_is_never_written_whatever_a_model_carries(db: Db) -> TestResult {
    create_table(&db).await?;
    let mut models = vec![parcel("a", 1, 2), parcel("b", 3, 4)];
    let sync =
        |models: &[parcel::Model]| parcel::Entity::bulk_sync(models.to_vec(), WholeTable, None);
    assert!(!sync(&models).check(&db.pool).await?);
    let created = sync(&models).exec_with_returning(&db.pool).await?;
    assert_eq!(created.result.created, 2);
    assert_eq!(created.created.iter().map(|row| row.area).sum::<i32>(), 14);
    let unchanged = "0 created, 0 updated, 0 deleted, 2 unchanged";
    assert_eq!(sync(&models).compare(&db.pool).await?.summary().to_string(), unchanged);
    assert!(sync(&models).check(&db.pool).await?);
    assert_eq!(sync(&models).exec(&db.pool).await?.to_string(), unchanged);

    models[1].width = 5;
    let plan = sync(&models).compare(&db.pool).await?;
    let result = plan.apply(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 0 deleted, 1 unchanged");
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("width", 1)]);
    models[0].height = 3;
    models.push(parcel("c", 1, 1));
    let result = sync(&models).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 0 deleted, 1 unchanged");
    let expected = [("a", 3, 8), ("b", 20, 18), ("c", 1, 4)];
    let expected = expected.map(|(code, area, outline)| (code.to_owned(), area, Some(outline)));
    assert_eq!(rows(&db).await?, expected);
    assert!(sync(&models).exec(&db.pool).await?.is_unchanged());
    Ok(())
}

async fn a_generated_column_can_be_left_unset(db: Db) -> TestResult {
    create_table(&db).await?;
    let model = |width| parcel::ActiveModel {
        code: Set("a".into()),
        width: Set(width),
        height: Set(2),
        id: NotSet,
        area: NotSet,
        outline: NotSet,
    };
    let sync = |width| parcel::Entity::bulk_sync([model(width)], WholeTable, None);
    assert_eq!(sync(2).exec(&db.pool).await?.created, 1);
    assert_eq!(sync(3).exec(&db.pool).await?.updated, 1);
    assert!(sync(3).check(&db.pool).await?);
    assert_eq!(rows(&db).await?, [("a".to_owned(), 6, Some(10))]);
    Ok(())
}

async fn a_generated_column_can_be_part_of_the_key(db: Db) -> TestResult {
    create_table(&db).await?;
    let sync = |width: i32| {
        let model = parcel::Model { area: 12, ..parcel("a", width, 12 / width) };
        parcel::Entity::bulk_sync([model], WholeTable, None).key([parcel::Column::Area])
    };
    assert_eq!(sync(3).exec(&db.pool).await?.created, 1);
    assert!(sync(3).exec(&db.pool).await?.is_unchanged());
    assert_eq!(sync(4).exec(&db.pool).await?.updated, 1);
    assert!(sync(4).check(&db.pool).await?);
    Ok(())
}

async fn an_identity_column_is_a_generated_key(db: Db) -> TestResult {
    create_table(&db).await?;
    let sync = |models: Vec<parcel::Model>| parcel::Entity::bulk_sync(models, WholeTable, None);
    let carried = parcel::Model { id: 77, ..parcel("a", 1, 1) };
    let result = sync(vec![carried.clone(), parcel("b", 1, 1)]).exec(&db.pool).await?;
    assert_eq!(result.created, 2);
    let ids = || async {
        let rows = parcel::Entity::find().order_by_asc(parcel::Column::Code).all(&db.pool).await?;
        Ok::<_, DbErr>(rows.into_iter().map(|row| row.id).collect::<Vec<_>>())
    };
    let given = ids().await?;
    assert!(!given.contains(&77) && !given.contains(&0), "{given:?}");
    let wider = parcel::Model { width: 2, ..carried };
    let result = sync(vec![wider, parcel("b", 1, 1)]).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 1 updated, 0 deleted, 1 unchanged");
    assert_eq!(ids().await?, given);
    Ok(())
}

//! Entities of other forms than the usual one.

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::{
        booking::{self, booking},
        every_type::{self, full, sparse},
        meter::{self, meter},
        mood::{self, Kind, mood},
        odd_names::{self, odd},
        short_names::{self, short},
        stock::{self, stock},
        tagged::{self, tagged},
        token::{self, token},
        zone::{self, zone},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{DbBackend, IntoActiveModel, QueryOrder, Schema, entity::prelude::*};

use crate::fixture::{Failure, insert, rows, settled};

pub const TESTS: [Test; 15] = tests![
    null_and_zero_are_told_apart,
    a_primary_key_of_two_columns_can_be_the_key,
    a_primary_key_of_text_can_be_the_key,
    a_primary_key_that_is_a_uuid_is_given_by_the_caller,
    rows_that_the_primary_key_does_not_tell_apart_are_not_written,
    names_that_have_to_be_quoted_work,
    names_that_the_library_uses_itself_work,
    columns_of_every_type_are_created_updated_and_read_back,
    columns_of_every_type_become_null_and_back,
    rows_with_and_without_null_are_updated_together,
    an_enum_of_the_database_works_in_the_key_and_elsewhere,
    an_array_column_works_on_postgres,
    unsigned_numbers_of_64_bits_work_on_mysql,
    text_keys_work_in_any_collation,
    a_table_in_another_schema_works,
];

async fn a_primary_key_of_two_columns_can_be_the_key(db: Db) -> TestResult {
    db.create_table(booking::Entity).await?;
    let current =
        vec![booking("F", 1, None), booking("F", 2, Some("Ann")), booking("G", 1, Some("Bob"))];
    insert::<booking::Entity>(&db, current).await?;
    let models =
        vec![booking("F", 1, Some("Cid")), booking("G", 1, Some("Bob")), booking("G", 2, None)];
    let result = settled::<booking::Entity>(&db, models.clone()).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    assert_eq!(rows::<booking::Entity>(&db.pool).await?, models);
    Ok(())
}

async fn a_primary_key_of_text_can_be_the_key(db: Db) -> TestResult {
    db.create_table(zone::Entity).await?;
    insert::<zone::Entity>(&db, vec![zone("a", 0), zone("b", 0), zone("c", 0)]).await?;
    let models = vec![zone("a", 0), zone("b", 60), zone("d", 0)];
    let result = settled::<zone::Entity>(&db, models.clone()).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    assert_eq!(rows::<zone::Entity>(&db.pool).await?, models);
    Ok(())
}

async fn a_primary_key_that_is_a_uuid_is_given_by_the_caller(db: Db) -> TestResult {
    db.create_table(token::Entity).await?;
    insert::<token::Entity>(&db, vec![token(1, "a", 1), token(2, "b", 1)]).await?;
    let result = settled::<token::Entity>(&db, vec![token(9, "a", 2), token(8, "c", 1)]).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 0 unchanged");
    assert_eq!(rows::<token::Entity>(&db.pool).await?, [token(1, "a", 2), token(8, "c", 1)]);
    Ok(())
}

/// The entity says that `id` is the primary key; the table has none.
async fn rows_that_the_primary_key_does_not_tell_apart_are_not_written(db: Db) -> TestResult {
    let columns = ["amount", "code", "id", "warehouse", "x_created", "y_touched"];
    let columns = columns.map(|column| format!("{column} INT NOT NULL, ")).concat();
    let table = format!("CREATE TABLE stock ({columns} remark VARCHAR(40))");
    db.pool.execute_unprepared(&table).await?;
    let before = [stock(1, 1, 10, None), stock(1, 2, 20, None), stock(2, 3, 30, None)];
    let all = before.iter().map(|row| row.clone().into_active_model().reset_all());
    stock::Entity::insert_many(all).exec_without_returning(&db.pool).await?;
    let [kept, twin, _] = &before;
    for models in [
        vec![kept.clone()],
        vec![stock::Model { amount: 11, ..kept.clone() }],
        vec![kept.clone(), stock::Model { amount: 21, ..twin.clone() }],
    ] {
        let sync = stock::Entity::bulk_sync(models, stock::Column::Warehouse.eq(7), None);
        let error = sync.max_tries(1).exec(&db.pool).await.err().ok_or("it was done")?;
        assert!(error.to_string().contains("changed since"), "{error}");
        let rows = stock::Entity::find().order_by_asc(stock::Column::Code).all(&db.pool).await?;
        assert_eq!(rows, before);
    }
    Ok(())
}

async fn names_that_have_to_be_quoted_work(db: Db) -> TestResult {
    db.create_table(odd_names::Entity).await?;
    let first = vec![odd("a", Some(1), true), odd("b", None, false), odd("c", None, false)];
    assert_eq!(settled::<odd_names::Entity>(&db, first).await?.created, 3);
    let second = vec![odd("a", None, false), odd("b", None, false), odd("d", Some(2), true)];
    let result = settled::<odd_names::Entity>(&db, second).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    let scope = odd_names::Column::TwoWords.is_null();
    let few = odd_names::Entity::bulk_sync([odd("e", None, true)], scope, None).skip_deletes();
    let created = few.exec_with_returning(&db.pool).await?.created;
    assert_eq!(created, rows::<odd_names::Entity>(&db.pool).await?[3..]);
    Ok(())
}

async fn names_that_the_library_uses_itself_work(db: Db) -> TestResult {
    db.create_table(short_names::Entity).await?;
    let first = vec![short(1, Some(1), None), short(2, None, Some("u")), short(3, None, None)];
    assert_eq!(settled::<short_names::Entity>(&db, first).await?.created, 3);
    let second =
        vec![short(1, None, Some("u")), short(2, Some(2), None), short(4, Some(4), Some("u"))];
    let result = settled::<short_names::Entity>(&db, second.clone()).await?;
    assert_eq!(result.to_string(), "1 created, 2 updated, 1 deleted, 0 unchanged");
    let mut rows = rows::<short_names::Entity>(&db.pool).await?;
    rows.reverse();
    assert_eq!(rows, second);
    let scope = short_names::Column::V.is_not_null();
    let few = short_names::Entity::bulk_sync([short(2, Some(7), None)], scope, None).skip_deletes();
    assert_eq!(few.exec_with_returning(&db.pool).await?.updated, [short(2, Some(7), None)]);
    Ok(())
}

async fn every_type(db: &Db, models: [every_type::Model; 2]) -> Result<(), Failure> {
    settled::<every_type::Entity>(db, models.to_vec()).await?;
    let mut rows = rows::<every_type::Entity>(&db.pool).await?;
    rows.iter_mut().for_each(|row| row.id = 0);
    assert_eq!(rows, models);
    Ok(())
}

async fn columns_of_every_type_are_created_updated_and_read_back(db: Db) -> TestResult {
    db.create_table(every_type::Entity).await?;
    every_type(&db, [full("a"), full("b")]).await?;
    let other = |label| {
        let null = sparse(label);
        every_type::Model {
            size: null.size,
            json: null.json,
            flag: null.flag,
            bytes: null.bytes,
            instant: null.instant,
            decimal: null.decimal,
            ..full(label)
        }
    };
    every_type(&db, [other("a"), other("b")]).await
}

async fn columns_of_every_type_become_null_and_back(db: Db) -> TestResult {
    db.create_table(every_type::Entity).await?;
    every_type(&db, [sparse("a"), sparse("b")]).await?;
    every_type(&db, [full("a"), full("b")]).await?;
    every_type(&db, [sparse("a"), sparse("b")]).await
}

async fn null_and_zero_are_told_apart(db: Db) -> TestResult {
    type Set = fn(&mut every_type::Model);
    let zeros: [Set; 6] = [
        |row| row.small_or_null = Some(0),
        |row| row.big_or_null = Some(0),
        |row| row.double_or_null = Some(0.0),
        |row| row.decimal_or_null = Some(Decimal::ZERO),
        |row| row.flag_or_null = Some(false),
        |row| row.text_or_null = Some(String::new()),
    ];
    db.create_table(every_type::Entity).await?;
    for (column, set) in zeros.into_iter().enumerate() {
        let null = vec![sparse("a")];
        let mut zero = null.clone();
        set(&mut zero[0]);
        settled::<every_type::Entity>(&db, null.clone()).await?;
        for models in [zero, null] {
            let result = settled::<every_type::Entity>(&db, models).await?;
            assert_eq!(result.updated, 1, "column {column} of the list: {result}");
        }
    }
    Ok(())
}

async fn rows_with_and_without_null_are_updated_together(db: Db) -> TestResult {
    db.create_table(every_type::Entity).await?;
    every_type(&db, [sparse("a"), full("b")]).await?;
    every_type(&db, [full("a"), sparse("b")]).await?;
    every_type(&db, [sparse("a"), full("b")]).await
}

async fn an_enum_of_the_database_works_in_the_key_and_elsewhere(db: Db) -> TestResult {
    if db.backend() == DbBackend::Postgres {
        let types = Schema::new(db.backend()).create_enum_from_entity(mood::Entity);
        for statement in &types {
            db.pool.execute(statement).await?;
        }
    }
    db.create_table(mood::Entity).await?;
    let first =
        vec![mood("Ann", Kind::Good, 1), mood("Ann", Kind::Bad, 2), mood("Bob", Kind::Bad, 3)];
    settled::<mood::Entity>(&db, first).await?;
    let second =
        vec![mood("Ann", Kind::Good, 1), mood("Ann", Kind::Bad, 9), mood("Bob", Kind::Good, 3)];
    let result = settled::<mood::Entity>(&db, second).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    let few = [mood("Ann", Kind::Good, 5), mood("Cid", Kind::Good, 5)];
    let scope = mood::Column::Kind.eq(Kind::Good);
    let result = mood::Entity::bulk_sync(few, scope, None).skip_deletes().exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 0 deleted, 0 unchanged");
    let by_strength = [mood("Bob", Kind::Bad, 3)];
    let result = mood::Entity::bulk_sync(by_strength, mood::Column::Person.eq("Bob"), None)
        .key([mood::Column::Strength])
        .exec(&db.pool)
        .await?;
    assert_eq!(result.changed_columns().collect::<Vec<_>>(), [("kind", 1)]);
    Ok(())
}

async fn an_array_column_works_on_postgres(db: Db) -> TestResult {
    if db.backend() != DbBackend::Postgres {
        return Ok(());
    }
    db.create_table(tagged::Entity).await?;
    let first = vec![tagged("a", &[], None, Some(1)), tagged("b", &["x"], Some(vec![1]), None)];
    settled::<tagged::Entity>(&db, first).await?;
    let second =
        vec![tagged("a", &["'", "y"], Some(vec![]), None), tagged("b", &["x"], None, Some(2))];
    let result = settled::<tagged::Entity>(&db, second).await?;
    assert_eq!(result.to_string(), "0 created, 2 updated, 0 deleted, 0 unchanged");
    Ok(())
}

/// SeaORM decodes `u64` on MySQL only.
async fn unsigned_numbers_of_64_bits_work_on_mysql(db: Db) -> TestResult {
    if db.backend() != DbBackend::MySql {
        return Ok(());
    }
    db.create_table(meter::Entity).await?;
    settled::<meter::Entity>(&db, vec![meter(0, 1.0), meter(u64::MAX, 2.0)]).await?;
    let result = settled::<meter::Entity>(&db, vec![meter(1, 1.0), meter(u64::MAX, 2.5)]).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 0 unchanged");
    Ok(())
}

/// The rows of an UPDATE have the collation of the connection, not the table's.
async fn text_keys_work_in_any_collation(db: Db) -> TestResult {
    let collation = match db.backend() {
        DbBackend::MySql => "CHARACTER SET utf8mb3 COLLATE utf8mb3_swedish_ci",
        DbBackend::Postgres => "COLLATE \"C\"",
        _ => "COLLATE NOCASE",
    };
    let name = format!("CREATE TABLE zone (name VARCHAR(40) {collation} PRIMARY KEY,");
    let table = match db.backend() {
        DbBackend::MySql => format!("{name} `offset` INT NOT NULL)"),
        _ => format!("{name} \"offset\" INT NOT NULL)"),
    };
    db.pool.execute_unprepared(&table).await?;
    settled::<zone::Entity>(&db, vec![zone("ä", 0), zone("b", 0)]).await?;
    let result = settled::<zone::Entity>(&db, vec![zone("ä", 60), zone("c", 0)]).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 0 unchanged");
    Ok(())
}

mod in_schema {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
    #[sea_orm(schema_name = "main", table_name = "in_schema")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sync(key)]
        pub name: String,
        pub size: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// On MySQL a schema is another database, which a test does not own.
async fn a_table_in_another_schema_works(db: Db) -> TestResult {
    match db.backend() {
        DbBackend::MySql => return Ok(()),
        DbBackend::Postgres => db.pool.execute_unprepared("CREATE SCHEMA main").await?,
        _ => db.pool.execute_unprepared("SELECT 1").await?,
    };
    db.create_table(in_schema::Entity).await?;
    let row = |name: &str, size| in_schema::Model { id: 0, name: name.into(), size };
    settled::<in_schema::Entity>(&db, vec![row("a", None), row("b", None)]).await?;
    let result = settled::<in_schema::Entity>(&db, vec![row("a", Some(1)), row("c", None)]).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 0 unchanged");
    let scope = in_schema::Column::Size.eq(1);
    let moved = in_schema::Entity::bulk_sync([row("a", Some(2))], scope, None);
    let error = moved.exec(&db.pool).await;
    let Err(SyncError::OutOfScope { table, .. }) = error else {
        return Err(format!("{error:?}").into());
    };
    assert_eq!(table, "main.in_schema");
    Ok(())
}

//! Tables that refer to themselves: what a foreign key does to rows by itself is not what
//! their models say.

use bulk_sync::{Action, prelude::*};
use bulk_sync_tests::{
    entity::{
        category::{self, category},
        unit::{self, unit},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{DbBackend, QuerySelect, QueryTrait, TransactionTrait, entity::prelude::*};

use self::branch::branch;
use crate::fixture::{insert, refused, rows};

pub const TESTS: [Test; 18] = tests![
    a_kept_child_whose_parent_is_created_anew_keeps_it,
    a_plan_keeps_the_child_of_a_parent_that_is_created_anew,
    a_child_that_was_committed_since_the_transaction_of_the_caller_began_keeps_its_parent,
    a_plan_leaves_a_child_alone_that_others_have_moved_since,
    a_kept_child_of_a_parent_that_is_not_among_the_models_is_an_error,
    a_kept_child_that_a_delete_takes_along_is_an_error_at_once,
    a_child_that_moves_to_a_parent_that_is_created_anew_is_there,
    a_child_that_moves_to_a_parent_that_is_not_among_the_models_is_an_error,
    a_child_whose_reference_is_ignored_keeps_it,
    a_child_keeps_its_reference_to_an_ignored_column,
    an_ignored_column_is_no_part_of_the_fingerprint,
    a_kept_child_does_not_go_along_with_a_value_that_moves,
    a_child_that_refers_to_a_value_that_goes_is_an_error,
    references_that_are_unique_are_given_back,
    an_ignored_reference_goes_with_a_row_that_does_not_come_back,
    a_reference_that_is_spelled_otherwise_is_given_back,
    a_reference_of_which_no_model_says_anything_goes_along,
    a_reference_of_several_columns_is_given_back,
];

/// A tree in which the children of a row that is deleted have no parent any more.
async fn with_tree(db: &Db, rows: Vec<category::Model>) -> Result<(), DbErr> {
    db.pool
        .execute_unprepared(
            "CREATE TABLE category (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, parent_id INT, \
             FOREIGN KEY (parent_id) REFERENCES category (id) ON DELETE SET NULL)",
        )
        .await?;
    insert::<category::Entity>(db, rows).await
}

async fn with_parent_and_child(db: &Db) -> Result<(), DbErr> {
    with_tree(db, vec![category(1, None), category(2, Some(1))]).await
}

/// The parent's key is new, so that its row is deleted and created; the child's is not.
fn renamed_parent() -> [category::Model; 2] {
    [category::Model { name: "root".to_owned(), ..category(1, None) }, category(2, Some(1))]
}

const PARENT_CREATED_ANEW: &str = "1 created, 0 updated, 1 deleted, 1 unchanged";

async fn a_kept_child_whose_parent_is_created_anew_keeps_it(db: Db) -> TestResult {
    with_parent_and_child(&db).await?;
    let sync = category::Entity::bulk_sync(renamed_parent(), WholeTable, None);
    assert_eq!(sync.exec(&db.pool).await?.to_string(), PARENT_CREATED_ANEW);
    assert_eq!(rows::<category::Entity>(&db.pool).await?, renamed_parent());
    Ok(())
}

async fn a_plan_keeps_the_child_of_a_parent_that_is_created_anew(db: Db) -> TestResult {
    with_parent_and_child(&db).await?;
    let sync = category::Entity::bulk_sync(renamed_parent(), WholeTable, None);
    let plan = sync.compare(&db.pool).await?;
    assert_eq!(plan.apply(&db.pool).await?.to_string(), PARENT_CREATED_ANEW);
    assert_eq!(rows::<category::Entity>(&db.pool).await?, renamed_parent());
    Ok(())
}

/// On SQLite nobody commits meanwhile.
async fn a_child_that_was_committed_since_the_transaction_of_the_caller_began_keeps_its_parent(
    db: Db,
) -> TestResult {
    if db.backend() == DbBackend::Sqlite {
        return Ok(());
    }
    with_tree(&db, Vec::new()).await?;
    let transaction = db.pool.begin().await?;
    assert!(rows::<category::Entity>(&transaction).await?.is_empty());
    insert::<category::Entity>(&db, vec![category(1, None), category(2, Some(1))]).await?;
    let sync = category::Entity::bulk_sync(renamed_parent(), WholeTable, None);
    assert_eq!(sync.exec(&transaction).await?.to_string(), PARENT_CREATED_ANEW);
    transaction.commit().await?;
    assert_eq!(rows::<category::Entity>(&db.pool).await?, renamed_parent());
    Ok(())
}

/// Also where the scope has to be compared once more.
async fn a_plan_leaves_a_child_alone_that_others_have_moved_since(db: Db) -> TestResult {
    with_parent_and_child(&db).await?;
    let any = category::Entity::find().select_only().column(category::Column::Id);
    let scope = category::Column::Id.in_subquery(any.into_query());
    let sync = category::Entity::bulk_sync(renamed_parent(), scope, None);
    let plan = sync.compare(&db.pool).await?;
    db.pool.execute_unprepared("UPDATE category SET parent_id = NULL WHERE id = 2").await?;
    assert_eq!(plan.apply(&db.pool).await?.to_string(), PARENT_CREATED_ANEW);
    let [parent, _] = renamed_parent();
    assert_eq!(rows::<category::Entity>(&db.pool).await?, [parent, category(2, None)]);
    Ok(())
}

async fn a_kept_child_of_a_parent_that_is_not_among_the_models_is_an_error(db: Db) -> TestResult {
    with_parent_and_child(&db).await?;
    let sync = || category::Entity::bulk_sync([category(2, Some(1))], WholeTable, None);
    is_without_parent(refused(&db, sync()).await?)?;
    let applied = sync().compare(&db.pool).await?.apply(&db.pool).await;
    is_without_parent(applied.err().ok_or("it was applied")?)?;
    assert_eq!(rows::<category::Entity>(&db.pool).await?[1], category(2, Some(1)));
    Ok(())
}

/// The error of a child whose parent is not there.
fn is_without_parent(error: SyncError) -> TestResult {
    let SyncError::Constraint { table, action, keys, .. } = error else {
        return Err(error.into());
    };
    assert_eq!((table.as_str(), action), ("category", Action::Update));
    assert_eq!(keys, ["name = 'category 2'"]);
    Ok(())
}

async fn a_kept_child_that_a_delete_takes_along_is_an_error_at_once(db: Db) -> TestResult {
    db.create_table(category::Entity).await?;
    let [_, child] = renamed_parent();
    insert::<category::Entity>(&db, vec![category(1, None), child]).await?;
    for sync in [
        category::Entity::bulk_sync(renamed_parent(), WholeTable, None),
        category::Entity::bulk_sync(renamed_parent(), WholeTable, None)
            .ignore([category::Column::ParentId]),
    ] {
        let error = refused(&db, sync).await?;
        let SyncError::OutOfScope { keys, .. } = error else { return Err(error.into()) };
        assert_eq!(keys, ["name = 'category 2' goes with the row that it refers to"]);
    }
    Ok(())
}

/// The update has to come before the delete, which takes the reference away.
async fn a_child_that_moves_to_a_parent_that_is_created_anew_is_there(db: Db) -> TestResult {
    with_tree(&db, vec![category(1, None), category(2, None)]).await?;
    let sync = category::Entity::bulk_sync(renamed_parent(), WholeTable, None);
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 0 unchanged");
    assert_eq!(rows::<category::Entity>(&db.pool).await?, renamed_parent());
    Ok(())
}

async fn a_child_that_moves_to_a_parent_that_is_not_among_the_models_is_an_error(
    db: Db,
) -> TestResult {
    with_tree(&db, vec![category(1, None), category(2, None)]).await?;
    let sync = category::Entity::bulk_sync([category(2, Some(1))], WholeTable, None);
    is_without_parent(refused(&db, sync).await?)
}

async fn a_child_whose_reference_is_ignored_keeps_it(db: Db) -> TestResult {
    with_parent_and_child(&db).await?;
    let [parent, child] = renamed_parent();
    let models = [parent, category::Model { parent_id: None, ..child }];
    let sync = category::Entity::bulk_sync(models, WholeTable, None);
    let result = sync.ignore([category::Column::ParentId]).exec(&db.pool).await?;
    assert_eq!(result.to_string(), PARENT_CREATED_ANEW);
    assert_eq!(rows::<category::Entity>(&db.pool).await?, renamed_parent());
    Ok(())
}

/// Units whose references the foreign key changes as it says.
async fn with_units(db: &Db, action: &str, rows: Vec<unit::Model>) -> Result<(), DbErr> {
    db.pool
        .execute_unprepared(&format!(
            "CREATE TABLE unit (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, \
             code VARCHAR(40) NOT NULL UNIQUE, parent_code VARCHAR(40), headcount INT NOT NULL, \
             FOREIGN KEY (parent_code) REFERENCES unit (code) {action})",
        ))
        .await?;
    insert::<unit::Entity>(db, rows).await
}

async fn a_child_keeps_its_reference_to_an_ignored_column(db: Db) -> TestResult {
    with_units(&db, "ON DELETE SET NULL", vec![unit(1, "a", None), unit(2, "b", Some("a"))])
        .await?;
    let parent = unit::Model { name: "root".to_owned(), ..unit(1, "a", None) };
    let models = [parent, unit(2, "b", Some("a"))];
    let sync = unit::Entity::bulk_sync(models.clone(), WholeTable, None);
    let result = sync.ignore([unit::Column::Code]).exec(&db.pool).await?;
    assert_eq!(result.to_string(), PARENT_CREATED_ANEW);
    assert_eq!(rows::<unit::Entity>(&db.pool).await?, models);
    Ok(())
}

/// Though it is read, as others refer to it.
async fn an_ignored_column_is_no_part_of_the_fingerprint(db: Db) -> TestResult {
    with_units(&db, "", vec![unit(1, "a", None)]).await?;
    let larger = unit::Model { headcount: 9, ..unit(1, "a", None) };
    let compare = || {
        let sync = unit::Entity::bulk_sync([larger.clone()], WholeTable, None);
        sync.ignore([unit::Column::Code]).compare(&db.pool)
    };
    let before = compare().await?.fingerprint();
    db.pool.execute_unprepared("UPDATE unit SET code = 'z'").await?;
    assert_eq!(compare().await?.fingerprint(), before);
    Ok(())
}

/// Two units exchange their codes, on PostgreSQL and SQLite: MySQL has no
/// `ON UPDATE CASCADE` within a table.
async fn a_kept_child_does_not_go_along_with_a_value_that_moves(db: Db) -> TestResult {
    if db.backend() == DbBackend::MySql {
        return Ok(());
    }
    let before = vec![unit(1, "a", None), unit(2, "b", None), unit(3, "c", Some("a"))];
    with_units(&db, "ON UPDATE CASCADE", before).await?;
    let models = [unit(1, "b", None), unit(2, "a", None), unit(3, "c", Some("a"))];
    let sync = || unit::Entity::bulk_sync(models.clone(), WholeTable, None);
    let result = sync().exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 2 updated, 0 deleted, 1 unchanged");
    assert_eq!(rows::<unit::Entity>(&db.pool).await?, models);
    Ok(())
}

async fn a_child_that_refers_to_a_value_that_goes_is_an_error(db: Db) -> TestResult {
    let action = if db.backend() == DbBackend::MySql { "" } else { "ON UPDATE CASCADE" };
    with_units(&db, action, vec![unit(1, "a", None), unit(2, "b", Some("a"))]).await?;
    let models = [unit(1, "z", None), unit(2, "b", Some("a"))];
    let error = refused(&db, unit::Entity::bulk_sync(models, WholeTable, None)).await?;
    let SyncError::Constraint { table, action, .. } = error else { return Err(error.into()) };
    assert_eq!((table.as_str(), action), ("unit", Action::Update));
    Ok(())
}

/// Each row has one that comes before it, and no two the same.
async fn references_that_are_unique_are_given_back(db: Db) -> TestResult {
    if db.backend() == DbBackend::MySql {
        return Ok(());
    }
    let before = vec![
        unit(1, "a", None),
        unit(2, "b", None),
        unit(3, "c", Some("a")),
        unit(4, "d", Some("b")),
    ];
    with_units(&db, "ON UPDATE CASCADE", before).await?;
    db.pool.execute_unprepared("CREATE UNIQUE INDEX one_child ON unit (parent_code)").await?;
    let models =
        [unit(1, "b", None), unit(2, "a", None), unit(3, "c", Some("a")), unit(4, "d", Some("b"))];
    let result = unit::Entity::bulk_sync(models.clone(), WholeTable, None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 2 updated, 0 deleted, 2 unchanged");
    assert_eq!(rows::<unit::Entity>(&db.pool).await?, models);
    Ok(())
}

/// An ignored column of a model that is updated brings nothing back.
async fn an_ignored_reference_goes_with_a_row_that_does_not_come_back(db: Db) -> TestResult {
    let before = vec![unit(1, "a", None), unit(2, "b", None), unit(3, "c", Some("a"))];
    with_units(&db, "ON DELETE SET NULL", before).await?;
    let models = [unit::Model { headcount: 9, ..unit(2, "a", None) }, unit(3, "c", None)];
    let sync = unit::Entity::bulk_sync(models, WholeTable, None);
    let sync = sync.ignore([unit::Column::Code, unit::Column::ParentCode]);
    assert_eq!(
        sync.exec(&db.pool).await?.to_string(),
        "0 created, 1 updated, 1 deleted, 1 unchanged"
    );
    let left = [unit::Model { headcount: 9, ..unit(2, "b", None) }, unit(3, "c", None)];
    assert_eq!(rows::<unit::Entity>(&db.pool).await?, left);
    Ok(())
}

/// What a database holds equal is the same reference.
async fn a_reference_that_is_spelled_otherwise_is_given_back(db: Db) -> TestResult {
    let [code, other] = if db.backend() == DbBackend::MySql { ["de", "DE"] } else { ["de", "de"] };
    with_units(&db, "ON DELETE SET NULL", vec![unit(1, code, None), unit(2, "b", Some(code))])
        .await?;
    let parent = unit::Model { name: "root".to_owned(), ..unit(1, other, None) };
    let models = [parent, unit(2, "b", Some(other))];
    unit::Entity::bulk_sync(models.clone(), WholeTable, None).exec(&db.pool).await?;
    assert_eq!(rows::<unit::Entity>(&db.pool).await?, models);
    Ok(())
}

/// Nothing says that it is to stay.
async fn a_reference_of_which_no_model_says_anything_goes_along(db: Db) -> TestResult {
    if db.backend() == DbBackend::MySql {
        return Ok(());
    }
    let before = vec![unit(1, "a", None), unit(2, "b", None), unit(3, "c", Some("a"))];
    with_units(&db, "ON UPDATE CASCADE", before).await?;
    let models = [unit(1, "b", None), unit(2, "a", None)];
    let sync = unit::Entity::bulk_sync(models.clone(), WholeTable, None).skip_deletes();
    assert_eq!(sync.exec(&db.pool).await?.updated, 2);
    let [first, second] = models;
    let rows = rows::<unit::Entity>(&db.pool).await?;
    assert_eq!(rows, [first, second, unit(3, "c", Some("b"))]);
    Ok(())
}

mod branch {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;

    /// A branch of a tree; each tenant has one.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "branch")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sync(key)]
        pub name: String,
        pub parent_id: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "Entity",
            from = "(Column::Tenant, Column::ParentId)",
            to = "(Column::Tenant, Column::Id)"
        )]
        Parent,
    }

    impl ActiveModelBehavior for ActiveModel {}

    pub fn branch(id: i32, name: &str, parent_id: Option<i32>) -> Model {
        Model { tenant: 5, id, name: name.to_owned(), parent_id }
    }
}

/// On PostgreSQL: others set all columns of such a reference to NULL, or none.
async fn a_reference_of_several_columns_is_given_back(db: Db) -> TestResult {
    if db.backend() != DbBackend::Postgres {
        return Ok(());
    }
    db.pool
        .execute_unprepared(
            "CREATE TABLE branch (tenant INT, id INT, name TEXT NOT NULL, parent_id INT, \
             PRIMARY KEY (tenant, id), \
             FOREIGN KEY (tenant, parent_id) REFERENCES branch ON DELETE SET NULL (parent_id))",
        )
        .await?;
    let before = [branch(1, "a", None), branch(2, "kept", Some(1)), branch(3, "moved", None)];
    insert::<branch::Entity>(&db, before.to_vec()).await?;
    let models = [branch(1, "root", None), branch(2, "kept", Some(1)), branch(3, "moved", Some(1))];
    let sync = branch::Entity::bulk_sync(models.clone(), WholeTable, None);
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    assert_eq!(rows::<branch::Entity>(&db.pool).await?, models);
    let orphan = [branch(2, "kept", Some(1)), branch(3, "moved", None)];
    let error = refused(&db, branch::Entity::bulk_sync(orphan, WholeTable, None)).await?;
    let SyncError::Constraint { keys, .. } = error else { return Err(error.into()) };
    assert_eq!(keys, ["name = 'kept'"]);
    Ok(())
}

//! What the database forbids, and what it does by itself.

use bulk_sync::{Action, prelude::*};
use bulk_sync_tests::{
    entity::{
        category::{self, category},
        employee::{self, imported},
        note,
        project::{self, project},
        task,
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{DbBackend, IntoActiveModel, entity::prelude::*};

use crate::fixture::{insert, of_501, refused, rows, with_ann_bob_and_cid};

pub const TESTS: [Test; 10] = tests![
    a_foreign_key_that_forbids_a_delete_is_an_error_with_table_and_key,
    children_that_cascade_go_with_their_parents_and_are_not_counted,
    a_child_without_its_parent_is_an_error_with_table_and_key,
    a_unique_index_that_forbids_a_create_is_an_error_with_table_and_key,
    a_unique_value_outside_the_scope_is_an_error,
    a_check_that_forbids_an_update_is_an_error,
    a_null_in_a_column_that_forbids_it_is_an_error,
    a_tree_that_cascades_is_deleted_whole,
    a_kept_child_whose_parent_is_deleted_moves_to_another,
    a_constraint_that_is_checked_by_the_commit_is_an_error_with_table_and_key,
];

async fn with_projects(db: &Db) -> Result<(), DbErr> {
    db.create_table(project::Entity).await?;
    insert::<project::Entity>(db, vec![project(1, "one"), project(2, "two"), project(3, "three")])
        .await
}

async fn a_foreign_key_that_forbids_a_delete_is_an_error_with_table_and_key(db: Db) -> TestResult {
    with_projects(&db).await?;
    db.create_table(task::Entity).await?;
    insert::<task::Entity>(&db, vec![task::Model { id: 0, project_id: 2 }]).await?;
    let models = [project(1, "one"), project(3, "three"), project(4, "four")];
    let error = refused(&db, project::Entity::bulk_sync(models, WholeTable, None)).await?;
    assert!(error.to_string().contains("project"), "{error}");
    let SyncError::Constraint { table, action, keys, .. } = error else { return Err(error.into()) };
    assert_eq!((table.as_str(), action), ("project", Action::Delete));
    assert_eq!(keys, ["code = 'two'"]);
    Ok(())
}

async fn children_that_cascade_go_with_their_parents_and_are_not_counted(db: Db) -> TestResult {
    with_projects(&db).await?;
    db.create_table(note::Entity).await?;
    let notes = [1, 2, 2, 3].map(|project_id| note::Model { id: 0, project_id });
    insert::<note::Entity>(&db, notes.to_vec()).await?;
    let models = [project(1, "one"), project(3, "three")];
    let result = project::Entity::bulk_sync(models, WholeTable, None).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 0 updated, 1 deleted, 2 unchanged");
    let left: Vec<_> = rows::<note::Entity>(&db.pool).await?.iter().map(|n| n.project_id).collect();
    assert_eq!(left, [1, 3]);
    Ok(())
}

async fn a_child_without_its_parent_is_an_error_with_table_and_key(db: Db) -> TestResult {
    with_projects(&db).await?;
    db.create_table(task::Entity).await?;
    let orphan = task::Model { id: 0, project_id: 9 };
    let error = refused(&db, task::Entity::bulk_sync([orphan], WholeTable, None)).await?;
    let SyncError::Constraint { table, action, keys, .. } = error else { return Err(error.into()) };
    assert_eq!((table.as_str(), action), ("task", Action::Create));
    assert_eq!(keys, ["project_id = 9"]);
    Ok(())
}

async fn a_unique_index_that_forbids_a_create_is_an_error_with_table_and_key(db: Db) -> TestResult {
    with_projects(&db).await?;
    let hosted = |id, code| project::Model { domain: Some("a".into()), ..project(id, code) };
    let models = [project(1, "one"), hosted(4, "four"), hosted(5, "five")];
    let error = refused(&db, project::Entity::bulk_sync(models, WholeTable, None)).await?;
    let SyncError::Constraint { table, action, keys, .. } = error else { return Err(error.into()) };
    assert_eq!((table.as_str(), action), ("project", Action::Create));
    assert_eq!(keys, ["code = 'four'", "code = 'five'"]);
    Ok(())
}

async fn a_unique_value_outside_the_scope_is_an_error(db: Db) -> TestResult {
    with_projects(&db).await?;
    let others = project::Entity::bulk_sync([project(3, "new")], project::Column::Id.gt(2), None);
    let renamed = others.key([project::Column::Id]);
    assert_eq!(renamed.exec(&db.pool).await?.updated, 1);
    let taken = project::Entity::bulk_sync([project(1, "x")], project::Column::Code.eq("x"), None);
    let error = refused(&db, taken).await?;
    assert!(matches!(error, SyncError::Constraint { .. }), "{error:?}");
    Ok(())
}

async fn a_check_that_forbids_an_update_is_an_error(db: Db) -> TestResult {
    db.pool
        .execute_unprepared(
            "CREATE TABLE category (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, \
             parent_id INT CHECK (parent_id < 100))",
        )
        .await?;
    insert::<category::Entity>(&db, vec![category(1, None), category(2, None)]).await?;
    let models = [category(1, Some(99)), category(2, Some(100)), category(3, None)];
    let error = refused(&db, category::Entity::bulk_sync(models, WholeTable, 1)).await?;
    let SyncError::Statement { table, action, source } = error else { return Err(error.into()) };
    assert_eq!((table.as_str(), action), ("category", Action::Update));
    assert!(matches!(*source, DbErr::Exec(_)), "{source:?}");
    Ok(())
}

async fn a_null_in_a_column_that_forbids_it_is_an_error(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let statement = match db.backend() {
        DbBackend::Sqlite => {
            "CREATE TRIGGER filled BEFORE UPDATE ON employee WHEN NEW.phone IS NULL \
             BEGIN SELECT RAISE(ABORT, 'phone'); END"
        }
        DbBackend::Postgres => "ALTER TABLE employee ALTER phone SET NOT NULL",
        _ => "ALTER TABLE employee MODIFY phone VARCHAR(255) NOT NULL",
    };
    employee::Entity::update_many()
        .col_expr(employee::Column::Phone, "555".into())
        .exec(&db.pool)
        .await?;
    db.pool.execute_unprepared(statement).await?;
    let ann = imported("A1", "Ann").into_active_model();
    let sync = employee::Entity::bulk_sync([ann], of_501(), None).skip_deletes();
    let error = refused(&db, sync).await?;
    assert!(matches!(error, SyncError::Statement { .. }), "{error:?}");
    Ok(())
}

async fn with_tree(db: &Db) -> Result<(), DbErr> {
    db.create_table(category::Entity).await?;
    let tree = vec![
        category(1, None),
        category(2, Some(1)),
        category(3, Some(2)),
        category(4, None),
        category(5, Some(4)),
    ];
    insert::<category::Entity>(db, tree).await
}

/// Where a parent's delete has taken a child along, the child's own delete
/// finds no row.
async fn a_tree_that_cascades_is_deleted_whole(db: Db) -> TestResult {
    with_tree(&db).await?;
    let kept = || [category(4, None), category(5, Some(4))];
    for batch_size in [None, Some(1)] {
        let sync = category::Entity::bulk_sync(kept(), WholeTable, batch_size);
        let result = sync.exec(&db.pool).await?;
        assert_eq!(result.to_string(), "0 created, 0 updated, 3 deleted, 2 unchanged");
        let gone = vec![category(1, None), category(2, Some(1)), category(3, Some(2))];
        insert::<category::Entity>(&db, gone).await?;
    }
    Ok(())
}

/// The child must not be taken along by the delete of its former parent.
async fn a_kept_child_whose_parent_is_deleted_moves_to_another(db: Db) -> TestResult {
    with_tree(&db).await?;
    let models = [category(2, Some(4)), category(3, None), category(4, None), category(5, Some(4))];
    let sync = category::Entity::bulk_sync(models.clone(), WholeTable, None);
    let result = sync.exec(&db.pool).await?;
    assert_eq!(result.to_string(), "0 created, 2 updated, 1 deleted, 2 unchanged");
    assert_eq!(rows::<category::Entity>(&db.pool).await?, models);
    Ok(())
}

/// On PostgreSQL, as others check with each statement.
async fn a_constraint_that_is_checked_by_the_commit_is_an_error_with_table_and_key(
    db: Db,
) -> TestResult {
    if db.backend() != DbBackend::Postgres {
        return Ok(());
    }
    with_ann_bob_and_cid(&db).await?;
    db.pool
        .execute_unprepared("ALTER TABLE employee ADD UNIQUE (phone) DEFERRABLE INITIALLY DEFERRED")
        .await?;
    let reached = |id, name| employee::Model { phone: Some("1".into()), ..imported(id, name) };
    let models = [reached("A1", "Ann"), imported("B2", "Bob"), imported("C3", "Cid")];
    let models = models.into_iter().chain([reached("D4", "Dan")]);
    let error = refused(&db, employee::Entity::bulk_sync(models, of_501(), None)).await?;
    let SyncError::Constraint { table, action, keys, .. } = error else { return Err(error.into()) };
    assert_eq!((table.as_str(), action), ("employee", Action::Commit));
    let of = |id| format!("company_id = 501, external_id = '{id}'");
    assert_eq!(keys, [of("D4"), of("A1")]);
    Ok(())
}

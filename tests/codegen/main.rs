//! Entities as sea-orm-cli generates them compile and sync, in each of its
//! formats. `.ci/codegen` generates them, and tells when they have changed.

mod entity {
    pub mod compact;
    pub mod dense;
    pub mod expanded;
}

use bulk_sync::prelude::*;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ConnectionTrait, Database, DatabaseConnection, DbErr,
    entity::prelude::*,
};

use entity::{compact, dense, expanded};

/// A new database with the schema from which the entities were generated.
async fn database() -> Result<DatabaseConnection, DbErr> {
    let db = Database::connect("sqlite::memory:").await?;
    db.execute_unprepared(include_str!("schema.sql")).await?;
    Ok(db)
}

/// The rows of employees are created, updated and deleted, and kept when
/// nothing has changed.
macro_rules! sync_employees {
    ($entity:ident, $db:expr, $company:expr) => {{
        use $entity::employee::{ActiveModel, Column, Entity};
        let employee = |external_id: &str, name: &str| ActiveModel {
            company_id: Set($company),
            external_id: Set(external_id.into()),
            name: Set(name.into()),
            salary: Set(Decimal::new(4_200, 0)),
            r#type: NotSet,
            ..Default::default()
        };
        let sync = |names: &[(&str, &str)]| {
            let models: Vec<_> = names.iter().map(|(id, name)| employee(id, name)).collect();
            Entity::bulk_sync(models, Column::CompanyId.eq($company), None)
        };
        let first = sync(&[("A1", "Ann"), ("B2", "Bob"), ("C3", "Cid")]).exec($db).await?;
        assert_eq!(first.to_string(), "3 created, 0 updated, 0 deleted, 0 unchanged");
        let changed = [("A1", "Ann"), ("B2", "Robert"), ("D4", "Dee")];
        let second = sync(&changed).exec($db).await?;
        assert_eq!(second.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
        assert!(sync(&changed).check($db).await?);
        let ann = Entity::find().filter(Column::ExternalId.eq("A1")).one($db).await?;
        assert_eq!(ann.map(|ann| ann.r#type).as_deref(), Some("staff"));
    }};
}

#[tokio::test]
async fn a_compact_entity_syncs() -> Result<(), Box<dyn std::error::Error>> {
    let db = database().await?;
    db.execute_unprepared("INSERT INTO company (id, external_id, name) VALUES (1, 'X', 'Ex')")
        .await?;
    sync_employees!(compact, &db, 1);
    Ok(())
}

#[tokio::test]
async fn dense_entities_with_relations_sync() -> Result<(), Box<dyn std::error::Error>> {
    use dense::company::{ActiveModel, Entity};
    let db = database().await?;
    let company =
        ActiveModel { external_id: Set("X".into()), name: Set("Ex".into()), ..Default::default() };
    let synced = Entity::bulk_sync([company], WholeTable, None).exec_with_returning(&db).await?;
    sync_employees!(dense, &db, synced.created[0].id);
    Ok(())
}

#[tokio::test]
async fn expanded_entities_sync() -> Result<(), Box<dyn std::error::Error>> {
    use expanded::company::{ActiveModel, Entity};
    let db = database().await?;
    let company =
        ActiveModel { external_id: Set("X".into()), name: Set("Ex".into()), ..Default::default() };
    let synced = Entity::bulk_sync([company], WholeTable, None).exec_with_returning(&db).await?;
    sync_employees!(expanded, &db, synced.created[0].id);
    Ok(())
}

/// The page has the command that `.ci/codegen` runs, and what it made.
#[test]
fn the_manual_shows_what_is_generated() {
    let page = include_str!("../../docs/input.md");
    let script = include_str!("../../.ci/codegen");
    assert!(page.contains(include_str!("entity/dense/employee.rs")));
    let attributes = ["keys(external_id)", "keys(company_id, external_id)"];
    for keys in attributes {
        let options = format!("'sync({keys}, ignore(created_at), touch(updated_at))'");
        assert!(page.contains(&options) && script.contains(&options), "{options}");
    }
    let words = include_str!("../../.ci/tools").split_whitespace();
    let version = words.skip_while(|word| *word != "install").nth(2).expect("a version");
    assert!(page.contains(&format!("sea-orm-cli@{version}\n")), "{version}");
}

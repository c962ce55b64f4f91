//! Upload, read the plan, apply it.

use axum::http::StatusCode;
use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};
use import_service::entity::employee;
use sea_orm::{ActiveValue::Set, DbBackend, IntoActiveModel, entity::prelude::*};

use crate::client::{Client, HEADER, file, file_of, people};

pub const TESTS: [Test; 10] = tests![
    an_import_is_seen_and_then_applied,
    changed_cells_are_marked_with_old_and_new,
    a_plan_that_went_stale_is_told_and_the_new_one_is_shown,
    a_button_that_is_pressed_twice_applies_once,
    only_the_plan_that_was_seen_is_applied,
    the_same_file_again_leaves_nothing_to_do,
    a_long_plan_has_pages,
    what_is_downloaded_can_be_uploaded,
    other_companies_are_left_alone,
    a_number_that_is_spelled_otherwise_is_as_the_database_has_it,
];

async fn an_import_is_seen_and_then_applied(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let plan = client.plan(file(&["A1 Ann", "B2 Bob"])).await?;
    assert_eq!(plan.status, StatusCode::OK);
    assert_eq!(plan.counts()?, ["2", "0", "0", "0"]);
    plan.contains("<th scope=\"row\">A1</th><td>Ann</td>")?;
    assert_eq!(client.employees().await?, [""; 0], "a plan writes nothing");
    assert!(client.imports().await?.is_empty());

    let done = client.apply(&plan).await?;
    done.contains("2 rows created, 0 rows changed, 0 rows removed, 0 rows unchanged")?;
    assert_eq!(client.employees().await?, ["A1 Ann", "B2 Bob"]);
    let imports = client.imports().await?;
    assert_eq!(imports.len(), 1);
    assert_eq!((imports[0].created, imports[0].unchanged), (2, 0));
    assert_eq!(imports[0].file_name, "people.csv");
    assert_eq!(imports[0].fingerprint, plan.field("fingerprint")?);
    let company = client.get(&client.company_path()).await?;
    company.contains("<td>people.csv</td><td class=\"number\">2</td>")?;
    company.contains("<th scope=\"row\">B2</th><td>Bob</td>")?;
    Ok(())
}

async fn changed_cells_are_marked_with_old_and_new(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let people = people(10);
    client.import(&file_of(&people)).await?;
    let changed = file_of(&people[..9]).replace(
        "A03,Person 3,,Fleet,4200.50,2020-02-29",
        "A03,Person 3,p3@example.com,Fleet,4300,2020-02-29",
    );
    let plan = client.plan(changed + "B1,New,,Fleet,1,2020-01-01\n").await?;
    assert_eq!(plan.counts()?, ["1", "1", "1", "8"]);
    plan.contains(
        "<tr><th scope=\"row\">A03</th><td>Person 3</td><td class=\"marked\">\
         <span class=\"unseen\">changed from </span><del>(empty)</del>\
         <span aria-hidden=\"true\"> → </span><span class=\"unseen\"> to </span>\
         <ins>p3@example.com</ins></td><td>Fleet</td><td class=\"marked number\">",
    )?;
    plan.contains("it removes 1 of 10, where 20 % are allowed")?;
    plan.contains("<del>4200.50</del>")?;
    plan.contains("<ins>4300.00</ins>")?;
    let removed = plan.text.split("<h2 id=\"removed\">").nth(1).unwrap_or_default();
    let (removed, created) = removed.split_once("<h2 id=\"created\">").ok_or("no created rows")?;
    assert!(removed.contains("<th scope=\"row\">A09</th><td>Person 9</td>"), "{removed}");
    assert!(created.contains("<th scope=\"row\">B1</th><td>New</td>"), "{created}");
    client.apply(&plan).await?.contains("1 row created, 1 row changed, 1 row removed")?;
    Ok(())
}

async fn a_plan_that_went_stale_is_told_and_the_new_one_is_shown(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file(&["A1 Ann", "B2 Bob"])).await?;
    let plan = client.plan(file(&["A1 Anna", "B2 Bob"])).await?;
    rename(&client, "B2", "Robert").await?;

    let stale = client.apply(&plan).await?;
    stale.contains("The plan that you confirmed is out of date")?;
    assert_eq!(stale.counts()?, ["0", "2", "0", "0"]);
    stale.contains("<del>Robert</del>")?;
    assert_ne!(stale.field("fingerprint")?, plan.field("fingerprint")?);
    assert_eq!(client.employees().await?, ["A1 Ann", "B2 Robert"], "nothing was written");
    assert_eq!(client.imports().await?.len(), 1);

    client.apply(&stale).await?.contains("2 rows changed")?;
    assert_eq!(client.employees().await?, ["A1 Anna", "B2 Bob"]);
    Ok(())
}

async fn rename(client: &Client, id: &str, name: &str) -> TestResult {
    let employee = employee::Entity::find()
        .filter(employee::Column::CompanyId.eq(client.company))
        .filter(employee::Column::ExternalId.eq(id))
        .one(&client.db)
        .await?;
    let mut employee = employee.ok_or("no such employee")?.into_active_model();
    employee.name = Set(name.into());
    employee.update(&client.db).await?;
    Ok(())
}

async fn a_button_that_is_pressed_twice_applies_once(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let plan = client.plan(file(&["A1 Ann"])).await?;
    let (first, second) = tokio::join!(client.press(&plan, "apply"), client.press(&plan, "apply"));
    let (first, second) = (first?.location()?, second?.location()?);
    assert_eq!(first, second);
    client.settled(&first).await?.contains("1 row created")?;
    client.press(&plan, "apply").await?;
    client.settled(&first).await?.contains("1 row created")?;
    assert_eq!(client.imports().await?.len(), 1);
    Ok(())
}

async fn only_the_plan_that_was_seen_is_applied(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let mut plan = client.plan(file(&["A1 Ann"])).await?;
    let other = client.plan(file(&["B2 Bob"])).await?;
    plan.text = plan.text.replace(&plan.field("fingerprint")?, &other.field("fingerprint")?);
    client.apply(&plan).await?.contains("The plan that you confirmed is out of date")?;
    plan.text = plan.text.replace(&plan.field("fingerprint")?, "no-fingerprint");
    assert_eq!(client.press(&plan, "apply").await?.status, StatusCode::BAD_REQUEST);
    assert_eq!(client.employees().await?, [""; 0]);
    Ok(())
}

async fn the_same_file_again_leaves_nothing_to_do(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file(&["A1 Ann"])).await?;
    let plan = client.plan(file(&["A1 Ann"])).await?;
    plan.contains("Nothing to do")?;
    plan.lacks("<button>")?;
    assert_eq!(plan.counts()?, ["0", "0", "0", "1"]);
    assert_eq!(client.imports().await?.len(), 1, "an import that changes nothing is none");
    Ok(())
}

async fn a_long_plan_has_pages(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let all = people(60);
    client.import(&file_of(&all)).await?;
    // 40 changed, 10 removed, 160 created: the first page ends inside of the created ones
    let lines: Vec<_> = (0..50)
        .map(|number| {
            format!("A{number:02} {}{number}", if number < 40 { "Other " } else { "Person " })
        })
        .chain((0..160).map(|number| format!("C{number:03} New {number}")))
        .collect();
    let path = client.upload(file_of(&lines)).await?;
    let first = client.settled(&path).await?;
    assert_eq!(first.counts()?, ["160", "40", "10", "10"]);
    let numbers = |text: &str| text.matches("<th scope=\"row\">").count();
    assert_eq!(numbers(&first.text), 100);
    first.contains("Page 1 of 3")?;
    first.contains("<h2 id=\"changed\">")?;
    first.contains("<h2 id=\"removed\">")?;
    first.contains("<th scope=\"row\">C049</th>")?;
    let second = client.get(&format!("{path}?page=2")).await?;
    assert_eq!(numbers(&second.text), 100);
    second.lacks("<h2 id=\"removed\">")?;
    second.contains("<th scope=\"row\">C050</th>")?;
    let third = client.get(&format!("{path}?page=3")).await?;
    assert_eq!(numbers(&third.text), 10);
    third.contains("<th scope=\"row\">C159</th>")?;
    third.lacks("rel=\"next\"")?;
    let beyond = client.get(&format!("{path}?page=99999999999999999999")).await?;
    assert_eq!(beyond.status, StatusCode::BAD_REQUEST);
    let beyond = client.get(&format!("{path}?page=9999")).await?;
    beyond.contains("Page 3 of 3")?;
    client.apply(&third).await?.contains("160 rows created, 40 rows changed, 10 rows removed")?;
    let company = client.get(&format!("{}?page=3", client.company_path())).await?;
    company.contains("<th scope=\"row\">C159</th>")?;
    Ok(())
}

async fn what_is_downloaded_can_be_uploaded(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let text = format!("{HEADER}\nA1,\"Lee, \"\"Ann\"\"\",a@example.com,Fleet,1.5,2020-02-29\n");
    client.import(&text).await?;
    let file = client.get(&format!("{}/employees.csv", client.company_path())).await?;
    assert_eq!(file.text, text);
    client.plan(file.text).await?.contains("Nothing to do")?;
    Ok(())
}

async fn other_companies_are_left_alone(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let others = employee::Entity::find().all(&client.db).await?;
    assert!(!others.is_empty());
    client.import(&file(&["E001 Ann"])).await?;
    let others_now = employee::Entity::find()
        .filter(employee::Column::CompanyId.ne(client.company))
        .all(&client.db)
        .await?;
    assert_eq!(others_now, others);
    Ok(())
}

/// The collation decides whether it is the same employee.
async fn a_number_that_is_spelled_otherwise_is_as_the_database_has_it(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let people = people(10);
    client.import(&file_of(&people)).await?;
    let plan = client.plan(file_of(&people).replace("A05", "a05")).await?;
    if db.backend() == DbBackend::MySql {
        assert_eq!(plan.counts()?, ["0", "1", "0", "9"]);
        plan.contains("<del>A05</del>")?;
        plan.contains("<ins>a05</ins></th><td>Person 5</td>")?;
    } else {
        assert_eq!(plan.counts()?, ["1", "0", "1", "9"]);
    }
    Ok(())
}

//! The first start, and the next one.

use std::process::Stdio;

use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};
use import_service::{
    entity::{company, employee, import},
    schema,
};
use sea_orm::{IntoActiveModel, SqlErr, entity::prelude::*};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
};

use crate::client::{Client, file};

pub const TESTS: [Test; 5] = tests![
    the_first_start_fills_the_tables_and_the_next_one_leaves_them,
    the_key_is_unique_in_the_table,
    the_companies_are_listed_with_their_employees,
    the_program_prints_its_address_and_answers_there,
    a_setting_that_is_none_stops_the_program,
];

async fn the_first_start_fills_the_tables_and_the_next_one_leaves_them(db: Db) -> TestResult {
    schema::prepare(&db.pool).await?;
    let companies = company::Entity::find().all(&db.pool).await?;
    let employees = employee::Entity::find().all(&db.pool).await?;
    assert_eq!((companies.len(), employees.len()), (3, 32));
    company::Entity::delete_by_id(companies[2].id).exec(&db.pool).await?;
    employees[0].clone().into_active_model().delete(&db.pool).await?;

    schema::prepare(&db.pool).await?;
    assert_eq!(company::Entity::find().all(&db.pool).await?, companies[..2]);
    assert_eq!(employee::Entity::find().all(&db.pool).await?, employees[1..]);
    assert!(import::Entity::find().all(&db.pool).await?.is_empty());
    Ok(())
}

async fn the_key_is_unique_in_the_table(db: Db) -> TestResult {
    schema::prepare(&db.pool).await?;
    // the second start must not have lost the index
    schema::prepare(&db.pool).await?;
    let employee = employee::Entity::find().one(&db.pool).await?.ok_or("no employee")?;
    let mut twin = employee.into_active_model().reset_all();
    twin.id = sea_orm::NotSet;
    let Err(error) = twin.insert(&db.pool).await else { return Err("two have one key".into()) };
    let is_unique = matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)));
    assert!(is_unique, "{error}");
    Ok(())
}

async fn the_companies_are_listed_with_their_employees(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file(&["A1 Ann"])).await?;
    let page = client.get("/").await?;
    page.contains("Harbour Logistics</a><span>24 employees</span>")?;
    page.contains("Test &amp; Co</a><span>1 employee</span>")?;
    Ok(())
}

fn program(db: &Db) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_import-service"));
    command.env("DATABASE_URL", &db.url).env("LISTEN", "127.0.0.1:0");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn the_program_prints_its_address_and_answers_there(db: Db) -> TestResult {
    let mut program = program(&db).spawn()?;
    let mut lines = BufReader::new(program.stdout.take().ok_or("no output")?).lines();
    let address = lines.next_line().await?.ok_or("no address")?;
    let address = address.strip_prefix("http://").ok_or("not an address")?;
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut page = String::new();
    connection.read_to_string(&mut page).await?;
    assert!(page.starts_with("HTTP/1.0 200 OK"), "{page}");
    assert!(page.contains("Harbour Logistics"), "{page}");
    Ok(program.kill().await?)
}

async fn a_setting_that_is_none_stops_the_program(db: Db) -> TestResult {
    for (name, value) in [("MAX_DELETE_SHARE", "20"), ("MAX_UPLOAD_BYTES", "64 MB")] {
        let output = program(&db).env(name, value).output().await?;
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr)?;
        assert!(error.starts_with(name), "{error}");
    }
    Ok(())
}

//! A file of 100,000 employees.

use std::fmt::Write;

use axum::http::StatusCode;
use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};

use crate::client::{Client, HEADER};

pub const TESTS: [Test; 1] = tests![a_hundred_thousand_rows_are_imported_beside_the_requests];

const ROWS: usize = 100_000;

async fn a_hundred_thousand_rows_are_imported_beside_the_requests(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let plan = client.plan(rows(0..ROWS)?).await?;
    assert_eq!(plan.counts()?, ["100\u{202f}000", "0", "0", "0"]);
    plan.contains("Page 1 of 1000")?;

    let path = client.press(&plan, "apply").await?.location()?;
    // other pages are there meanwhile
    while client.get(&path).await?.text.contains("http-equiv=\"refresh\"") {
        assert_eq!(client.get("/companies/1").await?.status, StatusCode::OK);
    }
    client.settled(&path).await?.contains("100\u{202f}000 rows created")?;

    let plan = client.plan(rows(1..ROWS + 1)?).await?;
    assert_eq!(plan.counts()?, ["1", "0", "1", "99\u{202f}999"]);
    client.apply(&plan).await?.contains("1 row created, 0 rows changed, 1 row removed")?;
    assert_eq!(client.employees().await?.len(), ROWS);
    Ok(())
}

fn rows(numbers: std::ops::Range<usize>) -> Result<String, std::fmt::Error> {
    let mut text = format!("{HEADER}\n");
    for number in numbers {
        writeln!(text, "P{number:06},Person {number},p{number}@example.com,Fleet,4200,2020-02-29")?;
    }
    Ok(text)
}

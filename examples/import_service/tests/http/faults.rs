//! Files that cannot be imported: each gets a page that helps, and changes nothing.

use std::io;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};

use crate::client::{Client, Error, HEADER, Reply, file, file_of, people};

pub const TESTS: [Test; 9] = tests![
    all_faulty_lines_are_listed,
    a_long_list_of_faulty_lines_is_cut_and_counted,
    wrong_columns_are_told,
    a_file_that_is_not_utf_8_is_told,
    an_empty_file_is_stopped_by_a_guard,
    a_truncated_file_is_stopped_by_a_guard,
    a_file_that_is_too_large_is_refused,
    a_file_that_breaks_off_on_its_way_is_refused,
    a_key_that_the_database_holds_equal_is_told,
];

/// Uploads a file that is refused, and looks that nothing has changed.
async fn refused(client: &Client, file: impl AsRef<[u8]>) -> Result<Reply, Error> {
    let before = (client.employees().await?, client.imports().await?);
    let page = client.plan(file).await?;
    page.lacks("/apply\"")?;
    assert_eq!((client.employees().await?, client.imports().await?), before);
    Ok(page)
}

async fn all_faulty_lines_are_listed(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file(&["A1 Ann"])).await?;
    let text = format!(
        "{HEADER}\nA1,Ann,,Fleet,1,2020-01-01\nB2,,,Fleet,x,2020-01-01\nA1,Ann,,Fleet,1,2020-13-01\nC3\n"
    );
    let page = refused(&client, text).await?;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.contains("3 lines of the file cannot be imported")?;
    page.contains("<caption>All faulty lines</caption>")?;
    for (line, reason) in [
        (3, "name is empty; salary “x” is not an amount such as 4200 or 4200.50"),
        (
            4,
            "hired_on “2020-13-01” is not a date such as 2024-05-31; external_id “A1” stands in line 2 already",
        ),
        (5, "1 instead of 6 cells"),
    ] {
        page.contains(&format!("<th scope=\"row\" class=\"number\">{line}</th><td>{reason}</td>"))?;
    }
    Ok(())
}

async fn a_long_list_of_faulty_lines_is_cut_and_counted(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let page = refused(&client, format!("{HEADER}\n{}", "x\n".repeat(1_234))).await?;
    page.contains("1234 lines of the file cannot be imported")?;
    page.contains("The first 100 of 1\u{202f}234 faulty lines")?;
    assert_eq!(page.text.matches("1 instead of 6 cells").count(), 100);
    Ok(())
}

async fn wrong_columns_are_told(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let page = refused(&client, "external_id,name,phone\nA1,Ann,1\n").await?;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.contains("the column email is missing; the column department is missing")?;
    page.contains("there is no column “phone”")?;
    Ok(())
}

async fn a_file_that_is_not_utf_8_is_told(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let mut text = format!("{HEADER}\nA1,J").into_bytes();
    text.extend(b"\xfcrgen,,Fleet,1,2020-01-01\n");
    let page = refused(&client, text).await?;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.contains("is not UTF-8; save the file as CSV in UTF-8")?;
    Ok(())
}

async fn an_empty_file_is_stopped_by_a_guard(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file(&["A1 Ann", "B2 Bob"])).await?;
    let page = refused(&client, file(&[])).await?;
    page.contains("A guard stops this import")?;
    page.contains("The file has no employees, and all 2 of the company would be removed.")?;
    assert_eq!(page.counts()?, ["0", "0", "2", "0"]);
    page.contains("<td>Bob</td>")?;
    refused(&client, "").await?.contains("the file is empty")?;
    Ok(())
}

async fn a_truncated_file_is_stopped_by_a_guard(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let people = people(20);
    client.import(&file_of(&people)).await?;
    let page = refused(&client, file_of(&people[..15])).await?;
    page.contains("5 of 20 employees would be removed, and one import may remove 4 of them")?;
    // whoever makes the button up is refused, too
    let path = client.upload(file_of(&people[..15])).await?;
    let fields = format!("csrf_token={}&fingerprint={:032x}", client.token().await?, 0);
    client.post_form(&format!("{path}/apply"), &fields).await?;
    client.settled(&path).await?.contains("A guard stops this import")?;
    assert_eq!(client.employees().await?.len(), 20);
    // as many as the guard allows
    let plan = client.plan(file_of(&people[..16])).await?;
    client.apply(&plan).await?.contains("4 rows removed")?;
    Ok(())
}

async fn a_file_that_is_too_large_is_refused(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let token = client.token().await?;
    let page = client.send_file(&token, vec![b'x'; 10_000_001]).await?;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    page.contains("A file may have 10000000 bytes at most")?;
    // far too large: the rest is not even read
    let page = client.send_file(&token, vec![b'x'; 50_000_000]).await?;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    let just_right = client.send_file(&token, vec![b'x'; 10_000_000]).await?;
    assert_eq!(just_right.status, StatusCode::SEE_OTHER);
    Ok(())
}

async fn a_file_that_breaks_off_on_its_way_is_refused(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file(&["A1 Ann"])).await?;
    let token = client.token().await?;
    // both as far as a person could have seen them: whole lines
    let text = file(&["A1 Anna"]);
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{token}\r\n--b\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n{text}"
    );
    for is_broken in [true, false] {
        let paths =
            [("uploads", "multipart/form-data; boundary=b", &form), ("imports", "text/csv", &text)];
        for (path, content_type, sent) in paths {
            let end = is_broken.then(|| Err(io::Error::other("the network is gone")));
            let chunks = [Ok(sent.clone())].into_iter().chain(end);
            let request = Request::post(format!("{}/{path}", client.company_path()))
                .header(header::CONTENT_TYPE, content_type)
                .body(Body::from_stream(futures_util::stream::iter(chunks)))?;
            let reply = client.send(request).await?;
            // the end of a body without a form is the end of the file
            if is_broken || path == "uploads" {
                assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}: {}", reply.text);
                assert_eq!(client.employees().await?, ["A1 Ann"]);
            }
        }
    }
    Ok(())
}

/// On MySQL and MariaDB; elsewhere the two are two employees.
async fn a_key_that_the_database_holds_equal_is_told(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let page = client.plan(file(&["a1 Ann", "A1 Anna"])).await?;
    if db.backend() == sea_orm::DbBackend::MySql {
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.contains("To the database, several lines have the key of one employee: company_id")?;
    } else {
        assert_eq!(page.counts()?, ["2", "0", "0", "0"]);
    }
    Ok(())
}

//! Forms of other sites, and data that looks like HTML.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::entity::prelude::*;

use crate::client::{Client, Error, Reply, file};

pub const TESTS: [Test; 7] = tests![
    a_form_without_the_token_is_refused,
    a_token_without_its_cookie_is_refused,
    a_plan_is_not_applied_and_not_tried_again_without_the_token,
    html_in_data_is_shown_as_text,
    every_response_says_that_no_script_runs,
    pages_that_are_not_there_are_told,
    the_oldest_uploads_are_forgotten,
];

async fn a_form_without_the_token_is_refused(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let token = client.token().await?;
    let almost = format!("{}x", &token[..token.len() - 1]);
    for wrong in ["", "wrong", &almost, &"x".repeat(100)] {
        let reply = client.send_file(wrong, file(&["A1 Ann"])).await?;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{wrong}");
        reply.contains("This form is not from here")?;
    }
    assert_eq!(client.send_file(&token, file(&["A1 Ann"])).await?.status, StatusCode::SEE_OTHER);
    Ok(())
}

async fn a_token_without_its_cookie_is_refused(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let token = client.token().await?;
    let another = client.another();
    assert_eq!(another.send_file(&token, file(&["A1 Ann"])).await?.status, StatusCode::FORBIDDEN);
    another.token().await?;
    assert_eq!(another.send_file(&token, file(&["A1 Ann"])).await?.status, StatusCode::FORBIDDEN);

    let cookie = client.another().get(&client.company_path()).await?;
    let cookie = cookie.headers[header::SET_COOKIE].to_str()?;
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    Ok(())
}

async fn a_plan_is_not_applied_and_not_tried_again_without_the_token(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let mut plan = client.plan(file(&["A1 Ann"])).await?;
    plan.text = plan.text.replace(&plan.field("csrf_token")?, "another");
    assert_eq!(client.press(&plan, "apply").await?.status, StatusCode::FORBIDDEN);
    let path = client.upload(file(&["A1 Ann"])).await?;
    for button in ["apply", "retry"] {
        let reply = client.post_form(&format!("{path}/{button}"), "fingerprint=0").await?;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(client.employees().await?, [""; 0]);
    Ok(())
}

async fn html_in_data_is_shown_as_text(db: Db) -> TestResult {
    const HTML: &str = "<script>alert(1)</script>";
    const TEXT: &str = "&lt;script&gt;alert(1)&lt;/script&gt;";
    let client = Client::new(&db).await?;
    let shown = |page: &Reply| -> Result<(), Error> {
        page.contains(TEXT)?;
        page.lacks("<script")
    };
    let created = client.plan(file(&[&format!("A1 {HTML}")])).await?;
    shown(&created)?;
    client.apply(&created).await?;
    shown(&client.get(&client.company_path()).await?)?;
    let changed = client.plan(file(&["A1 \"<b>\"\"'&</b>\""])).await?;
    shown(&changed)?;
    changed.contains("<ins>&lt;b&gt;&quot;'&amp;&lt;/b&gt;</ins>")?;
    let faulty = client.plan(format!("{}{HTML}\n", file(&[]))).await?;
    faulty.lacks("<script")?;
    let header = client.plan(format!("{HTML},name\n")).await?;
    shown(&header)?;
    client.get("/").await?.contains("Test &amp; Co")?;
    Ok(())
}

async fn every_response_says_that_no_script_runs(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    for path in ["/", &client.company_path(), "/style.css", "/openapi.json", "/nowhere"] {
        let reply = client.get(path).await?;
        let policy = reply.headers[header::CONTENT_SECURITY_POLICY].to_str()?;
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{path}: {policy}");
        assert_eq!(reply.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
    Ok(())
}

async fn pages_that_are_not_there_are_told(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let upload = format!("{}/uploads/0", client.company_path());
    for path in ["/nowhere", "/companies/999999", "/companies/999999/employees.csv", &upload] {
        let reply = client.get(path).await?;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        reply.contains("<h1>Not found</h1>")?;
    }
    for path in ["/companies/x", "/companies/1?page=x"] {
        let reply = client.get(path).await?;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
        reply.contains("<h1>The request cannot be read</h1>")?;
    }
    // the upload of one company is none of another
    let path = client.upload(file(&["A1 Ann"])).await?;
    let elsewhere = path.replace(&client.company_path(), "/companies/1");
    assert_eq!(client.get(&elsewhere).await?.status, StatusCode::NOT_FOUND);
    let token = client.token().await?;
    import_service::entity::company::Entity::delete_by_id(client.company).exec(&client.db).await?;
    let path = client.send_file(&token, file(&["A1 Ann"])).await?.location()?;
    assert_eq!(client.settled(&path).await?.status, StatusCode::NOT_FOUND);
    let form = Request::post(format!("{}/uploads", client.company_path())).body(Body::empty())?;
    assert_eq!(client.send(form).await?.status, StatusCode::BAD_REQUEST);
    Ok(())
}

/// With all that belongs to them: a plan that kept its upload would stay for ever.
async fn the_oldest_uploads_are_forgotten(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let path = client.upload(file(&["A1 Ann"])).await?;
    client.settled(&path).await?.contains("/apply\"")?;
    let id = path.rsplit('/').next().unwrap_or_default();
    let upload = client.uploads.find(client.company, id).map_err(|problem| problem.title())?;
    let weak = Arc::downgrade(&upload);
    drop(upload);
    for _ in 0..49 {
        client.plan(file(&[])).await?;
    }
    assert_eq!(client.get(&path).await?.status, StatusCode::OK);
    client.plan(file(&[])).await?;
    let forgotten = client.get(&path).await?;
    assert_eq!(forgotten.status, StatusCode::NOT_FOUND);
    forgotten.contains("Upload the file again")?;
    assert!(weak.upgrade().is_none());
    Ok(())
}

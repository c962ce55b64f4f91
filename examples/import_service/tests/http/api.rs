//! The interface for machines.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};
use serde_json::json;

use crate::client::{Client, file, file_of, people};

pub const TESTS: [Test; 6] = tests![
    a_dry_run_tells_the_plan_and_its_fingerprint_applies_it,
    an_import_without_a_dry_run_is_applied_and_written_down,
    a_stale_fingerprint_is_refused,
    guards_are_told,
    errors_are_json,
    the_description_names_what_there_is,
];

async fn a_dry_run_tells_the_plan_and_its_fingerprint_applies_it(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file_of(&people(5))).await?;
    let text = file(&["A00 Person 0", "A01 Person 1", "A02 Other", "A03 Person 3", "B1 New"]);
    let dry = client.post_csv("?dry_run=true", text.clone()).await?;
    assert_eq!(dry.status, StatusCode::OK);
    let dry = dry.json()?;
    assert_eq!(dry["counts"], json!({"created": 1, "updated": 1, "deleted": 1, "unchanged": 3}));
    assert_eq!(dry["plan"]["updated"][0]["changes"][0]["desired"], "Other");
    assert_eq!(dry["plan"]["deleted"][0]["external_id"], "A04");
    assert_eq!(dry["guard"], json!(null));
    assert_eq!(client.employees().await?.len(), 5);
    assert_eq!(client.imports().await?.len(), 1);

    let fingerprint = dry["fingerprint"].as_str().ok_or("no fingerprint")?;
    let query = format!("?fingerprint={fingerprint}&file_name=nightly.csv");
    let done = client.post_csv(&query, text).await?.json()?;
    assert_eq!(done["counts"], dry["counts"]);
    assert_eq!(done["dry_run"], false);
    let import = client.imports().await?.pop().ok_or("no import")?;
    assert_eq!((import.file_name.as_str(), import.deleted), ("nightly.csv", 1));
    assert_eq!(import.fingerprint, fingerprint);
    Ok(())
}

async fn an_import_without_a_dry_run_is_applied_and_written_down(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let done = client.post_csv("", file(&["A1 Ann"])).await?;
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(done.json()?["counts"]["created"], 1);
    assert_eq!(client.employees().await?, ["A1 Ann"]);
    assert_eq!(client.imports().await?.len(), 1);
    Ok(())
}

async fn a_stale_fingerprint_is_refused(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let dry = client.post_csv("?dry_run=true", file(&["A1 Ann"])).await?.json()?;
    client.import(&file(&["B2 Bob"])).await?;
    let fingerprint = dry["fingerprint"].as_str().ok_or("no fingerprint")?;
    let reply = client.post_csv(&format!("?fingerprint={fingerprint}"), file(&["A1 Ann"])).await?;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(reply.json()?["error"], "stale_plan");
    assert_eq!(client.employees().await?, ["B2 Bob"]);
    Ok(())
}

async fn guards_are_told(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    client.import(&file_of(&people(10))).await?;
    for text in [file(&[]), file_of(&people(7))] {
        let dry = client.post_csv("?dry_run=true", text.clone()).await?;
        assert_eq!(dry.status, StatusCode::OK);
        let dry = dry.json()?;
        let guard = dry["guard"].as_str().ok_or("no guard")?;
        assert!(guard.contains("would be removed"), "{guard}");
        let fingerprint =
            format!("?fingerprint={}", dry["fingerprint"].as_str().unwrap_or_default());
        for query in ["", fingerprint.as_str()] {
            let reply = client.post_csv(query, text.clone()).await?;
            assert_eq!(reply.status, StatusCode::CONFLICT);
            assert_eq!(reply.json()?["error"], "guarded");
        }
    }
    assert_eq!(client.employees().await?.len(), 10);
    Ok(())
}

async fn errors_are_json(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let faulty = client.post_csv("", file(&["A1 Ann", "A1 Bob"]) + "x\n").await?;
    assert_eq!(faulty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let faulty = faulty.json()?;
    assert_eq!(faulty["error"], "faulty_lines");
    assert_eq!(faulty["faulty_lines"], 2);
    let fault = json!({"line": 3, "reason": "external_id “A1” stands in line 2 already"});
    assert_eq!(faulty["faults"][0], fault);
    assert_eq!(faulty["faults"][1]["line"], 4);

    let path = client.company_path();
    for (path, content_type, body, status, error) in [
        (format!("{path}/imports"), "application/json", vec![], 415, "unsupported_type"),
        (format!("{path}/imports?dry_run=perhaps"), "text/csv", vec![], 400, "bad_request"),
        (format!("{path}/imports?fingerprint=xyz"), "text/csv", vec![], 400, "bad_request"),
        ("/companies/x/imports".into(), "text/csv", vec![], 400, "bad_request"),
        ("/companies/999999/imports".into(), "text/csv", vec![], 404, "not_found"),
        (format!("{path}/imports"), "text/csv", vec![b'x'; 10_000_001], 413, "too_large"),
        (format!("{path}/imports"), "Text/CSV; charset=utf-8", vec![], 422, "faulty_lines"),
    ] {
        let request = Request::post(&path).header(header::CONTENT_TYPE, content_type);
        let reply = client.send(request.body(Body::from(body))?).await?;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.json()?["error"], error, "{path}");
    }
    assert_eq!(client.employees().await?, [""; 0]);
    Ok(())
}

async fn the_description_names_what_there_is(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let description = client.get("/openapi.json").await?.json()?;
    assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.")));
    let import = &description["paths"]["/companies/{company}/imports"]["post"];
    assert!(import["requestBody"]["content"]["text/csv"].is_object(), "{import}");
    let parameters = import["parameters"].as_array().ok_or("no parameters")?;
    let names: Vec<_> =
        parameters.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    assert_eq!(names, ["company", "dry_run", "fingerprint", "file_name"]);
    for status in ["200", "400", "404", "409", "413", "415", "422", "503"] {
        assert!(import["responses"][status].is_object(), "{status}");
    }
    // what is sent has the fields that are described
    let dry = client.post_csv("?dry_run=true", file(&["A1 Ann"])).await?.json()?;
    let described = &description["components"]["schemas"]["Outcome"]["properties"];
    for field in dry.as_object().ok_or("no object")?.keys() {
        assert!(described[field].is_object(), "{field}");
    }
    Ok(())
}

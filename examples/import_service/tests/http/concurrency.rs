//! Several imports of one company at the same time.

use axum::http::StatusCode;
use bulk_sync_tests::{
    suite::{Db, Test, TestResult},
    tests,
};

use crate::client::{Client, file_of, people};

pub const TESTS: [Test; 2] = tests![
    imports_at_the_same_time_end_as_one_after_the_other,
    of_two_plans_that_are_confirmed_at_once_one_is_told_that_it_is_stale,
];

async fn imports_at_the_same_time_end_as_one_after_the_other(db: Db) -> TestResult {
    let client = Client::new(&db).await?;
    let name = |import: usize| move |person: &String| format!("{person} of {import}");
    let lists: Vec<Vec<_>> =
        (0..6).map(|import| people(30).iter().map(name(import)).collect()).collect();
    let files = lists.iter().map(|people| file_of(people));
    let imports: Vec<_> = files.map(|file| client.post_csv("", file)).collect();
    let mut applied = 0;
    for reply in futures_util::future::join_all(imports).await {
        let reply = reply?;
        if reply.status == StatusCode::OK {
            applied += 1;
        } else {
            assert_eq!(reply.json()?["error"], "unavailable", "{}", reply.text);
        }
    }
    assert!(applied > 0);
    let employees = client.employees().await?;
    assert!(lists.contains(&employees), "{employees:?}");
    assert_eq!(client.imports().await?.len(), applied);
    Ok(())
}

async fn of_two_plans_that_are_confirmed_at_once_one_is_told_that_it_is_stale(
    db: Db,
) -> TestResult {
    let client = Client::new(&db).await?;
    let other = client.another();
    client.import(&file_of(&people(5))).await?;
    let named = |name: &str| people(5).iter().map(|p| format!("{p} {name}")).collect::<Vec<_>>();
    let (mine, yours) = (named("mine"), named("yours"));
    let (my_plan, your_plan) =
        (client.plan(file_of(&mine)).await?, other.plan(file_of(&yours)).await?);

    let (my_page, your_page) = tokio::join!(client.apply(&my_plan), other.apply(&your_plan));
    let (my_page, your_page) = (my_page?, your_page?);
    let is_applied = |text: &str| text.contains("5 rows changed");
    let is_stale = |text: &str| text.contains("The plan that you confirmed is out of date");
    let employees = client.employees().await?;
    if is_applied(&my_page.text) {
        assert!(is_stale(&your_page.text), "{}", your_page.text);
        assert_eq!(employees, mine);
    } else {
        assert!(is_stale(&my_page.text), "{}", my_page.text);
        assert!(is_applied(&your_page.text), "{}", your_page.text);
        assert_eq!(employees, yours);
    }
    assert_eq!(client.imports().await?.len(), 2);
    Ok(())
}

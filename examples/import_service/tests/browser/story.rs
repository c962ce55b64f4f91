//! What people do here.

use import_service::entity::employee;
use sea_orm::{
    ActiveValue::Set, IntoActiveModel, TransactionTrait, entity::prelude::*, sea_query::Expr,
};

use crate::{
    TestResult,
    site::{Error, MAX_UPLOAD_BYTES, Site},
};

/// The company with 24 employees.
pub const COMPANY: &str = "Harbour Logistics";

/// The employees of the demo data as a file.
pub async fn demo_file(site: &Site) -> Result<String, Error> {
    let employees = employee::Entity::find().filter(employee::Column::CompanyId.eq(1));
    let employees = employees.all(&site.db.pool).await?;
    Ok(String::from_utf8(import_service::csv_file::write(&employees)?)?)
}

/// One employee has moved and earns more, one has left, and one is new.
pub async fn next_file(site: &Site) -> Result<String, Error> {
    let mut lines: Vec<_> = demo_file(site).await?.lines().map(ToOwned::to_owned).collect();
    let changed = lines.iter_mut().find(|line| line.starts_with("E006")).ok_or("no E006")?;
    *changed = changed.replace(",Warehouse,3250,", ",Accounts,3400,");
    lines.retain(|line| !line.starts_with("E011"));
    lines.push("E025,Noor de Wit,noor.de.wit@example.com,Fleet,3900,2026-09-01".into());
    Ok(lines.join("\n"))
}

pub async fn a_file_is_uploaded_its_diff_is_read_and_it_is_applied(site: &Site) -> TestResult {
    site.upload(COMPANY, next_file(site).await?).await?;
    assert_eq!(site.text("h1").await?, "Plan for Harbour Logistics");
    for (class, count) in [("created", "1"), ("changed", "1"), ("removed", "1"), ("kept", "22")] {
        assert_eq!(site.text(&format!(".counts .{class} dd")).await?, count, "{class}");
    }
    assert!(site.text("section.created tbody").await?.contains("Noor de Wit"));
    assert!(site.text("section.removed tbody").await?.starts_with("E011"));
    let changed = site.text("section.changed tbody").await?;
    assert!(changed.starts_with("E006"), "{changed}");
    // by text, by markup, and by colour
    assert_eq!(site.count("section.changed td.marked").await?, 2);
    assert_eq!(site.text("section.changed td.marked del").await?, "Warehouse");
    assert_eq!(site.text("section.changed td.marked ins").await?, "Accounts");
    let colour = |selector| async move {
        site.element(selector).await?.css_value("color").await.map_err(Error::from)
    };
    assert_ne!(colour("del").await?, colour("ins").await?);
    let line = site.element("del").await?.css_value("text-decoration-line").await?;
    assert_eq!(line, "line-through");
    save_screenshot(site).await?;

    site.click("main form button").await?;
    let done = site.text(".good").await?;
    assert!(
        done.contains("1 row created, 1 row changed, 1 row removed, 22 rows unchanged"),
        "{done}"
    );
    site.click(".good a").await?;
    let imports = site.text("section[aria-labelledby=imports] tbody").await?;
    assert!(imports.ends_with("people.csv 1 1 1 22"), "{imports}");
    let employees = site.text("section[aria-labelledby=employees] tbody").await?;
    assert!(employees.contains("Noor de Wit") && !employees.contains("E011"), "{employees}");
    Ok(())
}

/// The picture of the README, where somebody asks for a new one.
async fn save_screenshot(site: &Site) -> TestResult {
    if let Some(path) = std::env::var_os("IMPORT_SERVICE_SCREENSHOT") {
        std::fs::write(path, site.browser.screenshot().await?)?;
    }
    Ok(())
}

pub async fn a_stale_plan_is_told_and_the_new_one_can_be_applied(site: &Site) -> TestResult {
    site.upload(COMPANY, next_file(site).await?).await?;
    let mut ada = employee::Entity::find()
        .filter(employee::Column::ExternalId.eq("E001"))
        .one(&site.db.pool)
        .await?
        .ok_or("no E001")?
        .into_active_model();
    ada.name = Set("Ada Byron".into());
    ada.update(&site.db.pool).await?;

    site.click("main form button").await?;
    let notice = site.text(".warn").await?;
    assert!(notice.starts_with("The plan that you confirmed is out of date"), "{notice}");
    assert_eq!(site.text("del").await?, "Ada Byron");
    assert_eq!(site.text(".counts .changed dd").await?, "2");
    site.click("main form button").await?;
    assert!(site.text(".good").await?.contains("2 rows changed"));
    Ok(())
}

pub async fn a_truncated_file_is_stopped_by_a_guard(site: &Site) -> TestResult {
    let file = demo_file(site).await?;
    let half: Vec<_> = file.lines().take(13).collect();
    site.upload(COMPANY, half.join("\n")).await?;
    let guard = site.text(".bad").await?;
    assert!(guard.contains("A guard stops this import"), "{guard}");
    assert!(guard.contains("12 of 24 employees would be removed"), "{guard}");
    assert_eq!(site.count("main form").await?, 0, "nothing to press");
    assert_eq!(site.count("section.removed tbody tr").await?, 12);
    Ok(())
}

pub async fn the_lines_of_a_bad_file_are_listed(site: &Site) -> TestResult {
    let file = demo_file(site).await?.replace(",3050,", ",much,") + "E025,Noor\n";
    site.upload(COMPANY, file).await?;
    assert_eq!(site.text("h1").await?, "The file has faulty lines");
    let faults = site.text("tbody").await?;
    let lines: Vec<_> = faults.lines().collect();
    assert_eq!(
        lines,
        ["3 salary “much” is not an amount such as 4200 or 4200.50", "26 2 instead of 6 cells"]
    );
    site.click("main p a").await?;
    assert_eq!(site.text("h1").await?, COMPANY);
    Ok(())
}

/// A browser sends all of the file before it reads the answer.
pub async fn a_file_that_is_too_large_gets_a_page(site: &Site) -> TestResult {
    let bytes = usize::try_from(MAX_UPLOAD_BYTES)?;
    site.upload(COMPANY, vec![b'x'; 3 * bytes]).await?;
    assert_eq!(site.text("h1").await?, "The file is too large");
    Ok(())
}

pub async fn progress_is_shown_until_the_work_is_done(site: &Site) -> TestResult {
    site.upload(COMPANY, next_file(site).await?).await?;
    let writer = site.db.pool.begin().await?;
    employee::Entity::update_many()
        .col_expr(employee::Column::Department, Expr::col(employee::Column::Department))
        .exec(&writer)
        .await?;
    site.click("main form button").await?;
    site.element("progress").await?;
    writer.rollback().await?;
    // nobody touches the page, and it is another one in the end
    assert!(site.text(".good").await?.contains("1 row created"));
    Ok(())
}

pub async fn html_in_data_does_not_become_part_of_the_page(site: &Site) -> TestResult {
    let name = "<b class='from-data'>Bold</b>";
    let file = demo_file(site).await?.replace("Ada Lindqvist", name);
    site.upload(COMPANY, file).await?;
    assert_eq!(site.text("ins").await?, name);
    assert_eq!(site.count(".from-data").await?, 0);
    Ok(())
}

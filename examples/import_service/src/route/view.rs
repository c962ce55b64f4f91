//! The pages, and the employees as a file.

use axum::{
    extract::{Path, Query, State},
    http::header,
    response::IntoResponse,
};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};
use serde::Deserialize;

use super::readable::Readable;
use crate::{
    Service,
    csrf::CsrfToken,
    csv_file,
    entity::{company, employee, import},
    error::Problem,
    import::find_company,
    page::{self, CompanyPage, PAGE, Page},
    upload::Stage,
};

/// How many past imports a company's page lists.
const PAST_IMPORTS: u64 = 20;

/// The part of a long list to show.
#[derive(Deserialize)]
pub struct Part {
    /// The page, from 1.
    #[serde(default = "first")]
    page: usize,
}

fn first() -> usize {
    1
}

pub async fn companies(State(service): State<Service>) -> Result<Page, Problem> {
    let companies = company::Entity::find().order_by_asc(company::Column::Name);
    let companies = companies.all(&service.db).await?;
    let mut counts = Vec::new();
    for company in companies {
        let employees = employee::Entity::find()
            .filter(employee::Column::CompanyId.eq(company.id))
            .count(&service.db)
            .await?;
        counts.push((company, employees));
    }
    Ok(page::companies(&counts))
}

pub async fn company(
    State(service): State<Service>,
    Readable(Path(id)): Readable<Path<i32>>,
    Readable(Query(part)): Readable<Query<Part>>,
    token: CsrfToken,
) -> Result<(CsrfToken, Page), Problem> {
    let company = find_company(&service.db, id).await?;
    let employees = employee::Entity::find()
        .filter(employee::Column::CompanyId.eq(id))
        .order_by_asc(employee::Column::ExternalId);
    let total = employees.clone().count(&service.db).await?;
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    let page = page::existing(part.page, total);
    let start = (page - 1) * PAGE;
    let employees = employees.offset(start as u64).limit(PAGE as u64).all(&service.db).await?;
    let imports = import::Entity::find()
        .filter(import::Column::CompanyId.eq(id))
        .order_by_desc(import::Column::Id)
        .limit(PAST_IMPORTS)
        .all(&service.db)
        .await?;
    let shown = CompanyPage {
        company: &company,
        employees: &employees,
        total,
        page,
        imports: &imports,
        max_upload_bytes: service.config.max_upload_bytes,
    };
    let shown = page::company(&shown, &token);
    Ok((token, shown))
}

/// What can be changed and uploaded again.
pub async fn employees_csv(
    State(service): State<Service>,
    Readable(Path(id)): Readable<Path<i32>>,
) -> Result<impl IntoResponse, Problem> {
    find_company(&service.db, id).await?;
    let employees = employee::Entity::find()
        .filter(employee::Column::CompanyId.eq(id))
        .order_by_asc(employee::Column::ExternalId)
        .all(&service.db)
        .await?;
    let file = csv_file::write(&employees)?;
    let disposition = "attachment; filename=\"employees.csv\"";
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, file))
}

/// Where an upload stands: its progress, its plan, or what came of it.
pub async fn upload(
    State(service): State<Service>,
    Readable(Path((company, upload))): Readable<Path<(i32, String)>>,
    Readable(Query(part)): Readable<Query<Part>>,
    token: CsrfToken,
) -> Result<(CsrfToken, Page), Problem> {
    let upload = service.uploads.find(company, &upload)?;
    let page = match upload.stage() {
        Stage::Running(progress) => page::progress(&upload, progress),
        Stage::Planned(planned) => page::plan(&upload, &planned, part.page, &token),
        Stage::Applied(result) => page::applied(&upload, &result),
        Stage::Failed(problem) => page::failed(&upload, &problem, &token),
    };
    Ok((token, page))
}

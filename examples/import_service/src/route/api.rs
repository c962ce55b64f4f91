//! The same for machines: a CSV file in, JSON out, described at `/openapi.json`.
//!
//! There is no token against foreign forms: these can send no `text/csv`.

use axum::{
    Json,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bulk_sync::{Fingerprint, SyncPlan, SyncResult};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::{
    Service,
    csv_file::{self, Fault},
    entity::employee,
    error::Problem,
    import::check_confirmed,
    spool::{self, Spool},
};

/// How an import is to be done.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Options {
    /// Only tells what the import would do.
    #[serde(default)]
    dry_run: bool,
    /// Applies the plan of a dry run, and none but that. Without it, whatever the
    /// file changes is applied.
    fingerprint: Option<String>,
    /// What the list of past imports calls the file.
    file_name: Option<String>,
}

/// What an import did, or would do.
#[derive(Serialize, ToSchema)]
pub struct Outcome {
    dry_run: bool,
    counts: Counts,
    /// Of a dry run: what confirms its plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    /// Of a dry run: why a guard would refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<String>,
    /// Of a dry run: the rows that would be created, updated and deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    plan: Option<SyncPlan<employee::Entity>>,
}

/// How many employees are concerned.
#[derive(Serialize, ToSchema)]
pub struct Counts {
    created: u64,
    updated: u64,
    deleted: u64,
    unchanged: u64,
}

impl From<SyncResult> for Counts {
    fn from(result: SyncResult) -> Self {
        let SyncResult { created, updated, deleted, unchanged, .. } = result;
        Self { created, updated, deleted, unchanged }
    }
}

/// Why nothing was done.
#[derive(Serialize, ToSchema)]
pub struct Refusal {
    /// A word that stays the same, such as `faulty_lines` or `stale_plan`.
    error: &'static str,
    /// The same for people.
    message: String,
    /// The first faulty lines of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
    /// How many lines of the file are faulty.
    #[serde(skip_serializing_if = "Option::is_none")]
    faulty_lines: Option<u64>,
}

/// A problem in JSON.
pub struct ApiProblem(Problem);

impl<P: Into<Problem>> From<P> for ApiProblem {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let (faults, faulty_lines) = match &problem {
            Problem::Faulty(faults) => (faults.listed.clone(), Some(faults.total)),
            _ => (Vec::new(), None),
        };
        let message = format!("{}. {}", problem.title(), problem.explanation());
        let refusal = Refusal { error: problem.code(), message, faults, faulty_lines };
        (problem.status(), problem.headers(), Json(refusal)).into_response()
    }
}

/// Makes the employees of a company those of a CSV file.
///
/// It answers when the import is committed. Another import of the company is
/// waited for; a client that hangs up before has changed nothing.
#[utoipa::path(
    post,
    path = "/companies/{company}/imports",
    params(("company" = i32, Path, description = "The company"), Options),
    request_body(
        content = String,
        content_type = "text/csv",
        description = "In UTF-8, with the columns external_id, name, email, department, salary, hired_on"
    ),
    responses(
        (status = 200, description = "Done, or what would be done", body = Outcome),
        (status = 400, description = "The request cannot be read", body = Refusal),
        (status = 404, description = "There is no such company", body = Refusal),
        (status = 409, description = "A guard stops it, or the plan is stale", body = Refusal),
        (status = 413, description = "The file is too large", body = Refusal),
        (status = 415, description = "The body is not text/csv", body = Refusal),
        (status = 422, description = "Lines of the file are faulty", body = Refusal),
        (status = 503, description = "The database is away; try again", body = Refusal),
    )
)]
pub async fn import(
    State(service): State<Service>,
    company: Result<Path<i32>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Outcome>, ApiProblem> {
    let (Path(company), Query(options)) = (company?, options?);
    if !is_csv(&headers) {
        return Err(Problem::UnsupportedType.into());
    }
    let confirmed = options.confirmed()?;
    let source = service.source(company, options.file_name.as_deref().unwrap_or("sent as JSON"));
    source.company(&service.db).await?;
    let employees = receive(&service, company, body).await?;
    if options.dry_run {
        let plan = source.compare(employees, |_| (), &service.db).await?;
        return Ok(Json(Outcome::of(plan)));
    }
    let result = match confirmed {
        Some(confirmed) => {
            let plan = source.compare(employees, |_| (), &service.db).await?;
            check_confirmed(&plan, confirmed)?;
            source.apply(plan, &service.db).await?
        }
        None => source.exec(employees, &service.db).await?,
    };
    let counts = result.into();
    Ok(Json(Outcome { dry_run: false, counts, fingerprint: None, guard: None, plan: None }))
}

impl Outcome {
    /// That of a dry run.
    fn of(plan: SyncPlan<employee::Entity>) -> Self {
        Self {
            dry_run: true,
            counts: plan.summary().into(),
            fingerprint: Some(plan.fingerprint().to_string()),
            guard: plan.guard().err().map(|error| Problem::from(error).explanation()),
            plan: Some(plan),
        }
    }
}

impl Options {
    fn confirmed(&self) -> Result<Option<Fingerprint>, Problem> {
        let parsed = self.fingerprint.as_deref().map(str::parse).transpose();
        parsed.map_err(|_| Problem::BadRequest("the fingerprint is not one".into()))
    }
}

fn is_csv(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| {
        value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/csv")
    })
}

async fn receive(
    service: &Service,
    company_id: i32,
    body: Body,
) -> Result<Vec<employee::Model>, Problem> {
    let mut spool = Spool::create(service.config.max_upload_bytes).await?;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = spool::next(chunks.next()).await? {
        let chunk = chunk.map_err(|error| Problem::BadRequest(error.to_string()))?;
        spool.write(&chunk).await?;
    }
    let file = spool.finish().await?;
    let parse = move || csv_file::read_from_start(file, company_id, |_| ());
    let employees = tokio::task::spawn_blocking(parse).await;
    Ok(employees.map_err(std::io::Error::from)??)
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::BadRequest(rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::BadRequest(rejection.body_text())
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Import service", description = "Imports employees from CSV files."),
    paths(import)
)]
struct Description;

/// The description of the above.
pub async fn description() -> impl IntoResponse {
    Json(Description::openapi())
}

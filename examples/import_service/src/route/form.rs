//! What the forms of the pages are sent to. Each answers with the address of a
//! page, so that to load it again sends nothing twice.

use std::time::Duration;

use axum::{
    Form,
    extract::{
        Multipart, Path, State,
        multipart::{Field, MultipartError},
    },
    response::Redirect,
};
use bulk_sync::Fingerprint;
use serde::Deserialize;

use super::readable::Readable;
use crate::{
    Service,
    csrf::{self, CsrfToken},
    error::Problem,
    job,
    spool::{self, Spool},
    upload::{Stage, Upload},
};

/// How long a form waits for the next page to be more than a progress bar.
const PATIENCE: Duration = Duration::from_millis(400);

/// A token is shorter.
const LONGEST_TOKEN: usize = 64;

/// A file for a company. One of a foreign form is received, too, so that the browser
/// shows why it is refused, and kept nowhere.
pub async fn upload(
    State(service): State<Service>,
    Readable(Path(company)): Readable<Path<i32>>,
    token: CsrfToken,
    Readable(mut form): Readable<Multipart>,
) -> Result<Redirect, Problem> {
    // the token stands before the file
    let mut given = String::new();
    while let Some(field) = spool::next(form.next_field()).await?? {
        match field.name() {
            Some(csrf::FIELD) => given = short_text(field).await?,
            Some("file") => {
                let file_name = file_name(&field);
                let file = receive(&service, field).await;
                token.check(&given)?;
                let upload = service.uploads.add(company, file_name, file?)?;
                job::plan(&service, &upload);
                return Ok(page_of(&upload).await);
            }
            _ => {}
        }
    }
    token.check(&given)?;
    Err(Problem::BadRequest("the form has no file".into()))
}

/// What confirms a plan.
#[derive(Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    csrf_token: String,
    #[serde(default)]
    fingerprint: String,
}

/// Applies the plan that was seen.
pub async fn apply(
    State(service): State<Service>,
    Readable(Path((company, upload))): Readable<Path<(i32, String)>>,
    token: CsrfToken,
    Readable(Form(confirmation)): Readable<Form<Confirmation>>,
) -> Result<Redirect, Problem> {
    token.check(&confirmation.csrf_token)?;
    let fingerprint: Fingerprint = confirmation
        .fingerprint
        .parse()
        .map_err(|_| Problem::BadRequest("the fingerprint is not one".into()))?;
    let upload = service.uploads.find(company, &upload)?;
    // whoever presses the button twice sees the progress of the first time
    if upload.begin(|stage| matches!(stage, Stage::Planned(_))) {
        job::apply(&service, &upload, fingerprint);
    }
    Ok(page_of(&upload).await)
}

/// What asks for another try.
#[derive(Deserialize)]
pub struct Retry {
    #[serde(default)]
    csrf_token: String,
}

/// Compares again, where the database was away.
pub async fn retry(
    State(service): State<Service>,
    Readable(Path((company, upload))): Readable<Path<(i32, String)>>,
    token: CsrfToken,
    Readable(Form(retry)): Readable<Form<Retry>>,
) -> Result<Redirect, Problem> {
    token.check(&retry.csrf_token)?;
    let upload = service.uploads.find(company, &upload)?;
    let is_failed =
        |stage: &Stage| matches!(stage, Stage::Failed(Problem::Unavailable(_) | Problem::Internal));
    if upload.begin(is_failed) {
        job::plan(&service, &upload);
    }
    Ok(page_of(&upload).await)
}

async fn page_of(upload: &Upload) -> Redirect {
    upload.settled(PATIENCE).await;
    Redirect::to(&format!("/companies/{}/uploads/{}", upload.company_id, upload.id))
}

async fn receive(service: &Service, mut field: Field<'_>) -> Result<std::fs::File, Problem> {
    let mut spool = Spool::create(service.config.max_upload_bytes).await?;
    while let Some(chunk) = spool::next(field.chunk()).await?? {
        spool.write(&chunk).await?;
    }
    spool.finish().await
}

/// A text, or the start of a long one, which is no token.
async fn short_text(mut field: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = spool::next(field.chunk()).await?? {
        let room = LONGEST_TOKEN.saturating_sub(bytes.len());
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The audit table has room for so much of it.
fn file_name(field: &Field<'_>) -> String {
    let name: String = field.file_name().unwrap_or_default().chars().take(200).collect();
    if name.is_empty() { "file without a name".into() } else { name }
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Self {
        Self::BadRequest(format!("the form is broken off or malformed ({})", error.body_text()))
    }
}

//! A browser as far as these tests need one: it keeps the cookie, fills in
//! forms, and follows redirects.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use bulk_sync_tests::suite::Db;
use http_body_util::BodyExt;
use import_service::{
    Config, Service, connect,
    entity::{company, employee, import},
    router, schema,
    upload::Uploads,
};
use sea_orm::{ActiveValue::Set, DatabaseConnection, QueryOrder, entity::prelude::*};
use tokio::sync::Mutex;
use tower::ServiceExt;

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The columns, as a file names them.
pub const HEADER: &str = "external_id,name,email,department,salary,hired_on";

/// A browser in front of a service of its own.
pub struct Client {
    router: Router,
    cookies: Mutex<HashMap<String, String>>,
    /// The company of most tests, without employees at first.
    pub company: i32,
    pub db: DatabaseConnection,
    pub uploads: Arc<Uploads>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Client {
    /// With the defaults, but for uploads of at most 10,000,000 bytes.
    pub async fn new(db: &Db) -> Result<Self, Error> {
        schema::prepare(&db.pool).await?;
        let config = Config { max_upload_bytes: 10_000_000, ..Config::default() };
        Self::on(connect(&db.url).await?, config).await
    }

    /// With tables that are there already.
    pub async fn on(db: DatabaseConnection, config: Config) -> Result<Self, Error> {
        let company = company::ActiveModel { name: Set("Test & Co".into()), ..Default::default() };
        let company = company.insert(&db).await?.id;
        let service = Service::new(db.clone(), config);
        let uploads = Arc::clone(&service.uploads);
        Ok(Self { router: router(service), cookies: Mutex::default(), company, db, uploads })
    }

    /// Another browser at the same service.
    pub fn another(&self) -> Self {
        Self {
            router: self.router.clone(),
            cookies: Mutex::default(),
            company: self.company,
            db: self.db.clone(),
            uploads: Arc::clone(&self.uploads),
        }
    }

    pub async fn get(&self, path: &str) -> Result<Reply, Error> {
        self.send(Request::get(path).body(Body::empty())?).await
    }

    /// Sends a request with the cookies, and keeps those that come back.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Reply, Error> {
        let cookies: Vec<_> = {
            let cookies = self.cookies.lock().await;
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect()
        };
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse()?);
        }
        let (parts, body) = self.router.clone().oneshot(request).await?.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').ok_or("a cookie without a value")?;
            self.cookies.lock().await.insert(name.into(), value.into());
        }
        let text = String::from_utf8(body.collect().await?.to_bytes().into())?;
        Ok(Reply { status: parts.status, headers: parts.headers, text })
    }

    pub fn company_path(&self) -> String {
        format!("/companies/{}", self.company)
    }

    /// The token of the form on the page of the company.
    pub async fn token(&self) -> Result<String, Error> {
        self.get(&self.company_path()).await?.field("csrf_token")
    }

    /// Uploads a file with the form of the company; the reply is not followed.
    pub async fn send_file(&self, token: &str, file: impl AsRef<[u8]>) -> Result<Reply, Error> {
        let path = format!("{}/uploads", self.company_path());
        let boundary = "a-boundary";
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{token}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"people.csv\"\r\nContent-Type: text/csv\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file.as_ref());
        body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"));
        self.send(request.body(Body::from(body))?).await
    }

    /// Uploads a file; the address of the page that tells what became of it.
    pub async fn upload(&self, file: impl AsRef<[u8]>) -> Result<String, Error> {
        let token = self.token().await?;
        self.send_file(&token, file).await?.location()
    }

    /// Presses the button of the form whose address ends like this.
    pub async fn press(&self, page: &Reply, button: &str) -> Result<Reply, Error> {
        let end = format!("/{button}\"");
        let form = page.text.split("<form").find(|form| form.contains(&end));
        let form = form.ok_or_else(|| format!("no form {button} in {}", page.text))?;
        let (_, action) = form.split_once("action=\"").ok_or("no action")?;
        let (action, _) = action.split_once('"').ok_or("no action")?;
        let fields: Vec<_> = ["csrf_token", "fingerprint"]
            .into_iter()
            .filter_map(|name| Some(format!("{name}={}", field(form, name)?)))
            .collect();
        self.post_form(action, &fields.join("&")).await
    }

    pub async fn post_form(&self, path: &str, fields: &str) -> Result<Reply, Error> {
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(fields.to_owned()))?).await
    }

    /// The page at this address, once the work on the upload is done.
    pub async fn settled(&self, path: &str) -> Result<Reply, Error> {
        loop {
            let page = self.get(path).await?;
            if !page.text.contains("http-equiv=\"refresh\"") {
                return Ok(page);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Uploads a file and waits for its plan, or for what is wrong with it.
    pub async fn plan(&self, file: impl AsRef<[u8]>) -> Result<Reply, Error> {
        let path = self.upload(file).await?;
        self.settled(&path).await
    }

    /// Confirms a plan and waits for what comes of it.
    pub async fn apply(&self, plan: &Reply) -> Result<Reply, Error> {
        let path = self.press(plan, "apply").await?.location()?;
        self.settled(&path).await
    }

    /// Makes these the employees, and looks that it was done.
    pub async fn import(&self, file: &str) -> Result<(), Error> {
        let plan = self.plan(file).await?;
        let done = self.apply(&plan).await?;
        done.contains("The employees are those of the file")
    }

    /// A request to the interface for machines.
    pub async fn post_csv(&self, query: &str, file: impl Into<Body>) -> Result<Reply, Error> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/imports{query}", self.company_path()))
            .header(header::CONTENT_TYPE, "text/csv");
        self.send(request.body(file.into())?).await
    }

    /// The employees of the company as `number name`.
    pub async fn employees(&self) -> Result<Vec<String>, Error> {
        let employees = employee::Entity::find()
            .filter(employee::Column::CompanyId.eq(self.company))
            .order_by_asc(employee::Column::ExternalId)
            .all(&self.db)
            .await?;
        Ok(employees.iter().map(|row| format!("{} {}", row.external_id, row.name)).collect())
    }

    /// The audit table of the company.
    pub async fn imports(&self) -> Result<Vec<import::Model>, Error> {
        let imports = import::Entity::find()
            .filter(import::Column::CompanyId.eq(self.company))
            .order_by_asc(import::Column::Id);
        Ok(imports.all(&self.db).await?)
    }
}

impl Reply {
    /// Where a form sends the browser.
    pub fn location(&self) -> Result<String, Error> {
        let location = self.headers.get(header::LOCATION);
        let location =
            location.ok_or_else(|| format!("no redirect: {} {}", self.status, self.text))?;
        Ok(location.to_str()?.into())
    }

    /// The value of a hidden field.
    pub fn field(&self, name: &str) -> Result<String, Error> {
        field(&self.text, name).ok_or_else(|| format!("no field {name} in {}", self.text).into())
    }

    /// Fails with the whole text where this is no part of it.
    pub fn contains(&self, part: &str) -> Result<(), Error> {
        if self.text.contains(part) {
            Ok(())
        } else {
            Err(format!("no {part:?} in {}", self.text).into())
        }
    }

    /// As [`contains`](Self::contains), for what must not be there.
    pub fn lacks(&self, part: &str) -> Result<(), Error> {
        if self.text.contains(part) {
            Err(format!("{part:?} in {}", self.text).into())
        } else {
            Ok(())
        }
    }

    /// The number in a box of counts.
    pub fn count(&self, class: &str) -> Result<String, Error> {
        let (_, text) =
            self.text.split_once(&format!("<div class=\"{class}\">")).ok_or("no count")?;
        let (_, text) = text.split_once("<dd>").ok_or("no count")?;
        Ok(text.split_once("</dd>").ok_or("no count")?.0.to_owned())
    }

    /// Created, changed, removed, unchanged.
    pub fn counts(&self) -> Result<[String; 4], Error> {
        Ok([
            self.count("created")?,
            self.count("changed")?,
            self.count("removed")?,
            self.count("kept")?,
        ])
    }

    pub fn json(&self) -> Result<serde_json::Value, Error> {
        serde_json::from_str(&self.text).map_err(|error| format!("{error}: {}", self.text).into())
    }
}

fn field(text: &str, name: &str) -> Option<String> {
    let (_, text) = text.split_once(&format!("name=\"{name}\" value=\""))?;
    Some(text.split_once('"')?.0.to_owned())
}

/// A file with these lines of `number name`, and the same in the other columns.
pub fn file(people: &[&str]) -> String {
    let mut text = format!("{HEADER}\n");
    for person in people {
        let (id, name) = person.split_once(' ').unwrap_or((person, ""));
        text.push_str(&format!("{id},{name},,Fleet,4200.50,2020-02-29\n"));
    }
    text
}

/// People from A00 on.
pub fn people(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("A{number:02} Person {number}")).collect()
}

/// The file of [`people`].
pub fn file_of(people: &[String]) -> String {
    file(&people.iter().map(String::as_str).collect::<Vec<_>>())
}

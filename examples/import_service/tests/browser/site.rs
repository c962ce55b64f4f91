//! A service on a port, and a browser in front of it.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command as StdCommand, Stdio},
    time::Duration,
};

use bulk_sync_tests::database::{SERVERS, TestDatabase};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use import_service::{Config, Service, connect, router, schema};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    task::JoinHandle,
};

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Files may have so many bytes here.
pub const MAX_UPLOAD_BYTES: u64 = 1_000_000;

/// The service with its demo data, and the browser.
pub struct Site {
    pub browser: Client,
    pub db: TestDatabase,
    address: String,
    driver: Child,
    server: JoinHandle<()>,
    /// The files to upload, and the profile of the browser.
    folder: TempDir,
}

/// The program that steers the browser; `CHROMEDRIVER` names another one.
fn chromedriver() -> OsString {
    std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into())
}

/// Whether the browser can be steered on this machine.
pub fn has_chromedriver() -> bool {
    let mut command = StdCommand::new(chromedriver());
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Site {
    pub async fn open() -> Result<Self, Error> {
        let db = TestDatabase::create(SERVERS[0]).await?;
        schema::prepare(&db.pool).await?;
        let config = Config { max_upload_bytes: MAX_UPLOAD_BYTES, ..Config::default() };
        let router = router(Service::new(connect(&db.url).await?, config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        let folder = TempDir::new()?;
        let (driver, port) = start_driver().await?;
        let browser = open_browser(port, &folder).await?;
        browser.set_window_size(1100, 1200).await?;
        Ok(Self { browser, db, address, driver, server, folder })
    }

    pub async fn close(mut self) -> Result<(), Error> {
        self.browser.close().await?;
        self.driver.kill().await?;
        self.server.abort();
        // its connections are gone only then
        let _ = self.server.await;
        self.db.close().await?;
        Ok(())
    }

    pub async fn goto(&self, path: &str) -> Result<(), Error> {
        Ok(self.browser.goto(&format!("{}{path}", self.address)).await?)
    }

    /// The element of a CSS selector, once it is there.
    pub async fn element(&self, selector: &str) -> Result<Element, Error> {
        let found = self.browser.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await;
        found.map_err(|error| format!("{selector}: {error}").into())
    }

    /// What a person reads in it.
    pub async fn text(&self, selector: &str) -> Result<String, Error> {
        Ok(self.element(selector).await?.text().await?)
    }

    /// How many elements there are.
    pub async fn count(&self, selector: &str) -> Result<usize, Error> {
        Ok(self.browser.find_all(Locator::Css(selector)).await?.len())
    }

    pub async fn click(&self, selector: &str) -> Result<(), Error> {
        Ok(self.element(selector).await?.click().await?)
    }

    /// Uploads a file with the form of a company, as a person does.
    pub async fn upload(&self, company: &str, text: impl AsRef<[u8]>) -> Result<(), Error> {
        let file = self.file(text)?;
        self.goto("/").await?;
        self.browser.find(Locator::LinkText(company)).await?.click().await?;
        let file = file.to_str().ok_or("a path that is not UTF-8")?;
        self.element("input[type=file]").await?.send_keys(file).await?;
        self.click("form button").await?;
        // a plan, or what is wrong with the file
        self.element(".counts, .bad").await?;
        Ok(())
    }

    fn file(&self, text: impl AsRef<[u8]>) -> Result<PathBuf, Error> {
        let path = self.folder.path().join("people.csv");
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

/// How long a page may take to be what a test waits for, on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Lets the driver choose a port, which it prints.
async fn start_driver() -> Result<(Child, u16), Error> {
    let mut driver = Command::new(chromedriver())
        .arg("--port=0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("chromedriver: {error}"))?;
    let output = driver.stdout.take().ok_or("no output of chromedriver")?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        let port = line.split_once("started successfully on port ").map(|(_, port)| port);
        if let Some(port) = port {
            let port = port.trim_end_matches('.').parse()?;
            // what it prints later has to go somewhere
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((driver, port));
        }
    }
    Err("chromedriver did not start".into())
}

/// A browser with an empty profile that runs no scripts.
async fn open_browser(port: u16, folder: &TempDir) -> Result<Client, Error> {
    let profile = folder.path().join("profile");
    let options = json!({
        "args": [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            format!("--user-data-dir={}", profile.display()),
        ],
        "prefs": { "profile.managed_default_content_settings.javascript": 2 },
    });
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities([("goog:chromeOptions".to_owned(), options)].into_iter().collect());
    Ok(builder.connect(&format!("http://127.0.0.1:{port}")).await?)
}

//! What can be set from outside, by environment variables.

use std::{env, error::Error, str::FromStr};

/// The settings of the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// `LISTEN`: the address; port 0 lets the system choose one.
    pub listen: String,
    /// `DATABASE_URL`: SQLite, PostgreSQL, MySQL or MariaDB.
    pub database_url: String,
    /// `MAX_UPLOAD_BYTES`: larger files are refused with 413.
    pub max_upload_bytes: u64,
    /// `MAX_DELETE_SHARE`: an import that would delete more of a company's
    /// employees is refused; a truncated file is found by it.
    pub max_delete_share: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            database_url: "sqlite://import_service.sqlite?mode=rwc".into(),
            max_upload_bytes: 64 * 1024 * 1024,
            max_delete_share: 0.2,
        }
    }
}

impl Config {
    /// The defaults, but for the variables that are set.
    ///
    /// # Errors
    ///
    /// A variable is not what it should be.
    pub fn from_environment() -> Result<Self, Box<dyn Error>> {
        let config = Self::default();
        let config = Self {
            listen: variable("LISTEN", config.listen)?,
            database_url: variable("DATABASE_URL", config.database_url)?,
            max_upload_bytes: variable("MAX_UPLOAD_BYTES", config.max_upload_bytes)?,
            max_delete_share: variable("MAX_DELETE_SHARE", config.max_delete_share)?,
        };
        if !(0.0..=1.0).contains(&config.max_delete_share) {
            return Err("MAX_DELETE_SHARE: a share is a number from 0 to 1".into());
        }
        Ok(config)
    }
}

fn variable<T: FromStr<Err: Error>>(name: &str, default: T) -> Result<T, Box<dyn Error>> {
    match env::var(name) {
        Ok(text) => text.parse().map_err(|error| format!("{name}: {error}").into()),
        Err(env::VarError::NotPresent) => Ok(default),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}

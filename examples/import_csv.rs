//! Imports two editions of a table of radio navigation aids, one after the
//! other, and the second one once more.
//!
//! ```text
//! cargo run --example import_csv -- 2021-navaids.csv 2026-navaids.csv
//! DATABASE_URL=postgres://postgres@127.0.0.1/mine cargo run --example import_csv -- …
//! ```
//!
//! The files are editions of `navaids.csv` from
//! <https://ourairports.com/data/>, which is in the public domain. The database
//! is SQLite in memory unless `DATABASE_URL` names another; the table `navaid`
//! in it is replaced.
//!
//! A row of the file is a Model: serde reads it, and it is given to the sync as
//! it is. Why the columns have the types that they have:
//!
//! - Coordinates are `f64`: the file has up to 18 decimal places, the text of a
//!   64-bit float, and each database gives the same 64 bits back. A 32-bit float
//!   takes 47.68949890136719 and 47.689499 for one number, so seven corrections
//!   between the editions of 2021 and 2026 would go unnoticed.
//! - The variations of the compass are decimal numbers with three places, so
//!   they are `Decimal(6, 3)`, which keeps every digit of the file.
//! - `type`, `usageType` and `power` have a few known values each, so they are
//!   enums: a word that is not among them stops the import with the number of
//!   its line. PostgreSQL and MySQL keep them as enums, SQLite as text.
//! - What can be empty in the file is an `Option`, and NULL in the table. The
//!   country of Namibia is `NA`, and a text.
//! - The key is the `id` of the file, which is the primary key of the table: it
//!   is not the database's to give, hence `auto_increment = false`.

use std::{error::Error, path::Path, process::ExitCode, time::Instant};

use bulk_sync::{Progress, prelude::*};
use indicatif::{ProgressBar, ProgressStyle};
use sea_orm::{
    ActiveEnum, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr,
    Schema,
    sea_query::{Table, extension::postgres::Type},
};

mod navaid {
    use bulk_sync::SyncKey;
    use sea_orm::entity::prelude::*;
    use serde::Deserialize;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey, Deserialize)]
    #[sea_orm(table_name = "navaid")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        #[sync(key)]
        pub id: i32,
        pub filename: String,
        pub ident: String,
        pub name: String,
        pub r#type: Kind,
        pub frequency_khz: i32,
        pub latitude_deg: f64,
        pub longitude_deg: f64,
        pub elevation_ft: Option<i32>,
        pub iso_country: String,
        pub dme_frequency_khz: Option<i32>,
        pub dme_channel: Option<String>,
        pub dme_latitude_deg: Option<f64>,
        pub dme_longitude_deg: Option<f64>,
        pub dme_elevation_ft: Option<i32>,
        #[sea_orm(column_type = "Decimal(Some((6, 3)))", nullable)]
        pub slaved_variation_deg: Option<Decimal>,
        #[sea_orm(column_type = "Decimal(Some((6, 3)))", nullable)]
        pub magnetic_variation_deg: Option<Decimal>,
        #[serde(rename = "usageType")]
        pub usage_type: Option<UsageType>,
        pub power: Option<Power>,
        pub associated_airport: Option<String>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Deserialize)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "navaid_kind")]
    #[serde(rename_all = "UPPERCASE")]
    pub enum Kind {
        #[sea_orm(string_value = "DME")]
        Dme,
        #[sea_orm(string_value = "NDB")]
        Ndb,
        #[sea_orm(string_value = "NDB-DME")]
        #[serde(rename = "NDB-DME")]
        NdbDme,
        #[sea_orm(string_value = "TACAN")]
        Tacan,
        #[sea_orm(string_value = "VOR")]
        Vor,
        #[sea_orm(string_value = "VOR-DME")]
        #[serde(rename = "VOR-DME")]
        VorDme,
        #[sea_orm(string_value = "VORTAC")]
        Vortac,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Deserialize)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "navaid_usage_type")]
    #[serde(rename_all = "UPPERCASE")]
    pub enum UsageType {
        #[sea_orm(string_value = "BOTH")]
        Both,
        #[sea_orm(string_value = "HI")]
        Hi,
        #[sea_orm(string_value = "LO")]
        Lo,
        #[sea_orm(string_value = "RNAV")]
        Rnav,
        #[sea_orm(string_value = "TERMINAL")]
        Terminal,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Deserialize)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "navaid_power")]
    #[serde(rename_all = "UPPERCASE")]
    pub enum Power {
        #[sea_orm(string_value = "HIGH")]
        High,
        #[sea_orm(string_value = "MEDIUM")]
        Medium,
        #[sea_orm(string_value = "LOW")]
        Low,
        #[sea_orm(string_value = "UNKNOWN")]
        Unknown,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

const USAGE: &str = "\
usage: cargo run --example import_csv -- A.csv B.csv

Imports A, then B, then B again, into the table navaid of the database that
DATABASE_URL names (SQLite in memory without it); a table of that name is
replaced. A and B are editions of navaids.csv from https://ourairports.com/data/";

#[tokio::main]
async fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [first, second] = &files[..] else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match import_each(&[first, second, second]).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn import_each(files: &[&String]) -> Result<(), Box<dyn Error>> {
    let db = open().await?;
    for file in files {
        let navaids = read(Path::new(file)).map_err(|error| format!("{file}: {error}"))?;
        let start = Instant::now();
        let bar = bar()?;
        let shown = bar.clone();
        let result = navaid::Entity::bulk_sync(navaids, WholeTable, None)
            .on_progress(move |progress| show(&shown, progress))
            .exec(&db)
            .await?;
        bar.finish_and_clear();
        println!("{file}: {result} in {:.2?}", start.elapsed());
        for (column, rows) in result.changed_columns() {
            println!("  {column} changed in {rows}");
        }
    }
    Ok(())
}

/// A bar on a terminal; elsewhere it is not shown.
fn bar() -> Result<ProgressBar, Box<dyn Error>> {
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {pos} of {len} rows")?;
    Ok(ProgressBar::no_length().with_style(style))
}

/// Each phase fills the bar anew; how many rows are read is known at the end.
fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_message(progress.phase.to_string());
    match progress.expected {
        Some(expected) => bar.set_length(expected),
        None => bar.unset_length(),
    }
    bar.set_position(progress.done);
}

/// Every row of the file, or the line and the reason why one cannot be read.
fn read(file: &Path) -> Result<Vec<navaid::Model>, csv::Error> {
    csv::Reader::from_path(file)?.deserialize().collect()
}

/// The database that `DATABASE_URL` names, with a new table.
async fn open() -> Result<DatabaseConnection, DbErr> {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".into());
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false);
    let db = Database::connect(options).await?;
    db.execute(Table::drop().table(navaid::Entity).if_exists()).await?;
    if db.get_database_backend() == DbBackend::Postgres {
        let types = [navaid::Kind::name(), navaid::UsageType::name(), navaid::Power::name()];
        db.execute(Type::drop().if_exists().names(types)).await?;
    }
    let schema = Schema::new(db.get_database_backend());
    for create in schema.create_enum_from_entity(navaid::Entity) {
        db.execute(&create).await?;
    }
    db.execute(&schema.create_table_from_entity(navaid::Entity)).await?;
    Ok(db)
}

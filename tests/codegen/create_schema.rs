//! Writes the schema beside this file into an SQLite database, for sea-orm-cli
//! to read.

use std::error::Error;

use sea_orm::{ConnectionTrait, Database};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: codegen_schema sqlite://FILE?mode=rwc")?;
    let db = Database::connect(url).await?;
    db.execute_unprepared(include_str!("schema.sql")).await?;
    db.close().await?;
    Ok(())
}

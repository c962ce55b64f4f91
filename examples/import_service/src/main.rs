//! Starts the service and prints its address.

use std::{error::Error, process::ExitCode};

use import_service::{Config, Service, connect, router, schema};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let config = Config::from_environment()?;
    let db = connect(&config.database_url).await?;
    schema::prepare(&db).await?;
    let listener = TcpListener::bind(&config.listen).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router(Service::new(db, config))).await?;
    Ok(())
}

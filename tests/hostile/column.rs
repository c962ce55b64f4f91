//! The tests that are made of a column type.

use std::{fmt::Debug, time::Duration};

pub use bulk_sync_tests::column::{Column, NO_ARRAYS, Place};
use bulk_sync_tests::{
    column::create_type,
    entity::typed::{TABLE, Typed},
    suite::{Db, TestResult},
};
use sea_orm::{
    ColumnTrait, ColumnType, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr,
    IdenStatic, Iterable, Schema,
    sea_query::{ColumnDef, Table},
};

use crate::{
    case::{HANGS, Role, run_case},
    report::{Outcome, Report},
};

/// Lists a test for each type: the name of its entity, and its [`Column`].
macro_rules! columns {
    ($($name:ident: $column:expr;)*) => {
        $(async fn $name(db: bulk_sync_tests::suite::Db) -> bulk_sync_tests::suite::TestResult {
            use bulk_sync_tests::entity::typed::$name::Entity;
            $crate::column::every_value::<Entity>(db, stringify!($name), $column).await
        })*

        pub const TESTS: &[bulk_sync_tests::suite::Test] = &bulk_sync_tests::tests![$($name),*];
    };
}
pub(crate) use columns;

/// Runs each value in each role and as each declared type.
pub async fn every_value<E: Typed>(
    db: Db,
    name: &'static str,
    column: Column<E::Type>,
) -> TestResult {
    let backend = db.backend();
    let mut report = Report::new(backend, name);
    if let Some((_, reason)) = column.missing.iter().find(|(at, _)| *at == backend) {
        report.missing(None, reason);
        return report.finish();
    }
    let own = std::iter::once(None);
    let others = (column.declared)(backend).iter().copied().map(Some);
    for declared in own.chain(others) {
        let place = Place { backend, declared };
        let column_type = match declared {
            Some(declared) => ColumnType::custom(declared),
            None => E::VALUE.def().get_column_type().clone(),
        };
        if let Err(error) = create_type(&db.pool, &column_type).await {
            report.unavailable(&error.to_string());
            continue;
        }
        // statements of one text on tables of two types: no connection may see both
        let mut pool = connect(&db).await?;
        create_table::<E>(&pool, declared).await?;
        if let Some(reason) = column.not_null {
            report.not_null(declared, reason);
        }
        for value in &column.hostile {
            let mut roles = vec![Role::Key];
            roles.push(if column.not_null.is_some() { Role::Value } else { Role::Both });
            while let Some(role) = roles.pop() {
                let outcome = run_case::<E>(&pool, place, &column, role, value).await;
                let hangs = outcome.as_ref().is_err_and(|failure| failure == HANGS);
                if outcome.is_err() {
                    close(pool).await;
                    pool = connect(&db).await?;
                }
                if role == Role::Both && matches!(outcome, Ok(Outcome::Refused(_))) {
                    // in which of the columns, or in each
                    roles.extend([Role::Optional, Role::Value]);
                    continue;
                }
                report.add(declared, role, &text(value), outcome);
                if hangs {
                    return report.finish();
                }
            }
        }
        pool.execute(&Table::drop().table(TABLE).to_owned()).await?;
        close(pool).await;
    }
    report.finish()
}

/// Connections of their own, as a case that hangs takes its connection along.
pub async fn connect(db: &Db) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(&db.url);
    options.max_connections(2).acquire_timeout(Duration::from_secs(5)).sqlx_logging(false);
    Database::connect(options).await
}

/// Closes connections, and leaves one that hangs to itself.
pub async fn close(pool: DatabaseConnection) {
    let _ = tokio::time::timeout(Duration::from_secs(1), pool.close()).await;
}

/// A value as the report shows it.
fn text(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

/// Creates the table.
pub async fn create_table<E: Typed>(
    pool: &DatabaseConnection,
    declared: Option<&str>,
) -> Result<(), DbErr> {
    let backend = pool.get_database_backend();
    let schema = Schema::new(backend);
    let Some(declared) = declared else {
        pool.execute(&schema.create_table_from_entity(E::default())).await?;
        return Ok(());
    };
    let mut table = Table::create().table(TABLE).to_owned();
    for column in E::Column::iter() {
        let mut definition = schema.get_column_def::<E>(column);
        if [E::VALUE.as_str(), E::OPTIONAL.as_str()].contains(&column.as_str()) {
            definition = ColumnDef::new_with_type(column, ColumnType::custom(declared.to_owned()));
            if !column.def().is_null() {
                definition.not_null();
            }
        }
        table.col(definition);
    }
    pool.execute(&table).await?;
    Ok(())
}

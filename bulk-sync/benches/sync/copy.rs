//! The database alone, on `PostgreSQL`: `COPY` on a raw connection, which no
//! transaction of `SeaORM` can do, and three statements that compare there.

use sea_orm::{
    DatabaseConnection,
    sqlx::{self, PgConnection},
};

use crate::{
    Failure,
    employee::{COMPANY, Model},
};

/// The statements, `BEGIN` and `COMMIT` not counted.
pub const STATEMENTS: u64 = 6;

const COLUMNS: &str = "company_id, external_id, name, phone, salary, hired_at, notes";

/// Makes the scope equal the models.
pub async fn sync(db: &DatabaseConnection, models: &[Model]) -> Result<(), Failure> {
    let mut connection = db.get_postgres_connection_pool().acquire().await?;
    execute(&mut connection, "BEGIN").await?;
    let create = "CREATE TEMPORARY TABLE incoming (company_id int, external_id text, name text, \
                  phone text, salary numeric(12,2), hired_at timestamptz, notes text) \
                  ON COMMIT DROP";
    execute(&mut connection, create).await?;
    let mut copy = connection.copy_in_raw(&format!("COPY incoming ({COLUMNS}) FROM STDIN")).await?;
    for chunk in models.chunks(1_000) {
        let lines: String = chunk.iter().map(line).collect();
        copy.send(lines.into_bytes()).await?;
    }
    copy.finish().await?;
    // without it the plan of the join is a guess
    execute(&mut connection, "ANALYZE incoming").await?;
    for statement in statements() {
        execute(&mut connection, &statement).await?;
    }
    execute(&mut connection, "COMMIT").await
}

fn statements() -> [String; 3] {
    let values = "name, phone, salary, hired_at, notes";
    let of = |table: &str| {
        let columns = values.split(", ").map(|column| format!("{table}.{column}"));
        columns.collect::<Vec<_>>().join(", ")
    };
    let same_key = "e.company_id = i.company_id AND e.external_id = i.external_id";
    [
        format!(
            "DELETE FROM employee e WHERE company_id = {COMPANY} \
             AND NOT EXISTS (SELECT FROM incoming i WHERE {same_key})"
        ),
        format!(
            "UPDATE employee e SET ({values}) = ROW({}) FROM incoming i WHERE {same_key} \
             AND e.company_id = {COMPANY} AND ({}) IS DISTINCT FROM ({})",
            of("i"),
            of("e"),
            of("i")
        ),
        format!(
            "INSERT INTO employee ({COLUMNS}) SELECT {COLUMNS} FROM incoming i \
             WHERE NOT EXISTS (SELECT FROM employee e WHERE {same_key})"
        ),
    ]
}

/// A line in the text format of `COPY`; no value here has to be escaped.
fn line(model: &Model) -> String {
    let Model { company_id, external_id, name, phone, salary, hired_at, notes, .. } = model;
    let hired_at = hired_at.to_rfc3339();
    let notes = notes.as_deref().unwrap_or("\\N");
    format!("{company_id}\t{external_id}\t{name}\t{phone}\t{salary}\t{hired_at}\t{notes}\n")
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), Failure> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

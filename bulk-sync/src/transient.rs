//! Which errors of a database mean that another transaction was in the way.
//!
//! SeaORM gives the code of an error only through the types of a driver, on
//! which this crate does not depend. The drivers print it for debugging, where
//! a quote inside of a message is escaped, so that no message can feign one.
//! Errors that are not a driver's are not looked into.

use sea_orm::{DbErr, RuntimeErr};

/// Serialization failure, deadlock, lock not available.
const POSTGRES: [&str; 3] = ["\"40001\"", "\"40P01\"", "\"55P03\""];

/// Deadlock, lock wait timeout, record changed since it was read (MariaDB's
/// snapshot isolation), rolled back by the commit (MySQL's group replication).
const MYSQL: [&str; 4] = ["1213", "1205", "1020", "3101"];

/// The low byte of `SQLITE_BUSY` and `SQLITE_LOCKED` in all their forms.
const SQLITE: [i32; 2] = [5, 6];

/// Whether the statement could succeed in another try of its transaction.
pub(crate) fn is_transient(error: &DbErr) -> bool {
    let text = driver_text(error);
    if text.contains("PgDatabaseError {") {
        field(&text, "code").is_some_and(|code| POSTGRES.iter().any(|c| code.contains(c)))
    } else if text.contains("MySqlDatabaseError {") {
        field(&text, "number").is_some_and(|number| MYSQL.contains(&number))
    } else if text.contains("SqliteError {") {
        let code = field(&text, "code").and_then(|code| code.parse::<i32>().ok());
        code.is_some_and(|code| SQLITE.contains(&(code & 0xff)))
    } else {
        false
    }
}

/// Whether the database has answered with an error, so that it is known what
/// became of the statement.
pub(crate) fn is_answer(error: &DbErr) -> bool {
    driver_text(error).contains("SqlxError(Database(")
}

/// Whether there is no transaction after one was begun: a savepoint of MySQL is none where
/// the transaction is over.
pub(crate) fn is_not_begun(error: &DbErr) -> bool {
    driver_text(error).contains("SqlxError(BeginFailed)")
}

/// What the driver prints; nothing where the error is not its own.
fn driver_text(error: &DbErr) -> String {
    match error {
        DbErr::Conn(source) | DbErr::Exec(source) | DbErr::Query(source)
            if !matches!(source, RuntimeErr::Internal(_)) =>
        {
            format!("{error:?}")
        }
        _ => String::new(),
    }
}

/// The value of the first field of that name.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let start = text.find(&format!(" {name}: "))? + name.len() + 3;
    let value = &text[start..];
    Some(&value[..value.find([',', ' ', '}']).unwrap_or(value.len())])
}

//! Errors after which the same can be tried again.

use std::error::Error;

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Deadlocks, serialization failures and waits for a lock that were too long:
/// of PostgreSQL, of MySQL and MariaDB, and of SQLite, whose codes have more in
/// the upper bytes.
const CODES: [&str; 11] =
    ["40001", "40P01", "55P03", "1205", "1213", "1020", "5", "6", "261", "262", "517"];

/// Whether the error, or one that caused it, is of that kind.
pub fn is_transient(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let of_database = error
            .downcast_ref::<DbErr>()
            .or_else(|| error.downcast_ref::<Box<DbErr>>().map(AsRef::as_ref));
        if of_database.is_some_and(has_code) {
            return true;
        }
        next = error.source();
    }
    false
}

fn has_code(error: &DbErr) -> bool {
    let (DbErr::Exec(error) | DbErr::Query(error) | DbErr::Conn(error)) = error else {
        return false;
    };
    let RuntimeErr::SqlxError(error) = error else { return false };
    let sqlx::Error::Database(error) = &**error else { return false };
    let number = error
        .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
        .map(|error| error.number().to_string());
    let code = number.or_else(|| error.code().map(Into::into));
    code.is_some_and(|code| CODES.contains(&code.as_str()))
}

//! Values that a backend cannot store at all, found before they are sent.
//!
//! A value that a column merely rounds or shortens is not the business of
//! this module.

use std::any::{Any, TypeId};

use sea_orm::{
    DbBackend, Value,
    sea_query::{ColumnType, QueryBuilder, SqliteQueryBuilder, ValueType},
};

use crate::{
    field::is_null,
    moment::{has_offset, nanoseconds, utc_year},
};

/// The least number that SeaORM does not read into a `Decimal` from the float
/// as which SQLite stores it: 2⁹⁶.
const DECIMAL_LIMIT: f64 = 79_228_162_514_264_337_593_543_950_336.0;

/// Why a value cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueFault {
    /// Text with a NUL character, which PostgreSQL does not store.
    NulCharacter,
    /// An unsigned number above `i64::MAX`, the largest that PostgreSQL and SQLite store.
    AboveI64,
    /// An array with a NULL in it, which SeaORM 2.0 does not bind.
    NullInArray,
    /// An array of `u8`, which SeaORM 2.0 does not bind.
    ByteArray,
    /// NaN, which SQLite turns into NULL.
    Nan,
    /// A type that only PostgreSQL has; on others SeaORM 2.0 panics when it is bound.
    NoSuchType,
    /// A decimal that is too large to be read again from SQLite.
    LargeDecimal,
    /// A date or time of a year that the backend does not have, or that the
    /// driver cannot send or read.
    Year,
    /// A leap second, which PostgreSQL turns into the next second, and a `TIME` of
    /// MariaDB into midnight.
    LeapSecond,
    /// A key in a `float(m,d)` or `double(m,d)`, which MySQL and MariaDB round
    /// in a way that no CAST tells.
    RoundedFloat,
    /// An offset from UTC that is not of whole minutes, or of a day or more,
    /// which is not written to SQLite as it is.
    Offset,
    /// A time of the day that the column rounds up to 24:00, which the driver
    /// reads as 00:00.
    Midnight,
}

impl std::fmt::Display for ValueFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NulCharacter => "text with a NUL character cannot be stored; remove it",
            Self::AboveI64 => {
                "the number is above 9223372036854775807, the largest that can be stored"
            }
            Self::NullInArray => {
                "an array with a NULL in it cannot be bound; leave the element out"
            }
            Self::ByteArray => "an array of u8 cannot be bound; use i16, or bytes",
            Self::NoSuchType => "the backend has no such type; store it as text, bytes or JSON",
            Self::Nan => "NaN would be stored as NULL; use a number or NULL",
            Self::LargeDecimal => "the number is too large to be read again",
            Self::Year => "the year cannot be stored",
            Self::LeapSecond => "a leap second cannot be stored; use the second before or after",
            Self::RoundedFloat => {
                "a column that rounds floats cannot be a key; declare it without digits, or decimal"
            }
            Self::Offset => "the offset from UTC is not of whole minutes; convert it to UTC",
            Self::Midnight => {
                "the time is rounded up to 24:00, which is read as 00:00; cut its fraction"
            }
        })
    }
}

/// Why a value cannot be part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyFault {
    /// It is NULL, or not set.
    Missing,
    /// It is NaN.
    Nan,
}

/// The fault of a value as part of a key.
pub(crate) fn key_fault(value: &Value) -> Option<KeyFault> {
    match value {
        Value::Float(Some(number)) if number.is_nan() => Some(KeyFault::Nan),
        Value::Double(Some(number)) if number.is_nan() => Some(KeyFault::Nan),
        value if is_null(value) => Some(KeyFault::Missing),
        _ => None,
    }
}

/// Whether [`value_fault`] finds nothing in any value of the type.
pub(crate) fn is_faultless<T: Any + ValueType>(backend: DbBackend) -> bool {
    fn is<T: Any, U: Any>() -> bool {
        [TypeId::of::<U>(), TypeId::of::<Option<U>>()].contains(&TypeId::of::<T>())
    }
    is::<T, i32>()
        || is::<T, i64>()
        || is::<T, i16>()
        || is::<T, bool>()
        || (is::<T, String>() && backend != DbBackend::Postgres)
        || is_written_out(&T::column_type())
}

/// The fault of a value on a backend. The usual types are looked at in place,
/// the others as a [`Value`].
pub(crate) fn value_fault<T: Any + Clone + Into<Value> + ValueType>(
    value: &T,
    backend: DbBackend,
) -> Option<ValueFault> {
    let any: &dyn Any = value;
    if let Some(text) = any.downcast_ref::<String>() {
        return text_fault(text, backend);
    }
    if let Some(text) = any.downcast_ref::<Option<String>>() {
        return text_fault(text.as_ref()?, backend);
    }
    if is_faultless::<T>(backend) {
        return None;
    }
    if backend != DbBackend::Postgres && is_of_postgres(&T::column_type()) {
        return Some(ValueFault::NoSuchType);
    }
    fault(&value.clone().into(), backend)
}

/// The fault of a value that has to be written out to be looked at: a date, a
/// time, a decimal, an array of dates or times. Costs more than comparing a
/// row, so it is asked of keys and of rows to write.
pub(crate) fn written_out_fault<T: Any + Clone + Into<Value> + ValueType>(
    value: &T,
    backend: DbBackend,
) -> Option<ValueFault> {
    let any: &dyn Any = value;
    let value = || -> Value { value.clone().into() };
    match T::column_type() {
        ColumnType::Decimal(_) if backend == DbBackend::Sqlite && !is_small_decimal(any) => {
            let limit = if T::type_name().contains("Big") { f64::INFINITY } else { DECIMAL_LIMIT };
            let number: f64 = SqliteQueryBuilder.value_to_string(&value()).parse().ok()?;
            (number.abs() >= limit).then_some(ValueFault::LargeDecimal)
        }
        ColumnType::Array(element) if is_time(&element) => {
            let Value::Array(_, Some(times)) = value() else { return None };
            times.iter().find_map(|time| time_fault(time, backend))
        }
        column_type if is_time(&column_type) => time_fault(&value(), backend),
        _ => None,
    }
}

/// Whether the value is known to be a decimal below [`DECIMAL_LIMIT`].
#[cfg_attr(
    not(feature = "with-rust_decimal"),
    expect(unused_variables, reason = "there is no such decimal")
)]
fn is_small_decimal(value: &dyn Any) -> bool {
    #[cfg(feature = "with-rust_decimal")]
    {
        use sea_orm::prelude::Decimal;
        let decimal = value.downcast_ref::<Decimal>().copied();
        let decimal = decimal.or_else(|| value.downcast_ref::<Option<Decimal>>().copied()?);
        decimal.is_some_and(|decimal| decimal.mantissa().unsigned_abs() < 1 << 95)
    }
    #[cfg(not(feature = "with-rust_decimal"))]
    false
}

fn is_of_postgres(column_type: &ColumnType) -> bool {
    matches!(
        column_type,
        ColumnType::Array(_)
            | ColumnType::Cidr
            | ColumnType::Inet
            | ColumnType::MacAddr
            | ColumnType::Vector(_)
    )
}

/// Whether [`written_out_fault`] may find something in a value of the type.
pub(crate) fn is_costly(column_type: &ColumnType) -> bool {
    match column_type {
        ColumnType::Array(element) => is_time(element),
        column_type => is_written_out(column_type),
    }
}

/// Whether values of the type are looked at by [`written_out_fault`] alone.
fn is_written_out(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Decimal(_)) || is_time(column_type)
}

fn is_time(column_type: &ColumnType) -> bool {
    matches!(
        column_type,
        ColumnType::Date
            | ColumnType::Time
            | ColumnType::DateTime
            | ColumnType::Timestamp
            | ColumnType::TimestampWithTimeZone
    )
}

/// The fault of a date or time, from its `Debug`: the one form in which the
/// crates chrono and time both show leap seconds, and offsets to the second.
fn time_fault(value: &Value, backend: DbBackend) -> Option<ValueFault> {
    // of years that each backend has, and no leap second; SQLite keeps the offset
    let has_no_offset = backend != DbBackend::Sqlite || !has_offset(value);
    if has_no_offset && nanoseconds(value).is_some() {
        return None;
    }
    let text = format!("{value:?}");
    let text = text.split_once("(Some(")?.1.trim_end_matches(')');
    // to the servers, the drivers send the time in UTC
    let in_utc = utc_year(value).filter(|_| backend != DbBackend::Sqlite);
    let (year, offset) = (in_utc.or_else(|| year(text)), offset(text));
    let years = match backend {
        DbBackend::MySql | DbBackend::Postgres if text.contains(":60") => {
            return Some(ValueFault::LeapSecond);
        }
        DbBackend::MySql => 0..=9_999,
        DbBackend::Postgres => -262_143..=262_141,
        _ => match offset {
            Some(offset) if !is_whole(offset) => return Some(ValueFault::Offset),
            // of the crate time, which shows seconds in each offset and writes RFC 3339
            Some(offset) if offset.matches(':').count() == 2 => 0..=9_999,
            _ => -262_143..=262_142,
        },
    };
    year.filter(|year| !years.contains(year)).map(|_| ValueFault::Year)
}

/// The fault of what a column of PostgreSQL makes of a value that keeps so many
/// digits of a second: the driver reads 24:00 as 00:00, and the crate time has no
/// year 10000.
pub(crate) fn rounded_time_fault(time: &Value, kept: usize) -> Option<ValueFault> {
    let text = format!("{time:?}");
    let text = text.split_once("(Some(")?.1.trim_end_matches(')');
    let (fraction, fault) = match text.strip_prefix("23:59:59.") {
        Some(fraction) => (fraction, ValueFault::Midnight),
        None => (text.strip_prefix("9999-12-31 23:59:59.")?, ValueFault::Year),
    };
    // what the driver sends
    let mut microseconds = fraction.bytes().take_while(u8::is_ascii_digit).take(6);
    let is_full = microseconds.by_ref().take(kept).all(|digit| digit == b'9');
    let rounds_up = microseconds.next().is_some_and(|digit| digit >= b'5');
    (is_full && rounds_up).then_some(fault)
}

/// The year at the start of a date; `None` for a time of the day.
fn year(text: &str) -> Option<i64> {
    let end = text.get(1..)?.find('-')? + 1;
    text[..end].parse().ok()
}

/// `05:30` or `05:30:00`, at the end of a time with an offset.
fn offset(text: &str) -> Option<&str> {
    let time = &text[text.find(':')?..];
    Some(&time[time.find(['+', '-'])? + 1..])
}

fn is_whole(offset: &str) -> bool {
    let mut parts = offset.split(':').map(|part| part.parse::<u8>().unwrap_or_default());
    let (hours, seconds) = (parts.next(), parts.nth(1));
    hours.is_none_or(|hours| hours < 24) && seconds.is_none_or(|seconds| seconds == 0)
}

fn text_fault(text: &str, backend: DbBackend) -> Option<ValueFault> {
    (backend == DbBackend::Postgres && text.contains('\0')).then_some(ValueFault::NulCharacter)
}

fn fault(value: &Value, backend: DbBackend) -> Option<ValueFault> {
    match value {
        Value::String(Some(text)) => text_fault(text, backend),
        Value::Char(Some(char)) => text_fault(char.encode_utf8(&mut [0; 4]), backend),
        Value::BigUnsigned(Some(number))
            if backend != DbBackend::MySql && *number > i64::MAX as u64 =>
        {
            Some(ValueFault::AboveI64)
        }
        Value::Float(Some(number)) if backend == DbBackend::Sqlite && number.is_nan() => {
            Some(ValueFault::Nan)
        }
        Value::Double(Some(number)) if backend == DbBackend::Sqlite && number.is_nan() => {
            Some(ValueFault::Nan)
        }
        Value::Array(_, Some(elements)) => elements.iter().find_map(|element| match element {
            Value::TinyUnsigned(_) => Some(ValueFault::ByteArray),
            null if is_null(null) => Some(ValueFault::NullInArray),
            element => fault(element, backend),
        }),
        _ => None,
    }
}

//! Which values a column may store as something else: pure.
//!
//! Rust decides where a type is exact. Where it is not, the text of a value
//! shows whether it has more digits than the column keeps.

use sea_orm::{
    DbBackend, Value,
    sea_query::{ColumnType, QueryBuilder, SqliteQueryBuilder},
};

use crate::catalog::Declared;

/// The digits of a decimal that survive being stored as a float of 64 bits.
const FLOAT_DIGITS: usize = 15;

/// Whether a column of this type may store a value as another one.
pub(crate) fn is_lossy(column_type: &ColumnType) -> bool {
    matches!(
        column_type,
        ColumnType::Decimal(_)
            | ColumnType::Time
            | ColumnType::DateTime
            | ColumnType::Timestamp
            | ColumnType::TimestampWithTimeZone
            | ColumnType::Float
            | ColumnType::Double
            | ColumnType::Json
            | ColumnType::JsonBinary
            | ColumnType::Array(_)
    )
}

/// Whether any column could store this value of a lossy type as something else,
/// so that the catalog has to tell what this one is.
pub(crate) fn may_round(column_type: &ColumnType, value: &Value) -> bool {
    if !matches!(column_type, ColumnType::Decimal(_)) {
        // to write a time out costs more than to ask about it
        return true;
    }
    let text = text(value);
    scale(&text) > 0 || digits(&text) > FLOAT_DIGITS
}

/// Whether this column may store this value of a lossy type as something else.
pub(crate) fn rounds(column_type: &ColumnType, declared: &Declared, value: &Value) -> bool {
    let Some(cast) = declared.casts.last() else { return false };
    // what SQLite converts by itself: other types it keeps as they are
    if matches!(cast.as_str(), "REAL" | "NUMERIC") {
        return matches!(column_type, ColumnType::Decimal(_))
            && !survives_float(value)
            && may_round(column_type, value);
    }
    // a CAST can make something of infinity that the column does not
    if !is_finite(value) {
        return false;
    }
    let has_scale = declared.fraction_digits.is_some();
    match column_type {
        ColumnType::Float => has_scale || !["real", "FLOAT"].contains(&cast.as_str()),
        ColumnType::Double => has_scale || !["double precision", "DOUBLE"].contains(&cast.as_str()),
        ColumnType::Json | ColumnType::JsonBinary | ColumnType::Array(_) => true,
        ColumnType::Decimal(_) => declared.fraction_digits.is_some_and(|kept| {
            most_fraction_digits(value).is_none_or(|most| most > kept) && scale(&text(value)) > kept
        }),
        _ => has_scale,
    }
}

fn is_finite(value: &Value) -> bool {
    match value {
        Value::Float(Some(number)) => number.is_finite(),
        Value::Double(Some(number)) => number.is_finite(),
        _ => true,
    }
}

/// Whether a decimal is read as it was written from the float as which SQLite
/// stores it: that of so few digits is the nearest one, and `Decimal` mostly
/// finds them again.
#[cfg_attr(
    not(feature = "with-rust_decimal"),
    expect(unused_variables, reason = "there is no such decimal")
)]
fn survives_float(value: &Value) -> bool {
    #[cfg(feature = "with-rust_decimal")]
    if let Value::Decimal(Some(decimal)) = value {
        use sea_orm::prelude::Decimal;
        let read = nearest_float(decimal).and_then(|float| Decimal::try_from(float).ok());
        return read == Some(*decimal);
    }
    false
}

/// The float as which SQLite stores a decimal, where it has so few digits that
/// this is certain.
#[cfg(feature = "with-rust_decimal")]
pub(crate) fn nearest_float(decimal: &sea_orm::prelude::Decimal) -> Option<f64> {
    // mantissa and divisor are floats without rounding, so that their ratio is the nearest one
    let divisor = 10_u128.checked_pow(decimal.scale())?;
    let mantissa = decimal.mantissa();
    let is_exact = mantissa.unsigned_abs() < 10_u128.pow(15) && divisor <= 10_u128.pow(22);
    #[expect(clippy::cast_precision_loss, reason = "there is none below 2^53, or in 10^22")]
    is_exact.then(|| mantissa as f64 / divisor as f64)
}

/// No more digits after the point than this are needed; `None` where it takes
/// the text to tell.
#[cfg_attr(
    not(feature = "with-rust_decimal"),
    expect(unused_variables, reason = "there is no such decimal")
)]
fn most_fraction_digits(value: &Value) -> Option<i64> {
    #[cfg(feature = "with-rust_decimal")]
    if let Value::Decimal(Some(decimal)) = value {
        return Some(decimal.scale().into());
    }
    None
}

/// What a column makes of text, where that is not the text itself. Text that
/// is too long in more than blanks is left: the database refuses it.
pub(crate) fn stored_text(backend: DbBackend, declared: &Declared, text: &str) -> Option<String> {
    let length = declared.length?;
    let (kept, rest) = match text.char_indices().nth(length) {
        Some((end, _)) => text.split_at(end),
        None => (text, ""),
    };
    if !rest.trim_end_matches(' ').is_empty() {
        return None;
    }
    let stored = match backend {
        _ if !declared.is_padded => kept.to_owned(),
        DbBackend::Postgres => format!("{kept:length$}"),
        _ => kept.trim_end_matches(' ').to_owned(),
    };
    (stored != text).then_some(stored)
}

/// What a column makes of a text or of the texts of an array, where that is not
/// what it is given.
pub(crate) fn stored_texts(
    backend: DbBackend,
    declared: &Declared,
    given: &Value,
) -> Option<Value> {
    match given {
        Value::String(Some(text)) => stored_text(backend, declared, text).map(Value::from),
        Value::Array(array_type, Some(elements)) => {
            let stored = |element: &Value| stored_texts(backend, declared, element);
            let any = elements.iter().any(|element| stored(element).is_some());
            let elements = elements.iter().map(|given| stored(given).unwrap_or(given.clone()));
            any.then(|| Value::Array(array_type.clone(), Some(Box::new(elements.collect()))))
        }
        _ => None,
    }
}

/// Whether the column type holds text, or an array of it.
pub(crate) fn holds_text(column_type: &ColumnType) -> bool {
    match column_type {
        ColumnType::Array(element) => is_text(element),
        column_type => is_text(column_type),
    }
}

/// Whether the column type holds text.
pub(crate) fn is_text(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text)
}

/// Whether the column type holds integers.
pub(crate) fn is_integer(column_type: &ColumnType) -> bool {
    use ColumnType as C;
    matches!(
        column_type,
        C::TinyInteger
            | C::SmallInteger
            | C::Integer
            | C::BigInteger
            | C::TinyUnsigned
            | C::SmallUnsigned
            | C::Unsigned
            | C::BigUnsigned
    )
}

/// Whether two texts, or the texts of two arrays, differ in nothing but trailing
/// blanks.
pub(crate) fn differ_in_blanks(left: &Value, right: &Value) -> bool {
    left != right && are_alike_without_blanks(left, right)
}

fn are_alike_without_blanks(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(Some(left)), Value::String(Some(right))) => {
            left.trim_end_matches(' ') == right.trim_end_matches(' ')
        }
        (Value::Array(_, Some(left)), Value::Array(_, Some(right))) => {
            let mut pairs = left.iter().zip(right.iter());
            left.len() == right.len() && pairs.all(|(l, r)| are_alike_without_blanks(l, r))
        }
        _ => false,
    }
}

fn text(value: &Value) -> String {
    SqliteQueryBuilder.value_to_string(value)
}

/// The digits after the point that a number needs: 2 for `10.250` and `1.025E+1`,
/// -3 for `1000`.
fn scale(text: &str) -> i64 {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    let needed = digits.trim_end_matches('0');
    if !needed.contains(|c: char| c.is_ascii_digit()) {
        return i64::MIN;
    }
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let zeros = length(&digits) - length(needed);
    length(fraction) - zeros - exponent.parse::<i64>().unwrap_or(0)
}

fn digits(text: &str) -> usize {
    text.chars().filter(char::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_that_of_the_last_digit_that_is_not_zero() {
        for (text, expected) in [
            ("10", -1),
            ("10.250", 2),
            ("-0.001", 3),
            ("5.000", 0),
            ("1E-30", 30),
            ("1.50e+3", -2),
            ("0.00", i64::MIN),
        ] {
            assert_eq!(scale(text), expected, "{text}");
        }
    }

    #[test]
    fn text_is_stored_padded_or_without_the_blanks_that_are_too_many() {
        let stored = |backend, is_padded, text| {
            let declared = Declared { length: Some(3), is_padded, ..Declared::default() };
            stored_text(backend, &declared, text)
        };
        let (postgres, mysql) = (DbBackend::Postgres, DbBackend::MySql);
        assert_eq!(stored(postgres, true, "ä").as_deref(), Some("ä  "));
        assert_eq!(stored(postgres, true, "ab    ").as_deref(), Some("ab "));
        assert_eq!(stored(mysql, true, "ab ").as_deref(), Some("ab"));
        assert_eq!(stored(postgres, false, "abc ").as_deref(), Some("abc"));
        assert_eq!(stored(postgres, false, "ab "), None);
        assert_eq!(stored(postgres, true, "abcd"), None);
        assert_eq!(stored_text(mysql, &Declared::default(), "a "), None);
    }

    #[test]
    #[cfg(feature = "with-rust_decimal")]
    fn a_decimal_survives_where_the_float_is_read_as_the_same() {
        use sea_orm::prelude::Decimal;
        let survives = |text: &str| survives_float(&Value::from(text.parse::<Decimal>().unwrap()));
        assert!(survives("2500.01"));
        assert!(survives("-0.000001"));
        assert!(!survives("1234567890123456.7"));
        // rust_decimal reads 4096.029000000001 from the nearest float
        assert!(!survives("4096.029"));
    }

    #[test]
    fn only_trailing_blanks_make_texts_alike() {
        let text = |text: &str| Value::from(text);
        assert!(differ_in_blanks(&text("ab"), &text("ab  ")));
        assert!(!differ_in_blanks(&text("ab"), &text("ab")));
        assert!(!differ_in_blanks(&text("ab"), &text(" ab")));
        assert!(!differ_in_blanks(&text("ab"), &Value::String(None)));
    }
}

//! Which values a column may store as something else: pure.
//!
//! Rust decides where a type is exact. Where it is not, the text of a value
//! shows whether it has more digits than the column keeps.

use sea_orm::{
    Value,
    sea_query::{ColumnType, QueryBuilder, SqliteQueryBuilder},
};

use crate::catalog::Declared;

/// The digits of a decimal that survive being stored as a float of 64 bits.
const FLOAT_DIGITS: usize = 15;

/// Whether any column could store this value as something else, so that the
/// catalog has to tell what this one is.
pub(crate) fn may_round(column_type: &ColumnType, value: &Value) -> bool {
    match column_type {
        ColumnType::Decimal(_) => {
            let text = text(value);
            fraction_digits(&text) > 0 || digits(&text) > FLOAT_DIGITS
        }
        // to write a time out costs more than to ask about it
        ColumnType::Time
        | ColumnType::DateTime
        | ColumnType::Timestamp
        | ColumnType::TimestampWithTimeZone
        | ColumnType::Float
        | ColumnType::Double
        | ColumnType::Json
        | ColumnType::JsonBinary
        | ColumnType::Array(_) => true,
        _ => false,
    }
}

/// Whether this column may store this value as something else.
pub(crate) fn rounds(column_type: &ColumnType, declared: &Declared, value: &Value) -> bool {
    let Some(cast) = &declared.cast else { return false };
    // what SQLite converts by itself: other types it keeps as they are
    if matches!(cast.as_str(), "REAL" | "NUMERIC") {
        return matches!(column_type, ColumnType::Decimal(_))
            && digits(&text(value)) > FLOAT_DIGITS;
    }
    match column_type {
        ColumnType::Float => !["real", "FLOAT"].contains(&cast.as_str()),
        ColumnType::Double => !["double precision", "DOUBLE"].contains(&cast.as_str()),
        ColumnType::Json | ColumnType::JsonBinary | ColumnType::Array(_) => true,
        ColumnType::Time
        | ColumnType::DateTime
        | ColumnType::Timestamp
        | ColumnType::TimestampWithTimeZone => declared.fraction_digits.is_some(),
        _ => declared.fraction_digits.is_some_and(|kept| fraction_digits(&text(value)) > kept),
    }
}

/// Whether the column type holds text.
pub(crate) fn is_text(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text)
}

/// Whether two texts differ in nothing but trailing blanks.
pub(crate) fn differ_in_blanks(left: &Value, right: &Value) -> bool {
    let (Value::String(Some(left)), Value::String(Some(right))) = (left, right) else {
        return false;
    };
    left != right && left.trim_end_matches(' ') == right.trim_end_matches(' ')
}

fn text(value: &Value) -> String {
    SqliteQueryBuilder.value_to_string(value)
}

/// The digits after the point, without trailing zeros: 2 in `10.250`.
fn fraction_digits(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.trim_end_matches('0').len())
}

fn digits(text: &str) -> usize {
    text.chars().filter(char::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_after_the_point_are_counted_without_trailing_zeros() {
        for (text, expected) in [("10", 0), ("10.250", 2), ("-0.001", 3), ("5.000", 0)] {
            assert_eq!(fraction_digits(text), expected, "{text}");
        }
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

//! Values that a backend cannot store at all, found before any I/O.
//!
//! A value that a column merely rounds or shortens is not the business of
//! this module.

use std::any::Any;

use sea_orm::{DbBackend, Value};

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
        value if *value == value.as_null() => Some(KeyFault::Missing),
        _ => None,
    }
}

/// The fault of a value on a backend. The usual types are looked at in place,
/// the others as a [`Value`].
pub(crate) fn value_fault<T: Any + Clone + Into<Value>>(
    value: &T,
    backend: DbBackend,
) -> Option<ValueFault> {
    if backend == DbBackend::MySql {
        return None;
    }
    let any: &dyn Any = value;
    if let Some(text) = any.downcast_ref::<String>() {
        return text_fault(text, backend);
    }
    if let Some(text) = any.downcast_ref::<Option<String>>() {
        return text_fault(text.as_ref()?, backend);
    }
    if is_harmless(any) {
        return None;
    }
    fault(&value.clone().into(), backend)
}

fn is_harmless(any: &dyn Any) -> bool {
    fn is<T: 'static>(any: &dyn Any) -> bool {
        any.is::<T>() || any.is::<Option<T>>()
    }
    is::<i32>(any) || is::<i64>(any) || is::<i16>(any) || is::<bool>(any) || is::<f64>(any)
}

fn text_fault(text: &str, backend: DbBackend) -> Option<ValueFault> {
    (backend == DbBackend::Postgres && text.contains('\0')).then_some(ValueFault::NulCharacter)
}

fn fault(value: &Value, backend: DbBackend) -> Option<ValueFault> {
    match value {
        Value::String(Some(text)) => text_fault(text, backend),
        Value::Char(Some(char)) => text_fault(char.encode_utf8(&mut [0; 4]), backend),
        Value::BigUnsigned(Some(number)) if i64::try_from(*number).is_err() => {
            Some(ValueFault::AboveI64)
        }
        Value::Array(_, Some(elements)) => elements.iter().find_map(|element| match element {
            Value::TinyUnsigned(_) => Some(ValueFault::ByteArray),
            null if *null == null.as_null() => Some(ValueFault::NullInArray),
            element => fault(element, backend),
        }),
        _ => None,
    }
}

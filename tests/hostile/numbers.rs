//! Integers, floats and decimals.

use std::str::FromStr;

use sea_orm::{
    DbBackend,
    prelude::{BigDecimal, Decimal},
};

use crate::column::{Column, Place, columns};

columns! {
    tiny_integer: Column::new([1, 2], [i8::MIN, -1, 0, i8::MAX])
        .step(|value, _| value.checked_add(1))
        .missing(NO_I8);
    small_integer: Column::new([1, 2], [i16::MIN, -1, 0, i16::MAX])
        .step(|value, _| value.checked_add(1));
    integer: Column::new([1, 2], [i32::MIN, -1, 0, i32::MAX])
        .step(|value, _| value.checked_add(1))
        .declared(narrow);
    big_integer: Column::new([1, 2], [i64::MIN, -1, 0, i64::MAX, 1 << 53, (1 << 53) + 1])
        .step(|value, _| value.checked_add(1));
    tiny_unsigned: Column::new([1, 2], [0, u8::MAX])
        .step(|value, _| value.checked_add(1))
        .missing(NO_UNSIGNED);
    small_unsigned: Column::new([1, 2], [0, u16::MAX])
        .step(|value, _| value.checked_add(1))
        .missing(NO_UNSIGNED);
    unsigned: Column::new([1, 2], [0, u32::MAX])
        .step(|value, _| value.checked_add(1))
        .missing(NO_U32);
    big_unsigned: Column::new([1, 2], [0, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX])
        .step(|value, _| value.checked_add(1))
        .missing(NO_U64);
    float: Column::new([1.5, 2.5], floats())
        .near(same_f32)
        .step(|value, _| Some(value.next_down()).filter(|value| value.is_finite()));
    double: Column::new([1.5, 2.5], doubles())
        .near(same_f64)
        .step(next_double)
        .declared(doubles_in);
    decimal: Column::new([1.into(), 2.into()], decimals())
        .near(near_decimal)
        .step(next_decimal)
        .declared(numerics);
    big_decimal: Column::new([1.into(), 2.into()], big_decimals())
        .near(near_big_decimal)
        .step(next_big_decimal)
        .declared(numerics);
}

const NO_I8: &[(DbBackend, &str)] =
    &[(DbBackend::Postgres, "SeaORM declares smallint and decodes \"char\"")];
const NO_UNSIGNED: &[(DbBackend, &str)] =
    &[(DbBackend::Postgres, "SeaORM does not decode unsigned integers")];
const NO_U32: &[(DbBackend, &str)] =
    &[(DbBackend::Postgres, "SeaORM declares bigint and decodes integer")];
const NO_U64: &[(DbBackend, &str)] = &[
    (DbBackend::Postgres, "SeaORM does not decode unsigned integers"),
    (DbBackend::Sqlite, "SeaORM does not decode u64"),
];

/// A hundredth less in `double(10, 2)`, else the next lower number.
fn next_double(value: &f64, at: Place) -> Option<f64> {
    let next = match at.digits() {
        Some(_) => value - 0.01,
        None => value.next_down(),
    };
    (next.is_finite() && next != *value).then_some(next)
}

/// The digits that a decimal column keeps after the point.
fn scale(at: Place) -> u32 {
    at.digits().unwrap_or(match at.backend {
        DbBackend::MySql => 0,
        DbBackend::Postgres if at.declared.is_some() => 2,
        _ => 6,
    })
}

/// Less by one in the last digit that the column keeps; SQLite keeps 15 in all.
fn next_decimal(value: &Decimal, at: Place) -> Option<Decimal> {
    let unit = match at.backend {
        DbBackend::Sqlite => value.abs() / Decimal::from(10_000_000_000_000_i64),
        _ => Decimal::new(1, scale(at)),
    };
    value.checked_sub(unit).filter(|next| next != value)
}

fn next_big_decimal(value: &BigDecimal, at: Place) -> Option<BigDecimal> {
    let unit = match at.backend {
        DbBackend::Sqlite => value.abs() / BigDecimal::from(10_000_000_000_000_i64),
        _ => BigDecimal::new(1.into(), scale(at).into()),
    };
    Some(value - unit).filter(|next| next != value)
}

/// Columns that hold less than an `i32`.
fn narrow(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::MySql => &["smallint"],
        _ => &[],
    }
}

fn doubles_in(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::MySql => &["double(10, 2)"],
        _ => &[],
    }
}

pub fn numerics(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Sqlite => &[],
        DbBackend::Postgres => &["numeric(12, 2)", "numeric(38, 10)", "price"],
        _ => &["numeric(12, 2)", "numeric(38, 10)"],
    }
}

pub fn floats() -> Vec<f32> {
    vec![
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        -0.0,
        f32::MIN,
        f32::MAX,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        f32::EPSILON,
        0.1 + 0.2,
        16_777_217.0,
        1.0 / 3.0,
    ]
}

pub fn doubles() -> Vec<f64> {
    vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        f64::EPSILON,
        0.1 + 0.2,
        1e308,
        1e15 + 0.3,
        9_007_199_254_740_993.0,
        10.005,
    ]
}

pub fn decimals() -> Vec<Decimal> {
    let mut values: Vec<_> = [
        "0",
        "-0",
        "0.00",
        "2.5000",
        "10.005",
        "0.0000000000000000000000000001",
        "-0.0000000000000000000000000001",
        "1234567890.123456789012345678",
        "7.9228162514264337593543950335",
        "9999999999.99",
        "0.1",
        "123456789012345678",
    ]
    .into_iter()
    .filter_map(|text| Decimal::from_str(text).ok())
    .collect();
    values.extend([Decimal::MAX, Decimal::MIN]);
    values
}

fn big_decimals() -> Vec<BigDecimal> {
    let long = "9".repeat(200);
    let small = format!("0.{}1", "0".repeat(200));
    [
        "0",
        "-0.000",
        "10.005",
        "1E3",
        "1E-30",
        "1E400",
        "1E-400",
        "1E200000",
        "1E-20000",
        "123456789012345678901234567890.123456789",
        &long,
        &small,
    ]
    .into_iter()
    .filter_map(|text| BigDecimal::from_str(text).ok())
    .collect()
}

fn same_f32(left: &f32, right: &f32) -> bool {
    left == right || (left.is_nan() && right.is_nan())
}

/// Equal, or rounded to the hundredth.
fn same_f64(left: &f64, right: &f64) -> bool {
    left == right || (left.is_nan() && right.is_nan()) || (left - right).abs() <= 0.005
}

/// Rounded, at most to an integer; SQLite keeps 15 digits.
pub fn near_decimal(left: &Decimal, right: &Decimal) -> bool {
    let difference = left.checked_sub(*right).unwrap_or(Decimal::MAX).abs();
    let size = left.abs() / Decimal::from(100_000_000_000_000_i64);
    difference <= Decimal::new(5, 1) || difference <= size
}

fn near_big_decimal(left: &BigDecimal, right: &BigDecimal) -> bool {
    let difference = (left - right).abs();
    let size = left.abs() / BigDecimal::from(100_000_000_000_000_i64);
    difference <= BigDecimal::new(5.into(), 1) || difference <= size
}

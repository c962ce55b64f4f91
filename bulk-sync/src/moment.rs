//! Dates with a time as numbers, so that Rust can round many of them as a
//! column does.
//!
//! Which way a column rounds is not assumed: PostgreSQL rounds, MariaDB cuts,
//! and MySQL does one or the other by its settings. The database casts a few
//! telling moments, and the rule that explains all its answers stands for the
//! rest. Where none does, it is asked about every value.

use sea_orm::Value;

/// The start of the year 2000, from which PostgreSQL and its driver count.
const START_OF_2000: i64 = 946_684_800 * SECOND;

const SECOND: i64 = 1_000_000_000;

/// What the drivers send.
const MICROSECOND: i64 = 1_000;

/// Moments further from 1970, some 250 years, are left to the database.
const FURTHEST: i64 = 8_000_000_000 * SECOND;

/// The nanoseconds since 1970, in UTC where there is no offset. `None` for leap
/// seconds, for moments far away, and for values of other types.
pub(crate) fn nanoseconds(value: &Value) -> Option<i64> {
    #[cfg(feature = "with-chrono")]
    use sea_orm::sea_query::prelude::chrono::{DateTime, Timelike, Utc};
    #[cfg(feature = "with-chrono")]
    let of_chrono = |moment: DateTime<Utc>| {
        // of a leap second, it has more
        let is_plain = i64::from(moment.nanosecond()) < SECOND;
        moment.timestamp_nanos_opt().filter(|_| is_plain)
    };
    let nanoseconds = match value {
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTime(moment) => of_chrono((*moment)?.and_utc()),
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTimeUtc(moment) => of_chrono((*moment)?),
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTimeLocal(moment) => of_chrono((*moment)?.to_utc()),
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTimeWithTimeZone(moment) => of_chrono((*moment)?.to_utc()),
        #[cfg(feature = "with-time")]
        Value::TimeDateTime(moment) => {
            (*moment)?.assume_utc().unix_timestamp_nanos().try_into().ok()
        }
        #[cfg(feature = "with-time")]
        Value::TimeDateTimeWithTimeZone(moment) => {
            (*moment)?.unix_timestamp_nanos().try_into().ok()
        }
        _ => None,
    };
    nanoseconds.filter(|nanoseconds| (-FURTHEST..=FURTHEST).contains(nanoseconds))
}

/// Whether a moment is of a type that has an offset of its own.
pub(crate) fn has_offset(value: &Value) -> bool {
    match value {
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTimeLocal(_) | Value::ChronoDateTimeWithTimeZone(_) => true,
        #[cfg(feature = "with-time")]
        Value::TimeDateTimeWithTimeZone(_) => true,
        _ => false,
    }
}

/// The year in UTC of a moment with an offset; one that no backend has where its
/// type cannot say it in UTC. `None` for values of other types.
pub(crate) fn utc_year(value: &Value) -> Option<i64> {
    #[cfg(feature = "with-chrono")]
    use sea_orm::sea_query::prelude::chrono::Datelike;
    #[cfg(feature = "with-time")]
    use sea_orm::sea_query::prelude::time::UtcOffset;
    match value {
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTimeLocal(moment) => Some((*moment)?.naive_utc().year().into()),
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTimeWithTimeZone(moment) => Some((*moment)?.naive_utc().year().into()),
        #[cfg(feature = "with-time")]
        Value::TimeDateTimeWithTimeZone(moment) => {
            let utc = (*moment)?.checked_to_offset(UtcOffset::UTC);
            Some(utc.map_or(i64::MAX, |utc| utc.year().into()))
        }
        _ => None,
    }
}

/// A moment as a value of the same type as another.
#[cfg_attr(
    not(any(feature = "with-chrono", feature = "with-time")),
    expect(unused_variables, reason = "no type has a moment")
)]
pub(crate) fn of_type(like: &Value, nanoseconds: i64) -> Option<Value> {
    #[cfg(feature = "with-chrono")]
    use sea_orm::sea_query::prelude::chrono::DateTime;
    #[cfg(feature = "with-time")]
    use sea_orm::{prelude::TimeDateTime, sea_query::prelude::time::OffsetDateTime};
    #[cfg(feature = "with-chrono")]
    let chrono = || DateTime::from_timestamp_nanos(nanoseconds);
    #[cfg(feature = "with-time")]
    let time = || OffsetDateTime::from_unix_timestamp_nanos(nanoseconds.into()).ok();
    match like {
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTime(_) => Some(chrono().naive_utc().into()),
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTimeUtc(_) => Some(chrono().into()),
        #[cfg(feature = "with-chrono")]
        Value::ChronoDateTimeWithTimeZone(_) => Some(chrono().fixed_offset().into()),
        #[cfg(feature = "with-time")]
        Value::TimeDateTime(_) => {
            time().map(|time| TimeDateTime::new(time.date(), time.time()).into())
        }
        #[cfg(feature = "with-time")]
        Value::TimeDateTimeWithTimeZone(_) => time().map(Value::from),
        _ => None,
    }
}

/// What a driver and a column together make of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// The digits that are too many are cut.
    Cut,
    /// Cut to microseconds, then rounded; half a unit is rounded up.
    HalfUp,
    /// Cut to microseconds, then rounded, both in the distance from the start
    /// of 2000; half a unit is rounded away from it.
    FromStartOf2000,
}

impl Rounding {
    /// What a column makes of a moment that keeps so many digits of a second.
    pub fn apply(self, nanoseconds: i64, digits: u32) -> i64 {
        let unit = unit(digits);
        let cut = |number: i64, unit: i64| number.div_euclid(unit) * unit;
        match self {
            Self::Cut => cut(nanoseconds, unit),
            Self::HalfUp => cut(cut(nanoseconds, MICROSECOND) + unit / 2, unit),
            Self::FromStartOf2000 => {
                let distance = nanoseconds - START_OF_2000;
                let rounded = cut(cut(distance.abs(), MICROSECOND) + unit / 2, unit);
                START_OF_2000 + distance.signum() * rounded
            }
        }
    }

    /// The rule that explains what a column has made of the
    /// [telling moments](telling_moments).
    pub fn explaining(stored: &[Option<i64>], digits: u32) -> Option<Self> {
        let moments = telling_moments(digits);
        let explains = |rule: &Self| {
            stored.len() == moments.len()
                && moments.iter().zip(stored).all(|(moment, stored)| {
                    stored.is_some_and(|stored| stored == rule.apply(*moment, digits))
                })
        };
        [Self::Cut, Self::HalfUp, Self::FromStartOf2000].into_iter().find(explains)
    }
}

/// Moments that the rules do not all round alike, or that other rules than
/// these would not: around halves of a unit, after even and odd units, before
/// and after 1970 and 2000.
pub(crate) fn telling_moments(digits: u32) -> Vec<i64> {
    let unit = unit(digits);
    let starts = [-SECOND, START_OF_2000 - SECOND, START_OF_2000 + SECOND];
    let fractions = [0, 1, unit / 2 - 1, unit / 2, unit / 2 + MICROSECOND - 1, unit - 1];
    let moments = starts.into_iter().flat_map(|start| [start, start + unit]);
    moments.flat_map(|moment| fractions.map(|fraction| moment + fraction)).collect()
}

/// The nanoseconds of the last of so many digits of a second.
fn unit(digits: u32) -> i64 {
    10_i64.pow(9_u32.saturating_sub(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [Rounding; 3] = [Rounding::Cut, Rounding::HalfUp, Rounding::FromStartOf2000];

    #[test]
    fn a_half_is_cut_rounded_up_or_rounded_away_from_2000() {
        let half = |start: i64| RULES.map(|rule| rule.apply(start + SECOND / 2, 0) - start);
        assert_eq!(half(START_OF_2000), [0, SECOND, SECOND]);
        assert_eq!(half(START_OF_2000 - 2 * SECOND), [0, SECOND, 0]);
        assert_eq!(half(-2 * SECOND), [0, SECOND, 0]);
    }

    #[test]
    fn what_is_kept_stays_as_it_is() {
        for digits in 0..=6 {
            for start in [0, START_OF_2000, -7 * SECOND] {
                let kept = start + 3 * unit(digits);
                assert_eq!(RULES.map(|rule| rule.apply(kept, digits)), [kept; 3]);
            }
        }
    }

    #[test]
    fn the_telling_moments_tell_the_rules_apart() {
        for digits in 0..=6 {
            for rule in RULES {
                let moments = telling_moments(digits).into_iter();
                let stored: Vec<_> = moments.map(|m| Some(rule.apply(m, digits))).collect();
                let explaining = Rounding::explaining(&stored, digits);
                // of microseconds, the first two keep the same
                let is_told =
                    explaining == Some(rule) || (digits == 6 && explaining == Some(Rounding::Cut));
                assert!(is_told, "{rule:?} of {digits} digits is taken for {explaining:?}");
                let mut odd = stored.clone();
                odd[3] = odd[3].map(|stored| stored + 1);
                assert_eq!(Rounding::explaining(&odd, digits), None);
                assert_eq!(Rounding::explaining(&stored[1..], digits), None);
            }
        }
    }

    #[cfg(all(feature = "with-chrono", feature = "with-time"))]
    #[test]
    fn values_of_all_types_become_numbers_and_values_again() {
        use sea_orm::prelude::{DateTimeUtc, TimeDateTimeWithTimeZone};
        let chrono = DateTimeUtc::from_timestamp(START_OF_2000 / SECOND, 5).unwrap();
        let time = TimeDateTimeWithTimeZone::from_unix_timestamp(0).unwrap();
        let naive = sea_orm::prelude::TimeDateTime::new(time.date(), time.time());
        for value in [
            Value::from(chrono),
            Value::from(chrono.naive_utc()),
            Value::from(chrono.fixed_offset()),
            Value::from(time),
            Value::from(naive),
        ] {
            let number = nanoseconds(&value).unwrap();
            assert_eq!(of_type(&value, number), Some(value));
        }
        assert_eq!(nanoseconds(&Value::from(chrono)), Some(START_OF_2000 + 5));
        assert_eq!(nanoseconds(&Value::from(DateTimeUtc::MAX_UTC)), None);
        let leap = DateTimeUtc::from_timestamp(59, 1_000_000_000).unwrap();
        assert_eq!(nanoseconds(&Value::from(leap)), None);
        assert_eq!(nanoseconds(&Value::from(1)), None);
    }
}

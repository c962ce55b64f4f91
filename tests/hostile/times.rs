//! Dates and times, of chrono and of time.

use sea_orm::{
    DbBackend,
    prelude::{
        ChronoUnixTimestamp, ChronoUnixTimestampMillis, Date, DateTime, DateTimeUtc,
        DateTimeWithTimeZone, Time, TimeDate, TimeDateTime, TimeDateTimeWithTimeZone, TimeTime,
        TimeUnixTimestamp,
    },
    sea_query::prelude::{
        chrono::{Datelike, FixedOffset, TimeDelta, TimeZone},
        time,
    },
};

use crate::column::{Column, Place, columns};

columns! {
    date: Column::new([1, 2].map(plain_date), dates())
        .step(|value, _| value.pred_opt().filter(|date| date.year() > 0));
    time: Column::new([3600, 7200].map(|second| clock(second, 0)), times())
        .near(near_time)
        .step(|value, at| Some(*value - unit(at)))
        .declared(times_in);
    date_time: Column::new([1, 2].map(plain_date_time), date_times())
        .near(|left, right| within_a_second(*left, *right))
        .step(|value, at| value.checked_sub_signed(unit(at)).filter(|time| time.year() > 0))
        .declared(date_times_in);
    date_time_utc: Column::new([1, 2].map(|day| plain_date_time(day).and_utc()), instants())
        .near(|left, right| within_a_second(left.naive_utc(), right.naive_utc()))
        .step(|value, at| value.checked_sub_signed(unit(at)).filter(|time| time.year() > 0))
        .declared(instants_in);
    date_time_with_time_zone: Column::new(
        [1, 2].map(|day| plain_date_time(day).and_utc().fixed_offset()),
        zoned(),
    )
    .near(|left, right| within_a_second(left.naive_utc(), right.naive_utc()))
    .step(|value, at| value.checked_sub_signed(unit(at)).filter(|time| time.year() > 0))
    .declared(instants_in);
    unix_timestamp: Column::new(
        [1, 2].map(|day| ChronoUnixTimestamp(plain_date_time(day).and_utc())),
        instants().into_iter().map(ChronoUnixTimestamp).collect::<Vec<_>>(),
    )
    .near(|left, right| (left.0 - right.0).abs() < SECOND * 2)
    .step(|value, _| value.0.checked_add_signed(SECOND).map(ChronoUnixTimestamp));
    unix_timestamp_millis: Column::new(
        [1, 2].map(|day| ChronoUnixTimestampMillis(plain_date_time(day).and_utc())),
        instants().into_iter().map(ChronoUnixTimestampMillis).collect::<Vec<_>>(),
    )
    .near(|left, right| (left.0 - right.0).abs() < SECOND * 2)
    .step(|value, _| {
        value.0.checked_add_signed(TimeDelta::milliseconds(1)).map(ChronoUnixTimestampMillis)
    });
    time_date: Column::new([january(2024, 1), january(2024, 2)], time_dates())
        .step(|value, _| value.previous_day().filter(|date| date.year() > 0));
    time_time: Column::new([TimeTime::MIDNIGHT, NOON], time_times())
        .near(|left, right| (*left - *right).abs() < time::Duration::SECOND)
        .step(|value, at| Some(*value - time_unit(at)))
    .declared(times_in);
    time_date_time: Column::new(
        [january(2024, 1).midnight(), january(2024, 2).midnight()],
        time_date_times(),
    )
    .near(|left, right| (*left - *right).abs() <= time::Duration::SECOND)
    .step(|value, at| value.checked_sub(time_unit(at)).filter(|time| time.year() > 0))
    .declared(date_times_in);
    time_date_time_with_time_zone: Column::new(
        [1, 2].map(|day| january(2024, day).midnight().assume_utc()),
        [time_instants(), vec![in_year_10000()]].concat(),
    )
    .near(|left, right| (*left - *right).abs() <= time::Duration::SECOND)
    .step(|value, at| value.checked_sub(time_unit(at)).filter(|time| time.year() > 0))
    .declared(instants_in);
    time_unix_timestamp: Column::new(
        [1, 2].map(|day| TimeUnixTimestamp(january(2024, day).midnight().assume_utc())),
        time_instants().into_iter().map(TimeUnixTimestamp).collect::<Vec<_>>(),
    )
    .near(|left, right| (left.0 - right.0).abs() < time::Duration::SECOND * 2);
}

/// The least that a column keeps of a second, in nanoseconds.
fn nanoseconds(at: Place) -> i64 {
    let digits = at.digits().unwrap_or(match at.backend {
        DbBackend::Sqlite => 9,
        DbBackend::Postgres => 6,
        _ => 0,
    });
    10_i64.pow(9 - digits)
}

fn unit(at: Place) -> TimeDelta {
    TimeDelta::nanoseconds(nanoseconds(at))
}

fn time_unit(at: Place) -> time::Duration {
    time::Duration::nanoseconds(nanoseconds(at))
}

const SECOND: TimeDelta = TimeDelta::seconds(1);
const NOON: TimeTime = match TimeTime::from_hms(12, 0, 0) {
    Ok(noon) => noon,
    Err(_) => TimeTime::MIDNIGHT,
};

fn times_in(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Sqlite => &[],
        _ => &["time(0)", "time(3)", "time(6)"],
    }
}

fn date_times_in(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Sqlite => &[],
        DbBackend::MySql => &["datetime(3)", "datetime(6)"],
        _ => &["timestamp(0)", "timestamp(3)"],
    }
}

fn instants_in(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Sqlite => &[],
        DbBackend::MySql => &["timestamp(6)", "datetime", "datetime(6)"],
        _ => &["timestamptz(0)", "timestamptz(3)"],
    }
}

fn plain_date(day: u32) -> Date {
    Date::from_ymd_opt(2024, 1, day).unwrap_or_default()
}

fn plain_date_time(day: u32) -> DateTime {
    plain_date(day).and_time(clock(7, 0))
}

/// A second before midnight at the latest; nanoseconds above a thousand
/// millions are a leap second.
fn clock(second: u32, nanosecond: u32) -> Time {
    Time::from_num_seconds_from_midnight_opt(second, nanosecond).unwrap_or_default()
}

/// The limits of chrono and of each backend, and the years around them.
pub fn dates() -> Vec<Date> {
    let mut dates = vec![Date::MIN, Date::MAX];
    let days = [
        (-262_142, 1, 1),
        (-4714, 11, 24),
        (-4713, 1, 1),
        (-1, 12, 31),
        (0, 1, 1),
        (1, 1, 1),
        (999, 12, 31),
        (1000, 1, 1),
        (1582, 10, 10),
        (1969, 12, 31),
        (2024, 2, 29),
        (2038, 1, 20),
        (9999, 12, 31),
        (10_000, 1, 1),
        (65_535, 1, 1),
        (65_536 + 2024, 1, 1),
        (262_142, 12, 31),
    ];
    dates
        .extend(days.iter().filter_map(|&(year, month, day)| Date::from_ymd_opt(year, month, day)));
    dates
}

pub fn times() -> Vec<Time> {
    let leap = 1_000_000_000;
    vec![
        Time::MIN,
        clock(86_399, 0),
        clock(86_399, 999_999_999),
        clock(86_399, 999_999_500),
        clock(86_399, leap),
        clock(86_399, leap + 500_000_000),
        clock(86_399, leap + 999_999_999),
        clock(59, leap),
        clock(1, 1),
        clock(1, 500),
        clock(1, 123_456_789),
        clock(1, 500_000_000),
    ]
}

pub fn date_times() -> Vec<DateTime> {
    let mut values = vec![DateTime::MIN, DateTime::MAX];
    values.extend(dates().into_iter().map(|date| date.and_time(Time::MIN)));
    values.extend(times().into_iter().map(|time| plain_date(1).and_time(time)));
    let last = Date::from_ymd_opt(9999, 12, 31).unwrap_or_default();
    values.push(last.and_time(clock(86_399, 999_999_999)));
    values
}

pub fn instants() -> Vec<DateTimeUtc> {
    date_times().into_iter().map(|value| value.and_utc()).collect()
}

fn zoned() -> Vec<DateTimeWithTimeZone> {
    let offsets = [0, 1, -1, 19_800, -43_200, 50_400, 86_399, -86_399];
    let offsets = offsets.into_iter().filter_map(FixedOffset::east_opt);
    let middle = plain_date_time(1);
    let mut values: Vec<_> =
        offsets.clone().map(|offset| offset.from_utc_datetime(&middle)).collect();
    for offset in offsets {
        values.push(offset.from_utc_datetime(&DateTime::MIN));
        values.push(offset.from_utc_datetime(&DateTime::MAX));
    }
    values.extend(instants().into_iter().map(|value| value.fixed_offset()));
    values
}

/// At most a second apart, around the clock: rounding up ends at midnight.
fn near_time(left: &Time, right: &Time) -> bool {
    let apart = (*left - *right).abs();
    apart <= SECOND || apart >= TimeDelta::days(1) - SECOND
}

fn within_a_second(left: DateTime, right: DateTime) -> bool {
    (left - right).abs() <= SECOND
}

fn january(year: i32, day: u8) -> TimeDate {
    TimeDate::from_calendar_date(year, time::Month::January, day).unwrap_or(TimeDate::MIN)
}

fn time_dates() -> Vec<TimeDate> {
    let mut dates = vec![TimeDate::MIN, TimeDate::MAX];
    let years = [-4713, -1, 0, 1, 999, 1000, 1969, 2038, 9999];
    dates.extend(years.map(|year| january(year, 1)));
    dates
}

fn time_times() -> Vec<TimeTime> {
    let time = |second, nanosecond| TimeTime::from_hms_nano(23, 59, second, nanosecond).ok();
    [(0, 0), (59, 999_999_999), (59, 1), (59, 500), (59, 123_456_789)]
        .into_iter()
        .filter_map(|(second, nanosecond)| time(second, nanosecond))
        .collect()
}

fn time_date_times() -> Vec<TimeDateTime> {
    let mut values = vec![TimeDateTime::MIN, TimeDateTime::MAX];
    values.extend(time_dates().into_iter().map(TimeDate::midnight));
    values.extend(time_times().into_iter().map(|time| january(2024, 1).with_time(time)));
    // the last second there is
    values.extend(TimeDateTime::MAX.replace_nanosecond(100_000_000));
    values
}

/// Of a year, in UTC, that the type does not have.
fn in_year_10000() -> TimeDateTimeWithTimeZone {
    let west = time::UtcOffset::from_hms(-5, 0, 0).unwrap_or(time::UtcOffset::UTC);
    TimeDateTime::MAX.truncate_to_second().assume_offset(west)
}

fn time_instants() -> Vec<TimeDateTimeWithTimeZone> {
    let mut values: Vec<_> = time_date_times().into_iter().map(TimeDateTime::assume_utc).collect();
    let offsets = [(14, 0, 0), (-12, 0, 0), (5, 30, 0), (0, 0, 1), (25, 59, 59), (-25, -59, -59)];
    let offsets =
        offsets.into_iter().filter_map(|(h, m, s)| time::UtcOffset::from_hms(h, m, s).ok());
    let middle = january(2024, 1).midnight();
    values.extend(offsets.map(|offset| middle.assume_offset(offset)));
    values
}

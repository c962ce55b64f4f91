//! JSON, enums, arrays and network addresses, and booleans.

use bulk_sync_tests::entity::typed::{Colour, Level, Settings};
use sea_orm::{
    DbBackend,
    prelude::{DateTime, Decimal, IpNetwork, Json, PgVector, Uuid},
    sea_query::prelude::{
        MacAddress,
        chrono::{Datelike, TimeDelta, Timelike},
    },
};
use serde_json::json;

use crate::{
    column::{Column, NO_ARRAYS, Place, columns},
    numbers::{self, near_decimal},
    text, times,
};

columns! {
    boolean: Column::new([false, true], [false, true]);
    json: Column::new([json!("one"), json!("two")], documents())
        .near(near_json)
        .step(|value, _| Some(json!([value])));
    json_binary: Column::new([json!("one"), json!("two")], documents())
        .near(near_json)
        .step(|value, _| Some(json!([value])));
    json_struct: Column::new([settings(json!("one")), settings(json!("two"))], settings_of_all())
        .near(near_settings);
    number_enum: Column::new([Level::Zero, Level::Lowest], [Level::Lowest, Level::Highest]);
    native_enum: Column::new([Colour::Red, Colour::Blue], [Colour::Blue, Colour::Green]);
    integers: Column::new([vec![1], vec![2]], [vec![], vec![i32::MIN, 0, i32::MAX], vec![7; 9_999]])
        .step(|value, _| longer(value, 1))
        .missing(NO_ARRAYS);
    doubles: Column::new([vec![1.0], vec![2.0]], [vec![], numbers::doubles()])
        .near(|left, right| near_doubles(left, right))
        .step(|value, _| longer(value, 0.0))
        .missing(NO_ARRAYS);
    strings: Column::new([vec!["aaa".into()], vec!["bbb".into()]], string_arrays())
        .near(|left, right| near_texts(left, right))
        .step(|value, _| longer(value, "z".to_owned()))
        .declared(strings_in)
        .missing(NO_ARRAYS);
    decimals: Column::new([vec![1.into()], vec![2.into()]], [vec![], numbers::decimals()])
        .near(|left, right| near_decimals(left, right))
        .step(|value, _| longer(value, Decimal::ONE))
        .declared(decimals_in)
        .missing(NO_ARRAYS);
    date_times: Column::new(
        [1, 2].map(|day| vec![DateTime::default() + TimeDelta::days(day)]),
        date_time_arrays(),
    )
        .near(|left, right| near_date_times(left, right))
    .step(|value, _| longer(value, DateTime::default()))
        .declared(date_times_in)
        .missing(NO_ARRAYS);
    jsons: Column::new([vec![json!("one")], vec![json!("two")]], json_arrays())
        .near(|left, right| near_jsons(left, right))
        .step(|value, _| longer(value, Json::Null))
        .missing(NO_ARRAYS);
    uuids: Column::new([vec![Uuid::nil()], vec![Uuid::max()]], [vec![], text::uuids()])
        .step(|value, _| longer(value, Uuid::nil()))
        .missing(NO_ARRAYS);
    native_enums: Column::new(
        [vec![Colour::Red], vec![Colour::Blue]],
        [vec![], vec![Colour::Green, Colour::Blue, Colour::Red, Colour::Blue]],
    )
    .step(|value, _| longer(value, Colour::Red))
    .missing(NO_ARRAYS);
    vector: Column::new([[1.0; 3], [2.0; 3]].map(three), vectors())
        .step(next_vector)
        .missing(NO_VECTORS);
    ip_network: Column::new([network("1.2.3.4/32"), network("::1/128")], networks())
        .missing(NO_NETWORKS);
    mac_address: Column::new(
        [1, 2].map(|last| MacAddress::new([0, 0, 0, 0, 0, last])),
        [[0; 6], [0xff; 6], [0x02, 0x1a, 0, 0x7f, 0x80, 9]].map(MacAddress::new),
    )
    .missing(NO_NETWORKS);
}

const NO_NETWORKS: &[(DbBackend, &str)] = &[
    (DbBackend::Sqlite, "SeaORM does not bind it"),
    (DbBackend::MySql, "SeaORM does not bind it"),
];

/// One element more.
fn longer<T: Clone>(value: &[T], last: T) -> Option<Vec<T>> {
    Some([value, &[last]].concat())
}

/// The last number is the next one.
fn next_vector(value: &PgVector, _: Place) -> Option<PgVector> {
    let mut numbers = value.to_vec();
    let last = numbers.last_mut()?;
    *last = last.next_up();
    Some(PgVector::from(numbers))
}

const NO_VECTORS: &[(DbBackend, &str)] = &[
    (DbBackend::Sqlite, "SeaORM does not bind it"),
    (DbBackend::MySql, "SeaORM does not bind it"),
];

fn decimals_in(_: DbBackend) -> &'static [&'static str] {
    &["numeric(12, 2)[]"]
}

fn date_times_in(_: DbBackend) -> &'static [&'static str] {
    &["timestamp(0)[]"]
}

pub fn documents() -> Vec<Json> {
    let deep = |depth: usize| {
        let text = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        serde_json::from_str(&text).unwrap_or(Json::Null)
    };
    vec![
        Json::Null,
        json!(null),
        json!(""),
        json!("null"),
        json!([]),
        json!({}),
        json!({"b": 1, "a": 2, "aa": 3, "": 4}),
        json!({"a": "it's \\ \" ? $1 %"}),
        json!({"a": "\u{1}\u{7f}\u{ffff}👩‍👩‍👧‍👦"}),
        json!({"a": "\0"}),
        json!({"a\0b": 1}),
        json!(1.0),
        json!(-0.0),
        json!(0.1 + 0.2),
        json!(1e308),
        json!(1e-308),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(123456789012345680.0),
        json!([null, true, {"a": [null]}]),
        deep(120),
        Json::String("x".repeat(1 << 20)),
    ]
}

fn settings(rest: Json) -> Settings {
    Settings { size: 1.5, label: "label".to_owned(), rest }
}

fn settings_of_all() -> Vec<Settings> {
    let mut all: Vec<_> = documents().into_iter().map(settings).collect();
    // not f64::MAX, which serde_json does not read as PostgreSQL's jsonb writes it, and
    // not NaN, which serde_json writes as null and does not read as a number
    all.push(Settings { size: 1e308, ..settings(Json::Null) });
    all.push(Settings { label: "a\0b".to_owned(), ..settings(Json::Null) });
    all
}

fn string_arrays() -> Vec<Vec<String>> {
    let storable: Vec<String> = text::texts()
        .into_iter()
        .filter(|text| text.len() < 1_000 && !text.contains('\0'))
        .collect();
    let short = ["", "ab ", "abc", "abc  "].map(String::from).to_vec();
    let long = vec!["x".repeat(1 << 20)];
    vec![vec![], vec![String::new()], short, vec!["a\0b".into()], storable, long]
}

fn strings_in(_: DbBackend) -> &'static [&'static str] {
    &["char(3)[]", "varchar(3)[]"]
}

fn near_texts(left: &[String], right: &[String]) -> bool {
    let near = |(left, right): (&String, &String)| text::near_text(left, right);
    left.len() == right.len() && left.iter().zip(right).all(near)
}

fn date_time_arrays() -> Vec<Vec<DateTime>> {
    let is_storable = |value: &DateTime| {
        (-4712..=262_141).contains(&value.year()) && value.nanosecond() < 1_000_000_000
    };
    let storable = times::date_times().into_iter().filter(is_storable);
    vec![vec![], times::date_times(), storable.collect()]
}

fn json_arrays() -> Vec<Vec<Json>> {
    let storable = |value: &Json| !value.to_string().contains("\\u0000");
    vec![
        vec![],
        vec![Json::Null],
        vec![json!("\0")],
        documents().into_iter().filter(storable).collect(),
    ]
}

fn three(numbers: [f32; 3]) -> PgVector {
    PgVector::from(numbers.to_vec())
}

fn vectors() -> Vec<PgVector> {
    let hostile = [
        [0.0, -0.0, 0.1 + 0.2],
        [f32::MIN, f32::MAX, f32::MIN_POSITIVE],
        [f32::NAN, 0.0, 0.0],
        [f32::INFINITY, 0.0, 0.0],
    ];
    let other_length = PgVector::from(vec![1.0; 2]);
    hostile.map(three).into_iter().chain([other_length]).collect()
}

fn network(text: &str) -> IpNetwork {
    text.parse().unwrap_or_else(|_| IpNetwork::from(std::net::IpAddr::from([0, 0, 0, 0])))
}

fn networks() -> Vec<IpNetwork> {
    ["0.0.0.0/0", "255.255.255.255/32", "10.1.2.3/8", "::/0", "fe80::1/64"].map(network).into()
}

/// Equal but for how a number is written.
fn near_json(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        (Json::Array(left), Json::Array(right)) => near_jsons(left, right),
        (Json::Object(left), Json::Object(right)) => {
            let near = |(key, value): (&String, &Json)| {
                right.get(key).is_some_and(|right| near_json(value, right))
            };
            left.len() == right.len() && left.iter().all(near)
        }
        (left, right) => left == right,
    }
}

fn near_settings(left: &Settings, right: &Settings) -> bool {
    left.size == right.size && left.label == right.label && near_json(&left.rest, &right.rest)
}

fn near_jsons(left: &[Json], right: &[Json]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| near_json(left, right))
}

fn near_doubles(left: &[f64], right: &[f64]) -> bool {
    let same = |(left, right): (&f64, &f64)| left == right || (left.is_nan() && right.is_nan());
    left.len() == right.len() && left.iter().zip(right).all(same)
}

fn near_decimals(left: &[Decimal], right: &[Decimal]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| near_decimal(l, r))
}

fn near_date_times(left: &[DateTime], right: &[DateTime]) -> bool {
    let near = |(left, right): (&DateTime, &DateTime)| (*left - *right).abs().num_seconds() <= 1;
    left.len() == right.len() && left.iter().zip(right).all(near)
}

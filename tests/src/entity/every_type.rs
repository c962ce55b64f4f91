//! A column of each usual type, and the same once more where it may be NULL.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

/// An enum that is text in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(8))")]
pub enum Size {
    /// Small.
    #[sea_orm(string_value = "S")]
    Small,
    /// Large.
    #[sea_orm(string_value = "L")]
    Large,
}

/// An enum that is a number in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i32", db_type = "Integer")]
pub enum Level {
    /// Low.
    #[sea_orm(num_value = 1)]
    Low,
    /// High.
    #[sea_orm(num_value = 9)]
    High,
}

/// Text in a type of its own, without `Hash`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
pub struct Label(pub String);

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "every_type")]
#[expect(missing_docs, reason = "they have the names of their types")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sync(key)]
    pub label: Label,
    pub size: Size,
    pub size_or_null: Option<Size>,
    pub level: Level,
    pub level_or_null: Option<Level>,
    pub json: Json,
    pub json_or_null: Option<Json>,
    pub flag: bool,
    pub flag_or_null: Option<bool>,
    pub bytes: Vec<u8>,
    pub bytes_or_null: Option<Vec<u8>>,
    pub date: Date,
    pub date_or_null: Option<Date>,
    pub time: Time,
    pub time_or_null: Option<Time>,
    pub local: DateTime,
    pub local_or_null: Option<DateTime>,
    pub instant: DateTimeUtc,
    #[sea_orm(nullable)]
    pub instant_or_null: Option<DateTimeUtc>,
    pub uuid: Uuid,
    pub uuid_or_null: Option<Uuid>,
    pub small: i16,
    pub small_or_null: Option<i16>,
    pub big: i64,
    pub big_or_null: Option<i64>,
    pub single: f32,
    pub double: f64,
    pub double_or_null: Option<f64>,
    #[sea_orm(column_type = "Decimal(Some((12, 4)))")]
    pub decimal: Decimal,
    #[sea_orm(column_type = "Decimal(Some((12, 4)))", nullable)]
    pub decimal_or_null: Option<Decimal>,
    pub text: String,
    pub text_or_null: Option<String>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A row in which every column that may be NULL is.
pub fn sparse(label: &str) -> Model {
    let date = Date::from_ymd_opt(2024, 2, 29).unwrap_or_default();
    let local = date.and_hms_opt(12, 30, 15).unwrap_or_default();
    Model {
        id: 0,
        label: Label(label.into()),
        size: Size::Small,
        size_or_null: None,
        level: Level::Low,
        level_or_null: None,
        json: serde_json(1),
        json_or_null: None,
        flag: false,
        flag_or_null: None,
        bytes: vec![0, 255, 39],
        bytes_or_null: None,
        date,
        date_or_null: None,
        time: local.time(),
        time_or_null: None,
        local,
        local_or_null: None,
        instant: local.and_utc(),
        instant_or_null: None,
        uuid: Uuid::from_u128(1),
        uuid_or_null: None,
        small: i16::MIN,
        small_or_null: None,
        big: i64::MIN,
        big_or_null: None,
        single: 1.5,
        double: 0.1,
        double_or_null: None,
        decimal: Decimal::new(123_456, 4),
        decimal_or_null: None,
        text: "O'Neill \\ \"quoted\" % 🙂 e\u{301}".into(),
        text_or_null: None,
    }
}

/// A row in which no column is NULL, and every value but the key's differs from [`sparse`].
pub fn full(label: &str) -> Model {
    let date = Date::from_ymd_opt(1999, 12, 31).unwrap_or_default();
    let local = date.and_hms_opt(23, 59, 59).unwrap_or_default();
    Model {
        id: 0,
        label: Label(label.into()),
        size: Size::Large,
        size_or_null: Some(Size::Small),
        level: Level::High,
        level_or_null: Some(Level::Low),
        json: serde_json(2),
        json_or_null: Some(serde_json(3)),
        flag: true,
        flag_or_null: Some(false),
        bytes: vec![1],
        bytes_or_null: Some(Vec::new()),
        date,
        date_or_null: Some(date),
        time: local.time(),
        time_or_null: Some(local.time()),
        local,
        local_or_null: Some(local),
        instant: local.and_utc(),
        instant_or_null: Some(local.and_utc()),
        uuid: Uuid::from_u128(u128::MAX),
        uuid_or_null: Some(Uuid::nil()),
        small: i16::MAX,
        small_or_null: Some(0),
        big: i64::MAX,
        big_or_null: Some(-1),
        single: -0.25,
        double: 1e-9,
        double_or_null: Some(0.0),
        decimal: Decimal::new(-1, 4),
        decimal_or_null: Some(Decimal::new(99_999_999, 0)),
        text: String::new(),
        text_or_null: Some("x".repeat(255)),
    }
}

fn serde_json(number: i32) -> Json {
    Json::Object(
        [("number".into(), number.into()), ("list".into(), vec![number].into())]
            .into_iter()
            .collect(),
    )
}

//! Every column type, each in a table of the same shape: a number, a value of
//! the type, the same type where it can be NULL, and a note behind them that
//! shows when a value has slipped into the wrong column.

use std::fmt::Debug;

use bulk_sync::SyncKey;
use sea_orm::{
    FromJsonQueryResult, IntoActiveModel, entity::prelude::*, sea_query::prelude::MacAddress,
};
use serde::{Deserialize, Serialize};

/// The name of the table, whatever the type.
pub const TABLE: &str = "typed";

/// The entity of one type.
pub trait Typed:
    EntityTrait<
        Model: SyncKey + PartialEq + Sync + IntoActiveModel<Self::ActiveModel>,
        ActiveModel: Send + Sync,
    >
{
    /// The type.
    type Type: Clone + Debug + PartialEq + Into<Value> + Send + Sync + 'static;

    /// The column that is the key unless a call says otherwise.
    const NUMBER: Self::Column;
    /// The column of the type.
    const VALUE: Self::Column;
    /// The same, where it can be NULL.
    const OPTIONAL: Self::Column;
    /// The last column.
    const NOTE: Self::Column;

    /// A model; the database gives it its primary key.
    fn model(row: TypedRow<Self::Type>) -> Self::Model;

    /// The primary key of a model, and the rest.
    fn row(model: &Self::Model) -> (i32, TypedRow<Self::Type>);
}

/// What a model holds besides its primary key.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedRow<T> {
    /// The key unless a call says otherwise.
    pub number: i32,
    /// A value of the type.
    pub value: T,
    /// The same, where it can be NULL.
    pub optional: Option<T>,
    /// Text behind them.
    pub note: String,
}

/// Defines a module with an entity for each type: its name, the Rust type, and
/// the column type where the one of the Rust type is not meant.
macro_rules! typed {
    ($($(#[$doc:meta])* $module:ident: $type:ty $(as $column_type:literal)?;)*) => {
        $($(#[$doc])* pub mod $module {
            #[allow(unused_imports, reason = "not every type needs a name from outside")]
            use super::*;

            /// A row.
            #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
            #[sea_orm(table_name = "typed")]
            pub struct Model {
                /// Given by the database.
                #[sea_orm(primary_key)]
                pub id: i32,
                /// The key.
                #[sync(key)]
                pub number: i32,
                /// A value of the type.
                $(#[sea_orm(column_type = $column_type)])?
                pub value: $type,
                /// The same, where it can be NULL.
                $(#[sea_orm(column_type = $column_type, nullable)])?
                pub optional: Option<$type>,
                /// Text behind them.
                pub note: String,
            }

            /// None.
            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}

            impl Typed for Entity {
                type Type = $type;

                const NUMBER: Column = Column::Number;
                const VALUE: Column = Column::Value;
                const OPTIONAL: Column = Column::Optional;
                const NOTE: Column = Column::Note;

                fn model(row: TypedRow<$type>) -> Model {
                    let TypedRow { number, value, optional, note } = row;
                    Model { id: 0, number, value, optional, note }
                }

                fn row(model: &Model) -> (i32, TypedRow<$type>) {
                    let Model { id, number, value, optional, note } = model.clone();
                    (id, TypedRow { number, value, optional, note })
                }
            }
        })*
    };
}

typed! {
    /// `i8`
    tiny_integer: i8;
    /// `i16`
    small_integer: i16;
    /// `i32`
    integer: i32;
    /// `i64`
    big_integer: i64;
    /// `u8`
    tiny_unsigned: u8;
    /// `u16`
    small_unsigned: u16;
    /// `u32`
    unsigned: u32;
    /// `u64`
    big_unsigned: u64;
    /// `f32`
    float: f32;
    /// `f64`
    double: f64;
    /// `Decimal`
    decimal: Decimal;
    /// `BigDecimal`
    big_decimal: BigDecimal;
    /// `bool`
    boolean: bool;
    /// `String` with the length that a backend gives it
    string: String;
    /// `String` of at most three characters
    short_string: String as "String(StringLen::N(3))";
    /// `String` padded to three characters
    fixed_string: String as "Char(Some(3))";
    /// `String` of any length
    text: String as "Text";
    /// `Vec<u8>`
    bytes: Vec<u8>;
    /// `Uuid`
    uuid: Uuid;
    /// `TextUuid`
    text_uuid: TextUuid;
    /// `chrono::NaiveDate`
    date: Date;
    /// `chrono::NaiveTime`
    time: Time;
    /// `chrono::NaiveDateTime`
    date_time: DateTime;
    /// `chrono::DateTime<Utc>`
    date_time_utc: DateTimeUtc;
    /// `chrono::DateTime<FixedOffset>`
    date_time_with_time_zone: DateTimeWithTimeZone;
    /// `ChronoUnixTimestamp`
    unix_timestamp: ChronoUnixTimestamp;
    /// `ChronoUnixTimestampMillis`
    unix_timestamp_millis: ChronoUnixTimestampMillis;
    /// `TimeUnixTimestamp`
    time_unix_timestamp: TimeUnixTimestamp;
    /// `time::Date`
    time_date: TimeDate;
    /// `time::Time`
    time_time: TimeTime;
    /// `time::PrimitiveDateTime`
    time_date_time: TimeDateTime;
    /// `time::OffsetDateTime`
    time_date_time_with_time_zone: TimeDateTimeWithTimeZone;
    /// JSON as text
    json: Json;
    /// JSON as the database holds it best
    json_binary: Json as "JsonBinary";
    /// A struct as JSON
    json_struct: Settings;
    /// An enum as text
    text_enum: Size;
    /// An enum as a number
    number_enum: Level;
    /// An enum that the database knows
    native_enum: Colour;
    /// A newtype of text
    newtype: Code;
    /// `Vec<i32>`
    integers: Vec<i32>;
    /// `Vec<f64>`
    doubles: Vec<f64>;
    /// `Vec<String>`
    strings: Vec<String>;
    /// `Vec<Decimal>`
    decimals: Vec<Decimal>;
    /// `Vec<NaiveDateTime>`
    date_times: Vec<DateTime>;
    /// `Vec<Json>`
    jsons: Vec<Json>;
    /// `Vec<Uuid>`
    uuids: Vec<Uuid>;
    /// Enums that the database knows
    native_enums: Vec<Colour>;
    /// `pgvector::Vector`
    vector: PgVector as "Vector(Some(3))";
    /// `IpNetwork`
    ip_network: IpNetwork;
    /// `MacAddress`
    mac_address: MacAddress;
}

/// Stored as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Settings {
    /// A number.
    pub size: f64,
    /// Any text.
    pub label: String,
    /// Any JSON.
    pub rest: Json,
}

/// Stored as text.
#[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub enum Size {
    /// Small.
    #[sea_orm(string_value = "small")]
    Small,
    /// A name with a quote and a backslash.
    #[sea_orm(string_value = "it's \\ big")]
    Big,
    /// No name.
    #[sea_orm(string_value = "")]
    Empty,
}

/// Stored as a number.
#[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i32", db_type = "Integer")]
pub enum Level {
    /// 0.
    #[sea_orm(num_value = 0)]
    Zero,
    /// The lowest number.
    #[sea_orm(num_value = -2147483648)]
    Lowest,
    /// The highest number.
    #[sea_orm(num_value = 2147483647)]
    Highest,
}

/// Stored as the database's own enum.
#[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "colour")]
pub enum Colour {
    /// Red.
    #[sea_orm(string_value = "red")]
    Red,
    /// A name with blanks; SeaORM declares no enum with a quote on MySQL.
    #[sea_orm(string_value = "so blue")]
    Blue,
    /// A name that is not ASCII.
    #[sea_orm(string_value = "grün")]
    Green,
}

/// Stored as what it wraps.
#[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
pub struct Code(pub String);

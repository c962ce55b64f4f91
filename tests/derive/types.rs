//! Types of columns, and how their values are compared.

use bulk_sync::{__private::Row, SyncKey};
use sea_orm::{DeriveValueType, JsonValue, prelude::Decimal};

use crate::{assert_access, roles};

mod typed {
    use bulk_sync::SyncKey;
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "colour")]
    pub enum Colour {
        #[sea_orm(string_value = "red")]
        Red,
        #[sea_orm(string_value = "blue")]
        Blue,
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
    pub struct Code(pub String);

    /// Comparable, but neither `Eq` nor `Hash`.
    #[derive(Clone, Debug, PartialEq, DeriveValueType)]
    pub struct Opaque(pub i32);

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Settings {
        pub size: f64,
    }

    #[derive(Clone, Debug, DeriveEntityModel, SyncKey)]
    #[sea_orm(table_name = "thing")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sync(key)]
        pub code: Code,
        #[sync(key)]
        pub colour: Colour,
        #[sync(key)]
        pub opaque: Opaque,
        pub paint: Option<Colour>,
        pub parent: Option<i64>,
        pub json: Json,
        pub settings: Settings,
        pub bytes: Vec<u8>,
        pub ratio: f64,
        pub price: Option<Decimal>,
        #[sync(with = "crate::types::close")]
        pub weight: f32,
        #[sync(with = "str::eq_ignore_ascii_case")]
        pub unit: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Equal to two decimals.
fn close(left: &f32, right: &f32) -> bool {
    (left - right).abs() < 0.01
}

fn thing() -> typed::Model {
    typed::Model {
        id: 1,
        code: typed::Code("two".to_owned()),
        colour: typed::Colour::Red,
        opaque: typed::Opaque(4),
        paint: None,
        parent: Some(6),
        json: sea_orm::prelude::Json::Null,
        settings: typed::Settings { size: 8.5 },
        bytes: vec![9, 10],
        ratio: 0.5,
        price: Some(Decimal::new(12, 1)),
        weight: 13.0,
        unit: "kg".to_owned(),
    }
}

/// The columns in which the two differ.
fn differing(left: &typed::Model, right: &typed::Model) -> Vec<String> {
    typed::Model::fields()
        .iter()
        .filter(|field| !field.same(Row::Model(left), Row::Model(right)))
        .map(|field| format!("{:?}", field.column()))
        .collect()
}

#[test]
fn each_type_is_read_compared_and_hashed() {
    assert_access(&thing());
    assert_eq!(roles::<typed::Model>()[1..4], ["Code Key", "Colour Key", "Opaque Key"]);
}

/// No field of a Model that SeaORM derives: its `ActiveModel` needs `PartialEq`.
#[derive(Clone, Debug, DeriveValueType)]
struct Incomparable(i32);

#[test]
fn a_type_without_eq_is_compared_as_a_value() {
    use bulk_sync::__private::{Probe, SameByEq as _, SameByValue as _};
    let probe = &Probe::<Incomparable>::new();
    assert!(probe.same(&Incomparable(1), &Incomparable(1)));
    assert!(!probe.same(&Incomparable(1), &Incomparable(2)));
    let probe = &Probe::<i32>::new();
    assert!(probe.same(&1, &1));
}

#[test]
fn a_type_with_eq_is_compared_by_it() {
    let mut other = thing();
    other.price = Some(Decimal::new(120, 2));
    assert!(differing(&thing(), &other).is_empty());
    other.colour = typed::Colour::Blue;
    other.paint = Some(typed::Colour::Red);
    other.json = JsonValue::from("text");
    assert_eq!(differing(&thing(), &other), ["Colour", "Paint", "Json"]);
}

#[test]
fn nan_is_the_same_as_itself() {
    let nan = typed::Model { ratio: f64::NAN, ..thing() };
    assert!(differing(&nan, &nan).is_empty());
    assert_eq!(differing(&nan, &thing()), ["Ratio"]);
}

#[test]
fn with_replaces_the_comparison() {
    let near = typed::Model { weight: 13.001, unit: "KG".to_owned(), ..thing() };
    assert!(differing(&thing(), &near).is_empty());
    let far = typed::Model { weight: 13.1, ..thing() };
    assert_eq!(differing(&thing(), &far), ["Weight"]);
}

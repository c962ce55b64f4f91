//! Tables of three column types each, drawn from the table of types.

use bulk_sync_tests::database::Server;
use libtest_mimic::Failed;
use sea_orm::DbBackend;

use crate::{slot::Slot, subject::Subject};

/// The name of the table, whatever the types.
pub const TABLE: &str = "mixed";

/// An entity of three column types: each once as it is, and once as a column
/// that can be NULL.
pub trait Mixed: Subject {
    /// The types.
    fn slots() -> [Slot; 3];
}

/// The test of an entity.
pub struct Group {
    /// The name of the entity.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(Server) -> Result<(), Failed>,
    /// Its types.
    slots: fn() -> [Slot; 3],
}

impl Group {
    /// Whether a backend has the types.
    pub fn is_on(&self, backend: DbBackend) -> bool {
        (self.slots)().iter().all(|slot| slot.is_on(backend))
    }
}

/// Defines an entity and its test for each three types of the table.
macro_rules! mixed {
    ($($name:ident: $a:ident::$first:ident, $b:ident::$second:ident, $c:ident::$third:ident;)*) => {
        $(mod $name {
            use bulk_sync::SyncKey;
            use bulk_sync_tests::entity::typed::{self, Typed};
            use sea_orm::entity::prelude::*;

            use crate::{mixed::Mixed, slot::Slot, subject::Subject};

            type First = <typed::$first::Entity as Typed>::Type;
            type Second = <typed::$second::Entity as Typed>::Type;
            type Third = <typed::$third::Entity as Typed>::Type;

            #[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
            #[sea_orm(table_name = "mixed")]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i64,
                #[sync(key)]
                pub company: i32,
                #[sync(key)]
                pub number: i32,
                pub level: Option<i32>,
                pub first: First,
                pub first_or_null: Option<First>,
                pub second: Second,
                pub second_or_null: Option<Second>,
                pub third: Third,
                pub third_or_null: Option<Third>,
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}

            impl Subject for Entity {}

            impl Mixed for Entity {
                fn slots() -> [Slot; 3] {
                    [
                        Slot::new::<typed::$first::Entity>(stringify!($first), crate::$a::$first()),
                        Slot::new::<typed::$second::Entity>(
                            stringify!($second),
                            crate::$b::$second(),
                        ),
                        Slot::new::<typed::$third::Entity>(stringify!($third), crate::$c::$third()),
                    ]
                }
            }
        })*

        pub const GROUPS: &[Group] = &[$(Group {
            name: stringify!($name),
            run: crate::drawn::run::<$name::Entity>,
            slots: <$name::Entity as Mixed>::slots,
        }),*];
    };
}

// each type of the table, those that a backend does not have together; but for
// `text_uuid`, which has no NULL, and `vector`, which the tested servers do not have
mixed! {
    small_integers_and: numbers::small_integer, text::string, times::date_time_utc;
    integers_and: numbers::integer, text::text, documents::json;
    big_integers_and: numbers::big_integer, text::fixed_string, times::time;
    floats_and: numbers::float, text::uuid, times::date;
    doubles_and: numbers::double, text::newtype, times::date_time;
    decimals_and: numbers::decimal, text::text_enum, times::date_time_with_time_zone;
    big_decimals_and: numbers::big_decimal, text::bytes, times::time_date_time;
    booleans_and: documents::boolean, text::short_string, documents::json_binary;
    numbered_enums_and: documents::number_enum, documents::json_struct, times::time_time;
    native_enums_and: documents::native_enum, times::unix_timestamp, times::time_date;
    unix_timestamps: times::unix_timestamp_millis, times::time_unix_timestamp, text::uuid;
    zoned_times_and: times::time_date_time_with_time_zone, numbers::decimal, text::string;
    // not on PostgreSQL
    tiny_integers: numbers::tiny_integer, numbers::tiny_unsigned, numbers::small_unsigned;
    unsigned_integers: numbers::unsigned, text::text, times::date_time;
    // MySQL alone
    big_unsigned_integers: numbers::big_unsigned, numbers::double, documents::json;
    // PostgreSQL alone
    arrays_of_numbers: documents::integers, documents::doubles, documents::decimals;
    arrays_of_others: documents::strings, documents::uuids, documents::date_times;
    arrays_of_enums_and: documents::native_enums, documents::strings, documents::decimals;
    documents_and_networks: documents::jsons, documents::ip_network, documents::mac_address;
}

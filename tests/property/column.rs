//! The table of column types that the hostile values are tested with, read as
//! values to draw from.

pub use bulk_sync_tests::column::{Column, NO_ARRAYS, Place};

/// Makes a function of each type that gives its [`Column`].
macro_rules! columns {
    ($($name:ident: $column:expr;)*) => {
        $(pub fn $name() -> $crate::column::Column<
            <bulk_sync_tests::entity::typed::$name::Entity
                as bulk_sync_tests::entity::typed::Typed>::Type,
        > {
            $column
        })*
    };
}
pub(crate) use columns;

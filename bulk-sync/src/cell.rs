//! Cells of a result, looked at where the driver holds them.
//!
//! Most rows are as they should be, and what is not copied out of a row costs
//! nothing. Whatever cannot be told here is `None`: the row is then decoded by
//! SeaORM, which knows all types and has the errors.

use std::{any::Any, hash::Hash};

use sea_orm::{EntityTrait, QueryResult, TryGetable};

#[cfg(feature = "sqlx")]
#[allow(unused_imports, reason = "of a trait that is there in case a driver is not")]
use self::driver::{DriverRow, WithoutDriver};
#[cfg(all(feature = "sqlx", feature = "with-rust_decimal"))]
use crate::rounding::nearest_float;
use crate::{
    columns::{Columns, Position, index_in},
    field::{Access, KeyHasher, Row, by_value},
};

/// The columns of a result that decide whether a row is as it should be, each
/// with its place in the result.
pub(crate) struct Layout {
    /// The columns of the key.
    pub key: Vec<(usize, Position)>,
    /// The compared columns.
    pub compared: Vec<(usize, Position)>,
}

impl Layout {
    /// The layout of a result with the columns at these positions.
    pub fn new<E: EntityTrait>(columns: &Columns<E>, positions: &[Position]) -> Self {
        let place = |wanted: &Position| {
            let index = positions.iter().position(|position| position == wanted)?;
            Some((index, *wanted))
        };
        Self {
            key: columns.key.iter().filter_map(place).collect(),
            compared: columns.compared.iter().filter_map(place).collect(),
        }
    }
}

/// A row of a result that is not decoded.
#[derive(Clone, Copy)]
pub(crate) struct RawRow<'r> {
    /// The row.
    pub result: &'r QueryResult,
    /// Whether the types of the columns are to be looked at: where they are
    /// those of the result, one row of it tells.
    #[cfg_attr(not(feature = "sqlx"), expect(dead_code, reason = "no driver's rows are known"))]
    pub is_first: bool,
}

/// A cell of such a row.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'r> {
    row: RawRow<'r>,
    index: usize,
}

impl<'r> Cell<'r> {
    /// The cell of the column of that name, which should be at the index.
    pub fn new(row: RawRow<'r>, index: usize, name: &str) -> Self {
        Self { row, index: index_in(row.result, index, name) }
    }

    /// The text in the cell.
    #[cfg(feature = "sqlx")]
    fn text(self) -> Option<Text<'r>> {
        let RawRow { result, is_first } = self.row;
        if let Some(row) = result.try_as_pg_row() {
            return row.text(self.index, is_first);
        }
        if let Some(row) = result.try_as_mysql_row() {
            return row.text(self.index, is_first);
        }
        // on SQLite each value has a type of its own
        result.try_as_sqlite_row()?.text(self.index, true)
    }

    #[cfg(not(feature = "sqlx"))]
    #[expect(clippy::unused_self, reason = "no driver's rows are known")]
    fn text(self) -> Option<Text<'r>> {
        None
    }

    /// Whether SQLite stores the decimal as the float in the cell. To read a
    /// decimal from that takes longer.
    #[cfg(all(feature = "sqlx", feature = "with-rust_decimal"))]
    fn is_float_of(self, value: &dyn Any) -> bool {
        use sea_orm::prelude::Decimal;
        let optional = || value.downcast_ref::<Option<Decimal>>().and_then(Option::as_ref);
        let Some(row) = self.row.result.try_as_sqlite_row() else { return false };
        let float = value.downcast_ref().or_else(optional).and_then(nearest_float);
        float.is_some() && float == row.float(self.index)
    }

    #[cfg(not(all(feature = "sqlx", feature = "with-rust_decimal")))]
    #[expect(clippy::unused_self, reason = "there is no such decimal, or no driver's row")]
    fn is_float_of(self, _: &dyn Any) -> bool {
        false
    }

    fn decode<T: TryGetable>(self) -> Option<T> {
        T::try_get_by_index(self.row.result, self.index).ok()
    }
}

/// Whether the cell has the value of the row, which is set.
pub(crate) fn same_cell<A: Access>(cell: Cell<'_>, desired: Row<'_, A::Entity>) -> Option<bool> {
    let desired = desired.cell::<A>()?;
    if A::COMPARES_BY_FUNCTION {
        return Some(A::same(&cell.decode()?, desired));
    }
    match Text::of::<A>(desired) {
        Some(text) => Some(cell.text()? == text),
        None => Some(cell.is_float_of(desired) || A::same(&cell.decode()?, desired)),
    }
}

/// The same, whatever the derive's `with` holds equal.
pub(crate) fn stored_cell<A: Access>(cell: Cell<'_>, planned: Row<'_, A::Entity>) -> Option<bool> {
    let planned = planned.cell::<A>()?;
    match Text::of::<A>(planned) {
        Some(text) => Some(cell.text()? == text),
        None => Some(by_value(&cell.decode()?, planned)),
    }
}

/// A text, or NULL.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Text<'t>(Option<&'t str>);

impl<'t> Text<'t> {
    /// The text that a value of the usual types holds.
    fn of<A: Access>(value: &'t A::Type) -> Option<Self> {
        let any: &dyn Any = value;
        let text = any.downcast_ref::<String>().map(|text| Self(Some(text)));
        text.or_else(|| any.downcast_ref::<Option<String>>().map(|text| Self(text.as_deref())))
    }
}

/// Feeds the value of the cell to the hasher.
pub(crate) fn hash_cell<A: Access>(cell: Cell<'_>, state: &mut KeyHasher) -> Option<()> {
    if std::any::TypeId::of::<A::Type>() == std::any::TypeId::of::<String>() {
        cell.text()?.0?.hash(state);
    } else {
        A::hash(&cell.decode()?, state);
    }
    Some(())
}

/// The rows of SeaORM's drivers.
#[cfg(feature = "sqlx")]
mod driver {
    use sea_orm::{
        QueryResult,
        sqlx::{ColumnIndex, Decode, Row, Type},
    };

    use super::Text;

    /// A row of a driver.
    pub(super) trait DriverRow {
        /// The text in a cell; of the type that the column has, or of any.
        fn text(&self, index: usize, check_type: bool) -> Option<Text<'_>>;

        /// The float in a cell.
        #[cfg_attr(not(feature = "with-rust_decimal"), expect(dead_code, reason = "of decimals"))]
        fn float(&self, index: usize) -> Option<f64>;
    }

    impl<R: Row> DriverRow for R
    where
        usize: ColumnIndex<R>,
        for<'r> &'r str: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> f64: Decode<'r, R::Database> + Type<R::Database>,
    {
        fn text(&self, index: usize, check_type: bool) -> Option<Text<'_>> {
            let text = if check_type { self.try_get(index) } else { self.try_get_unchecked(index) };
            text.ok().map(Text)
        }

        fn float(&self, index: usize) -> Option<f64> {
            // a NULL of SQLite is decoded as 0
            self.try_get(index).ok().flatten()
        }
    }

    /// The row of a driver that SeaORM is built without: there is none.
    pub(super) enum Never {}

    impl DriverRow for Never {
        fn text(&self, _: usize, _: bool) -> Option<Text<'_>> {
            match *self {}
        }

        fn float(&self, _: usize) -> Option<f64> {
            match *self {}
        }
    }

    /// SeaORM has these methods where it is built with the driver: they come
    /// before those of a trait. Which drivers there are is for the application to
    /// say, and not to be had from here.
    #[allow(dead_code, reason = "where SeaORM has the driver")]
    pub(super) trait WithoutDriver {
        fn try_as_pg_row(&self) -> Option<&Never> {
            None
        }

        fn try_as_mysql_row(&self) -> Option<&Never> {
            None
        }

        fn try_as_sqlite_row(&self) -> Option<&Never> {
            None
        }
    }

    impl WithoutDriver for QueryResult {}
}

#[cfg(all(test, feature = "sqlx"))]
mod tests {
    use sea_orm::{ConnectionTrait, Database, Statement};

    use super::*;

    #[tokio::test]
    async fn texts_are_looked_at_where_the_driver_holds_them() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        let sql = "SELECT 'here' AS a, NULL AS b, 7 AS c";
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let result = db.query_one_raw(statement).await.unwrap().unwrap();
        let row = RawRow { result: &result, is_first: true };
        let text = |index, name| Cell::new(row, index, name).text().map(|Text(text)| text);
        assert_eq!(text(0, "a"), Some(Some("here")));
        assert_eq!(text(1, "b"), Some(None));
        assert_eq!(text(2, "c"), None);
    }
}

//! Cells of a result, looked at where the driver holds them.
//!
//! Most rows are as they should be, and what is not copied out of a row costs
//! nothing. Whatever cannot be told here is `None`: the row is then decoded by
//! SeaORM, which knows all types and has the errors.

use std::{any::Any, hash::Hash};

use sea_orm::{EntityTrait, QueryResult, TryGetable};

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
    #[cfg_attr(
        not(any(feature = "sqlx-mysql", feature = "sqlx-postgres")),
        expect(dead_code, reason = "no driver's rows are looked at that have types")
    )]
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
    #[cfg_attr(
        not(any(feature = "sqlx-mysql", feature = "sqlx-postgres", feature = "sqlx-sqlite")),
        expect(clippy::unused_self, reason = "no driver's rows are looked at")
    )]
    fn text(self) -> Option<Text<'r>> {
        #[cfg(feature = "sqlx-postgres")]
        if let Some(row) = self.row.result.try_as_pg_row() {
            return driver_text(row, self.index, self.row.is_first);
        }
        #[cfg(feature = "sqlx-mysql")]
        if let Some(row) = self.row.result.try_as_mysql_row() {
            return driver_text(row, self.index, self.row.is_first);
        }
        // on SQLite each value has a type of its own
        #[cfg(feature = "sqlx-sqlite")]
        if let Some(row) = self.row.result.try_as_sqlite_row() {
            return driver_text(row, self.index, true);
        }
        None
    }

    fn decode<T: TryGetable>(self) -> Option<T> {
        T::try_get_by_index(self.row.result, self.index).ok()
    }
}

#[cfg(any(feature = "sqlx-mysql", feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
fn driver_text<'r, R>(row: &'r R, index: usize, check_type: bool) -> Option<Text<'r>>
where
    R: sea_orm::sqlx::Row,
    usize: sea_orm::sqlx::ColumnIndex<R>,
    &'r str: sea_orm::sqlx::Decode<'r, R::Database> + sea_orm::sqlx::Type<R::Database>,
{
    let text = if check_type { row.try_get(index) } else { row.try_get_unchecked(index) };
    text.ok().map(Text)
}

/// Whether the cell has the value of the row, which is set.
pub(crate) fn same_cell<A: Access>(cell: Cell<'_>, desired: Row<'_, A::Entity>) -> Option<bool> {
    let desired = desired.cell::<A>()?;
    match Text::of::<A>(desired).filter(|_| !A::COMPARES_BY_FUNCTION) {
        Some(text) => Some(cell.text()? == text),
        None => Some(A::same(&cell.decode()?, desired)),
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

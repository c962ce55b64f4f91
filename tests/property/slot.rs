//! A column type with its Rust type taken away.

use bulk_sync_tests::{column::Column, entity::typed::Typed};
use sea_orm::{
    ColumnTrait, ColumnType, DbBackend, Value,
    sea_query::{QueryBuilder, SqliteQueryBuilder},
};

/// Longer values are for the tests of single values.
const LONGEST: usize = 2_000;

/// A column type, and the values to try in it.
pub struct Slot {
    /// The name in the table of types.
    pub name: &'static str,
    /// Two values that every backend stores as they are.
    pub plain: Vec<Value>,
    /// Others.
    pub hostile: Vec<Value>,
    own: ColumnType,
    declared: fn(DbBackend) -> &'static [&'static str],
    missing: &'static [(DbBackend, &'static str)],
}

impl Slot {
    /// The type of an entity.
    pub fn new<E: Typed>(name: &'static str, column: Column<E::Type>) -> Self {
        let text = |value: &Value| SqliteQueryBuilder.value_to_string(value);
        let hostile = column.hostile.into_iter().map(Into::into);
        Self {
            name,
            plain: column.plain.map(Into::into).into(),
            hostile: hostile.filter(|value| text(value).len() < LONGEST).collect(),
            own: E::VALUE.def().get_column_type().clone(),
            declared: column.declared,
            missing: column.missing,
        }
    }

    /// Whether a backend has the type.
    pub fn is_on(&self, backend: DbBackend) -> bool {
        self.missing.iter().all(|(missing, _)| *missing != backend)
    }

    /// What the type is declared as: the entity's own, then the others in turns.
    pub fn declared(&self, backend: DbBackend, turn: usize) -> ColumnType {
        let declared = (self.declared)(backend);
        match (turn % (declared.len() + 1)).checked_sub(1) {
            None => self.own.clone(),
            Some(turn) => ColumnType::custom(declared[turn]),
        }
    }
}

//! Which columns of an entity take which part in one call: resolved once from
//! the derive's roles and the options of the call, before any I/O.

use std::{cmp::Ordering, sync::OnceLock};

use sea_orm::{
    ActiveModelTrait, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn,
    PrimaryKeyTrait, QueryResult, Value,
    sea_query::{ColumnType, QueryBuilder, SqliteQueryBuilder},
};

use crate::{
    SyncKey,
    batch::VALUE_BYTES,
    catalog::{Catalog, Declared},
    error::InputFault,
    field::{Field, Role, Row},
    moment::nanoseconds,
    rounding::is_text,
    self_reference::SelfReference,
    storable::{ValueFault, rounded_time_fault},
};

/// The position of a column in [`SyncKey::fields`].
pub(crate) type Position = usize;

/// The choices of columns that a call can make.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnOptions {
    /// Match by these instead of the derive's key.
    pub key: Option<Vec<&'static str>>,
    /// Compare and update these only.
    pub only: Option<Vec<&'static str>>,
    /// Neither compare nor update these.
    pub ignore: Vec<&'static str>,
    /// Columns that a soft delete stamps.
    pub stamps: Option<Vec<&'static str>>,
}

/// The columns of `E` as one call uses them, each list in the order of the struct.
pub(crate) struct Columns<E: EntityTrait> {
    fields: &'static [Field<E>],
    /// Matched by.
    pub key: Vec<Position>,
    /// The primary key.
    pub primary_key: Vec<Position>,
    /// Compared, and updated where they differ.
    pub compared: Vec<Position>,
    /// Written with an update that has another reason.
    pub touched: Vec<Position>,
    /// Stamped by a soft delete, cleared when the row comes back.
    pub stamps: Vec<Position>,
    /// The primary key that the database generates, unless it is part of the key.
    pub generated: Option<Position>,
    /// The columns that refer to others of the table.
    pub self_references: Vec<SelfReference>,
    /// What the catalog says, once it had to be read.
    pub catalog: OnceLock<Catalog>,
}

impl<E> Columns<E>
where
    E: EntityTrait,
    E::Model: SyncKey,
{
    /// Resolves the options against the entity. Also gives all faults of the options.
    pub fn resolve(options: &ColumnOptions) -> (Self, Vec<InputFault>) {
        let fields = <E::Model as SyncKey>::fields();
        let mut columns = Self {
            fields,
            key: Vec::new(),
            primary_key: Vec::new(),
            compared: Vec::new(),
            touched: Vec::new(),
            stamps: options
                .stamps
                .iter()
                .flatten()
                .filter_map(|name| position(fields, name))
                .collect(),
            generated: None,
            self_references: Vec::new(),
            catalog: OnceLock::new(),
        };
        for key in E::PrimaryKey::iter() {
            columns.primary_key.extend(columns.position(key.into_column().as_str()));
        }
        columns.key = columns.choose_key(options);
        for (position, field) in fields.iter().enumerate() {
            if [&columns.key, &columns.primary_key, &columns.stamps]
                .iter()
                .any(|taken| taken.contains(&position))
            {
                continue;
            }
            let ignored = options.ignore.contains(&field.name());
            let left_out = matches!(&options.only, Some(only) if !only.contains(&field.name()));
            match field.role() {
                Role::Touch if !ignored => columns.touched.push(position),
                // a key of the derive that this call does not match by is a value like any other
                Role::Value | Role::Key if !ignored && !left_out => columns.compared.push(position),
                _ => {}
            }
        }
        columns.generated = match columns.primary_key[..] {
            [position] if E::PrimaryKey::auto_increment() && !columns.key.contains(&position) => {
                Some(position)
            }
            _ => None,
        };
        columns.self_references = SelfReference::all(&columns);
        let faults = columns.faults(options);
        (columns, faults)
    }

    fn choose_key(&self, options: &ColumnOptions) -> Vec<Position> {
        let chosen = |(position, field): (Position, &Field<E>)| {
            let is_key = match &options.key {
                Some(key) => key.contains(&field.name()),
                None => field.role() == Role::Key,
            };
            is_key.then_some(position)
        };
        self.fields.iter().enumerate().filter_map(chosen).collect()
    }

    fn faults(&self, options: &ColumnOptions) -> Vec<InputFault> {
        let mut faults = Vec::new();
        if self.key.is_empty() {
            faults.push(InputFault::NoKey);
        }
        if self.primary_key.is_empty() {
            faults.push(InputFault::NoPrimaryKey);
        }
        let key_names: Vec<_> = self.key.iter().map(|&key| self.name(key)).collect();
        for (option, names) in
            [("only", options.only.as_deref().unwrap_or_default()), ("ignore", &options.ignore)]
        {
            for &column in names.iter().filter(|name| key_names.contains(name)) {
                faults.push(InputFault::KeyColumn { option, column });
            }
        }
        let named = options.only.iter().chain(&options.key).flatten();
        for &column in named.chain(&options.ignore).chain(options.stamps.iter().flatten()) {
            if self.position(column).is_none() {
                faults.push(InputFault::UnknownColumn { column });
            }
        }
        faults
    }
}

impl<E: EntityTrait> Columns<E> {
    /// The position of the column of that name.
    pub fn position(&self, name: &str) -> Option<Position> {
        position(self.fields, name)
    }

    /// The field at a position that this value gave out.
    pub fn field(&self, position: Position) -> &'static Field<E> {
        &self.fields[position]
    }

    /// The name of the column at a position.
    pub fn name(&self, position: Position) -> &'static str {
        self.field(position).name()
    }

    /// All positions.
    pub fn all(&self) -> std::ops::Range<Position> {
        0..self.fields.len()
    }

    /// The columns that have to be read to decide what to do with a row.
    pub fn needed(&self) -> Vec<Position> {
        let is_referred_to = |&position: &Position| {
            self.self_references.iter().any(|reference| reference.is_to(position))
        };
        self.all().filter(|at| self.takes_part(*at) || is_referred_to(at)).collect()
    }

    /// The columns that say what to do with a row, once it is read.
    pub fn taking_part(&self) -> impl Iterator<Item = Position> {
        self.all().filter(|position| self.takes_part(*position))
    }

    fn takes_part(&self, position: Position) -> bool {
        [&self.key, &self.primary_key, &self.compared, &self.stamps]
            .iter()
            .any(|columns| columns.contains(&position))
    }

    /// The columns by which a model says what its row should be.
    pub fn given(&self) -> impl Iterator<Item = Position> {
        let own =
            |position: &Position| Some(*position) != self.generated && !self.is_computed(*position);
        self.taking_part().filter(own)
    }

    /// What the catalog says of a column, where it has been read.
    pub fn declared(&self, position: Position) -> Option<&Declared> {
        self.catalog.get()?.columns.get(position)
    }

    /// Whether the catalog is known to say that the database computes the column.
    pub fn is_computed(&self, position: Position) -> bool {
        self.declared(position).is_some_and(|declared| declared.is_generated)
    }

    /// Why what the column, as far as the catalog is known, makes of a row's
    /// value could not be read again.
    pub fn stored_fault(
        &self,
        position: Position,
        row: Row<'_, E>,
        backend: DbBackend,
    ) -> Option<ValueFault> {
        let field = self.field(position);
        let is_rounded = matches!(
            field.column_type(),
            ColumnType::Time | ColumnType::DateTime | ColumnType::TimestampWithTimeZone
        );
        if backend != DbBackend::Postgres || !is_rounded {
            return None;
        }
        let kept = self.declared(position)?.fraction_digits?;
        let value = field.value(row).filter(|value| nanoseconds(value).is_none())?;
        rounded_time_fault(&value, usize::try_from(kept).ok()?)
    }

    /// Decodes the columns at these positions, in the order of the result.
    pub fn read(
        &self,
        positions: &[Position],
        result: &QueryResult,
        row: &mut E::ActiveModel,
    ) -> Result<(), DbErr> {
        self.read_from(0, positions, result, row)
    }

    /// The same, from a column of the result on.
    pub fn read_from(
        &self,
        start: usize,
        positions: &[Position],
        result: &QueryResult,
        row: &mut E::ActiveModel,
    ) -> Result<(), DbErr> {
        for (index, &position) in (start..).zip(positions) {
            let field = self.field(position);
            let index = index_in(result, index, field.name());
            field.read(result, index, row).map_err(|error| match error {
                DbErr::Type(message) => DbErr::Type(format!("column {}: {message}", field.name())),
                error => error,
            })?;
        }
        Ok(())
    }

    /// Decodes the same of all rows of a result.
    pub fn read_all(
        &self,
        positions: &[Position],
        results: &[QueryResult],
    ) -> Result<Vec<E::ActiveModel>, DbErr> {
        let row = |result| {
            let mut row = <E::ActiveModel as ActiveModelTrait>::default();
            self.read(positions, result, &mut row)?;
            Ok(row)
        };
        results.iter().map(row).collect()
    }

    /// Whether text is part of the key.
    pub fn has_text_key(&self) -> bool {
        self.key.iter().any(|&key| is_text(&self.field(key).column_type()))
    }

    /// Whether a column of the key holds different texts equal, or is not known
    /// not to, and the database is not known to refuse rows with such keys.
    pub fn may_have_equal_keys(&self) -> bool {
        let is_exact = |&key: &Position| {
            !is_text(&self.field(key).column_type())
                || self.declared(key).is_some_and(|known| known.is_known && !known.is_loose)
        };
        let is_unique = || self.catalog.get().is_some_and(|catalog| catalog.has_unique_key);
        !self.key.iter().all(is_exact) && !is_unique()
    }

    /// Whether a column of the key is known to hold different texts equal.
    pub fn has_loose_key(&self) -> bool {
        let is_loose = |&key: &Position| {
            is_text(&self.field(key).column_type())
                && self.declared(key).is_some_and(|declared| declared.is_loose)
        };
        self.key.iter().any(is_loose)
    }

    /// The values of a row in these columns, of those that are set.
    pub fn values(&self, positions: &[Position], row: Row<'_, E>) -> Vec<Value> {
        positions.iter().filter_map(|&position| self.field(position).value(row)).collect()
    }

    /// The values of a row in the columns of the key.
    pub fn key_values(&self, row: Row<'_, E>) -> Vec<Value> {
        self.values(&self.key, row)
    }

    /// The values of a row in the columns of the primary key.
    pub fn primary_key_values(&self, row: Row<'_, E>) -> Vec<Value> {
        self.values(&self.primary_key, row)
    }

    /// What the values of a row in these columns take in a statement, in bytes,
    /// about.
    pub fn size(&self, positions: &[Position], row: Row<'_, E>) -> usize {
        positions.iter().map(|&position| self.field(position).size(row) + VALUE_BYTES).sum()
    }

    /// Whether two rows have the same key.
    pub fn same_key(&self, left: Row<'_, E>, right: Row<'_, E>) -> bool {
        self.key.iter().all(|&key| self.field(key).same(left, right))
    }

    /// Orders two rows by their keys.
    pub fn compare_keys(&self, left: Row<'_, E>, right: Row<'_, E>) -> Ordering {
        self.compare(&self.key, left, right)
    }

    /// Orders two rows by these columns.
    pub fn compare(&self, by: &[Position], left: Row<'_, E>, right: Row<'_, E>) -> Ordering {
        by.iter()
            .map(|&position| self.field(position))
            .map(|field| compare_values(field.value(left), field.value(right)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// The compared columns in which two rows differ; a column that is not
    /// set in `desired` is the same by definition.
    pub fn differing(&self, current: Row<'_, E>, desired: Row<'_, E>) -> Vec<Position> {
        let differs = |position: &Position| {
            let field = self.field(*position);
            field.is_set(desired)
                && !field.same(current, desired)
                && !field.is_sent_alike(current, desired)
                && !self.is_computed(*position)
        };
        self.compared.iter().copied().filter(differs).collect()
    }
}

/// The rows of a mock are sorted by the names of their columns.
#[cfg(feature = "mock")]
pub(crate) fn index_in(result: &QueryResult, index: usize, name: &str) -> usize {
    if result.try_as_mock_row().is_none() {
        return index;
    }
    result.column_names().iter().position(|column| column == name).unwrap_or(index)
}

#[cfg(not(feature = "mock"))]
pub(crate) fn index_in(_: &QueryResult, index: usize, _: &str) -> usize {
    index
}

fn position<E: EntityTrait>(fields: &[Field<E>], name: &str) -> Option<Position> {
    fields.iter().position(|field| field.name() == name)
}

/// Numbers by size, text by its characters, other types by their text in SQL.
fn compare_values(left: Option<Value>, right: Option<Value>) -> Ordering {
    let (Some(left), Some(right)) = (left, right) else { return Ordering::Equal };
    match (integer(&left), integer(&right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => {
            let text = |value: &Value| SqliteQueryBuilder.value_to_string(value);
            text(&left).cmp(&text(&right))
        }
    }
}

/// The number that a value is.
pub(crate) fn integer(value: &Value) -> Option<i128> {
    match *value {
        Value::TinyInt(number) => number.map(i128::from),
        Value::SmallInt(number) => number.map(i128::from),
        Value::Int(number) => number.map(i128::from),
        Value::BigInt(number) => number.map(i128::from),
        Value::TinyUnsigned(number) => number.map(i128::from),
        Value::SmallUnsigned(number) => number.map(i128::from),
        Value::Unsigned(number) => number.map(i128::from),
        Value::BigUnsigned(number) => number.map(i128::from),
        _ => None,
    }
}

//! Typed access to the columns of an entity.
//!
//! The derive emits one [`Access`] type for each field of the Model; this
//! module turns it into a [`Field`]: a row of function pointers that read,
//! hash and compare one column without going through [`Value`]. Which columns
//! a call looks at is not decided here.

use std::{any::Any, hash::Hash, marker::PhantomData};

use hashbrown::DefaultHashBuilder;
use sea_orm::{
    ActiveValue, DbBackend, DbErr, EntityTrait, IdenStatic, QueryResult, TryGetable, Value,
    sea_query::{ArrayType, ColumnType, QueryBuilder, SqliteQueryBuilder, ValueType},
};

use crate::{
    cell::{Cell, hash_cell, same_cell, stored_cell},
    rounding::{is_lossy, is_text},
    storable::{KeyFault, ValueFault, is_faultless, key_fault, value_fault, written_out_fault},
};

/// The hasher of keys: the one that [`DefaultHashBuilder`] builds.
pub type KeyHasher = <DefaultHashBuilder as std::hash::BuildHasher>::Hasher;

/// What a sync does with a column, as the derive was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Part of the key: matches models with rows, never updated.
    Key,
    /// Compared, and updated where it differs.
    Value,
    /// Written when a row is created, never compared or updated.
    Ignore,
    /// Not compared, but written when the row is updated for another reason.
    Touch,
}

/// One field of a Model and of its `ActiveModel`; implemented by the derive.
pub trait Access: 'static {
    /// The entity that the field belongs to.
    type Entity: EntityTrait;
    /// The Rust type of the field.
    type Type: Clone + Into<Value> + TryGetable + ValueType + 'static;

    /// The field of a Model.
    fn of_model(model: &<Self::Entity as EntityTrait>::Model) -> &Self::Type;

    /// The field of an `ActiveModel`.
    fn of_active(active: &<Self::Entity as EntityTrait>::ActiveModel) -> &ActiveValue<Self::Type>;

    /// The field of an `ActiveModel`, to be written.
    fn of_active_mut(
        active: &mut <Self::Entity as EntityTrait>::ActiveModel,
    ) -> &mut ActiveValue<Self::Type>;

    /// Whether [`same`](Self::same) is a function of the derive's `with`, and
    /// not the equality of the type.
    const COMPARES_BY_FUNCTION: bool;

    /// Whether two values of the field are the same to a sync.
    fn same(left: &Self::Type, right: &Self::Type) -> bool;

    /// Feeds a value to a hasher; values that are the same hash the same.
    fn hash(value: &Self::Type, state: &mut KeyHasher);
}

/// A row in memory, complete (a Model) or partial (an `ActiveModel`).
pub enum Row<'a, E: EntityTrait> {
    /// A row of which each column is known.
    Model(&'a E::Model),
    /// A row of which some columns may be `NotSet`.
    Active(&'a E::ActiveModel),
}

#[expect(clippy::expl_impl_clone_on_copy, reason = "a derive would ask it of the entity")]
impl<E: EntityTrait> Clone for Row<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: EntityTrait> Copy for Row<'_, E> {}

impl<'a, E: EntityTrait> Row<'a, E> {
    /// The value of a field, where it is set.
    pub(crate) fn cell<A: Access<Entity = E>>(self) -> Option<&'a A::Type> {
        match self {
            Self::Model(model) => Some(A::of_model(model)),
            Self::Active(active) => match A::of_active(active) {
                ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Some(value),
                ActiveValue::NotSet => None,
            },
        }
    }
}

/// One column of an entity, with the functions that handle its Rust type.
pub struct Field<E: EntityTrait> {
    column: E::Column,
    role: Role,
    read: fn(&QueryResult, usize, &mut E::ActiveModel) -> Result<(), DbErr>,
    column_type: fn() -> ColumnType,
    array_type: fn() -> ArrayType,
    is_option: fn() -> bool,
    is_plain_key: fn() -> bool,
    is_set: fn(Row<'_, E>) -> bool,
    is_explicit: fn(Row<'_, E>) -> bool,
    value: fn(Row<'_, E>) -> Option<Value>,
    size: fn(Row<'_, E>) -> usize,
    same: fn(Row<'_, E>, Row<'_, E>) -> bool,
    same_cell: fn(Cell<'_>, Row<'_, E>) -> Option<bool>,
    stored_cell: fn(Cell<'_>, Row<'_, E>) -> Option<bool>,
    hash_cell: fn(Cell<'_>, &mut KeyHasher) -> Option<()>,
    hash: fn(Row<'_, E>, &mut KeyHasher),
    is_faultless: fn(DbBackend) -> bool,
    fault: fn(Row<'_, E>, DbBackend) -> Option<ValueFault>,
    written_out_fault: fn(Row<'_, E>, DbBackend) -> Option<ValueFault>,
    is_sent_alike: fn(Row<'_, E>, Row<'_, E>) -> bool,
    as_sent: fn(Row<'_, E>) -> Option<Value>,
}

impl<E: EntityTrait> Field<E> {
    /// The field that `A` gives access to.
    pub const fn new<A: Access<Entity = E>>(column: E::Column, role: Role) -> Self {
        Self {
            column,
            role,
            read: read::<A>,
            column_type: <A::Type as ValueType>::column_type,
            array_type: <A::Type as ValueType>::array_type,
            is_option: <A::Type as ValueType>::is_option,
            is_plain_key: is_plain_key::<A>,
            is_explicit: is_explicit::<A>,
            is_set: |row| row.cell::<A>().is_some(),
            value: |row| row.cell::<A>().map(|value| value.clone().into()),
            size: size::<A>,
            same: same::<A>,
            same_cell: same_cell::<A>,
            stored_cell: stored_cell::<A>,
            hash_cell: hash_cell::<A>,
            hash: hash::<A>,
            is_faultless: is_faultless::<A::Type>,
            fault: |row, backend| row.cell::<A>().and_then(|value| value_fault(value, backend)),
            written_out_fault: |row, backend| {
                row.cell::<A>().and_then(|value| written_out_fault(value, backend))
            },
            is_sent_alike: is_sent_alike::<A>,
            as_sent: as_sent::<A>,
        }
    }

    /// The column.
    pub fn column(&self) -> E::Column {
        self.column
    }

    /// What a sync does with the column, as the derive was told.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The name of the column in the table.
    pub(crate) fn name(&self) -> &'static str {
        self.column.as_str()
    }

    /// Decodes the column from a result into a row.
    pub(crate) fn read(
        &self,
        result: &QueryResult,
        index: usize,
        row: &mut E::ActiveModel,
    ) -> Result<(), DbErr> {
        (self.read)(result, index, row)
    }

    /// Whether the row has a value here, NULL included.
    pub(crate) fn is_set(&self, row: Row<'_, E>) -> bool {
        (self.is_set)(row)
    }

    /// Whether the row is an `ActiveModel` with a `Set` value here.
    pub(crate) fn is_explicit(&self, row: Row<'_, E>) -> bool {
        (self.is_explicit)(row)
    }

    /// The type that the field's Rust type has in a database.
    pub(crate) fn column_type(&self) -> ColumnType {
        (self.column_type)()
    }

    /// The type of the elements of an array of such values. Panics for
    /// pgvector: look at [`column_type`](Self::column_type) first.
    pub(crate) fn array_type(&self) -> ArrayType {
        (self.array_type)()
    }

    /// The value of the row, a copy; `None` where it is not set.
    pub fn value(&self, row: Row<'_, E>) -> Option<Value> {
        (self.value)(row)
    }

    /// Whether the field's Rust type is an `Option`.
    pub(crate) fn is_option(&self) -> bool {
        (self.is_option)()
    }

    /// Whether the field's Rust type is stored as a boolean.
    pub(crate) fn is_bool(&self) -> bool {
        self.column_type() == ColumnType::Boolean
    }

    /// Whether values of the type can be longer than 64 KiB.
    pub(crate) fn can_be_long(&self) -> bool {
        can_be_long(&self.column_type())
    }

    /// Whether a column may store values of the type as others.
    pub(crate) fn is_lossy(&self) -> bool {
        is_lossy(&self.column_type())
    }

    /// The length of the row's value where its type has long ones, else 0.
    pub(crate) fn size(&self, row: Row<'_, E>) -> usize {
        (self.size)(row)
    }

    /// Whether the rows are the same here: both set and equal, or both not set.
    pub fn same(&self, left: Row<'_, E>, right: Row<'_, E>) -> bool {
        (self.same)(left, right)
    }

    /// Whether a cell of a result has the row's value, which is set; `None`
    /// where only decoding the row can tell.
    pub(crate) fn same_cell(&self, cell: Cell<'_>, desired: Row<'_, E>) -> Option<bool> {
        (self.same_cell)(cell, desired)
    }

    /// The same, whatever the derive's `with` holds equal.
    pub(crate) fn stored_cell(&self, cell: Cell<'_>, planned: Row<'_, E>) -> Option<bool> {
        (self.stored_cell)(cell, planned)
    }

    /// Feeds the value of a cell to the hasher, as [`hash`](Self::hash) would
    /// once the row is decoded; `None` where that has to be done first.
    pub(crate) fn hash_cell(&self, cell: Cell<'_>, state: &mut KeyHasher) -> Option<()> {
        (self.hash_cell)(cell, state)
    }

    /// Whether two values that are not the same are the same parameter: a type
    /// can have more than its `Value`, as a Unix timestamp has fractions.
    pub(crate) fn is_sent_alike(&self, left: Row<'_, E>, right: Row<'_, E>) -> bool {
        (self.is_sent_alike)(left, right)
    }

    /// The row's value without what its `Value` does not have, where it has more.
    pub(crate) fn as_sent(&self, row: Row<'_, E>) -> Option<Value> {
        (self.as_sent)(row)
    }

    /// Feeds the row's value to the hasher.
    pub fn hash(&self, row: Row<'_, E>, state: &mut KeyHasher) {
        (self.hash)(row, state);
    }

    /// Why the row's value cannot be part of a key, where it cannot.
    pub(crate) fn key_fault(&self, row: Row<'_, E>) -> Option<KeyFault> {
        if !self.is_set(row) {
            return Some(KeyFault::Missing);
        }
        if (self.is_plain_key)() {
            return None;
        }
        self.value(row).as_ref().and_then(key_fault)
    }

    /// Whether [`fault`](Self::fault) finds nothing in any row.
    pub(crate) fn is_faultless(&self, backend: DbBackend) -> bool {
        (self.is_faultless)(backend)
    }

    /// Why the backend could not store the row's value, where it could not.
    /// Finds nothing in dates, times and decimals.
    pub(crate) fn fault(&self, row: Row<'_, E>, backend: DbBackend) -> Option<ValueFault> {
        (self.fault)(row, backend)
    }

    /// The same for dates, times and decimals.
    pub(crate) fn written_out_fault(
        &self,
        row: Row<'_, E>,
        backend: DbBackend,
    ) -> Option<ValueFault> {
        (self.written_out_fault)(row, backend)
    }
}

/// Whether no value of the type is NULL or NaN.
fn is_plain_key<A: Access>() -> bool {
    let column_type = <A::Type as ValueType>::column_type();
    !<A::Type as ValueType>::is_option()
        && !matches!(column_type, ColumnType::Float | ColumnType::Double)
}

fn size<A: Access>(row: Row<'_, A::Entity>) -> usize {
    let Some(value) = row.cell::<A>() else { return 0 };
    let is_long = || can_be_long(&<A::Type as ValueType>::column_type());
    match length(value) {
        Some(length) => length,
        None if is_long() => value_length(&value.clone().into()),
        None => 0,
    }
}

fn can_be_long(column_type: &ColumnType) -> bool {
    is_text(column_type)
        || matches!(
            column_type,
            ColumnType::Blob
                | ColumnType::Binary(_)
                | ColumnType::VarBinary(_)
                | ColumnType::Json
                | ColumnType::JsonBinary
                | ColumnType::Array(_)
        )
}

/// The length of the text or bytes that the usual types hold; of these no copy
/// is made.
fn length(value: &dyn Any) -> Option<usize> {
    let text = |text: &String| text.len();
    let bytes = |bytes: &Vec<u8>| bytes.len();
    value
        .downcast_ref::<String>()
        .map(text)
        .or_else(|| value.downcast_ref::<Option<String>>()?.as_ref().map(text))
        .or_else(|| value.downcast_ref::<Vec<u8>>().map(bytes))
        .or_else(|| value.downcast_ref::<Option<Vec<u8>>>()?.as_ref().map(bytes))
}

fn value_length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_ref().map_or(0, String::len),
        Value::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
        value => SqliteQueryBuilder.value_to_string(value).len(),
    }
}

fn is_explicit<A: Access>(row: Row<'_, A::Entity>) -> bool {
    matches!(row, Row::Active(active) if matches!(A::of_active(active), ActiveValue::Set(_)))
}

fn read<A: Access>(
    row: &QueryResult,
    index: usize,
    active: &mut <A::Entity as EntityTrait>::ActiveModel,
) -> Result<(), DbErr> {
    *A::of_active_mut(active) = ActiveValue::Unchanged(A::Type::try_get_by_index(row, index)?);
    Ok(())
}

/// Two cells are the same when both are set and equal, or neither is set.
fn same<A: Access>(left: Row<'_, A::Entity>, right: Row<'_, A::Entity>) -> bool {
    match (left.cell::<A>(), right.cell::<A>()) {
        (Some(left), Some(right)) => A::same(left, right),
        (left, right) => left.is_none() && right.is_none(),
    }
}

fn is_sent_alike<A: Access>(left: Row<'_, A::Entity>, right: Row<'_, A::Entity>) -> bool {
    let (Some(left), Some(right)) = (left.cell::<A>(), right.cell::<A>()) else { return false };
    !is_value(left) && by_value(left, right)
}

fn as_sent<A: Access>(row: Row<'_, A::Entity>) -> Option<Value> {
    let value = row.cell::<A>().filter(|value| !is_value(*value))?;
    let sent: Value = value.clone().into();
    let read = <A::Type as ValueType>::try_from(sent.clone()).ok()?;
    (!A::same(value, &read)).then_some(sent)
}

/// Whether the type is one of the usual ones that a `Value` holds as they are.
fn is_value(value: &dyn Any) -> bool {
    value.is::<String>()
        || value.is::<Option<String>>()
        || value.is::<i32>()
        || value.is::<i64>()
        || value.is::<bool>()
}

fn hash<A: Access>(row: Row<'_, A::Entity>, state: &mut KeyHasher) {
    if let Some(value) = row.cell::<A>() {
        A::hash(value, state);
    }
}

/// Chooses at compile time how values of `T` are compared and hashed: by the
/// traits of `T` where it has them, else as [`Value`].
///
/// The derive calls `(&Probe::<T>::new()).same(..)`: method resolution meets
/// the implementation for `Probe<T>` before the one for `&Probe<T>`.
pub struct Probe<T>(PhantomData<T>);

impl<T> Probe<T> {
    /// A probe for `T`.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Probe<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Comparison by `PartialEq`, and by [`Value`] where a value differs from itself.
pub trait SameByEq<T> {
    /// Whether the two are the same.
    fn same(&self, left: &T, right: &T) -> bool;
}

impl<T: PartialEq + Clone + Into<Value>> SameByEq<T> for Probe<T> {
    #[expect(clippy::eq_op, reason = "a NaN in it: Value holds NaN equal to NaN")]
    fn same(&self, left: &T, right: &T) -> bool {
        left == right || (left != left && by_value(left, right))
    }
}

/// Comparison as [`Value`].
pub trait SameByValue<T> {
    /// Whether the two are the same.
    fn same(&self, left: &T, right: &T) -> bool;
}

impl<T: Clone + Into<Value>> SameByValue<T> for &Probe<T> {
    fn same(&self, left: &T, right: &T) -> bool {
        by_value(left, right)
    }
}

pub(crate) fn by_value<T: Clone + Into<Value>>(left: &T, right: &T) -> bool {
    left.clone().into() == right.clone().into()
}

/// Hashing by `Hash`.
pub trait HashByHash<T> {
    /// Feeds the value to the hasher.
    fn hash(&self, value: &T, state: &mut KeyHasher);
}

impl<T: Hash + Eq> HashByHash<T> for Probe<T> {
    fn hash(&self, value: &T, state: &mut KeyHasher) {
        value.hash(state);
    }
}

/// Hashing as [`Value`].
pub trait HashByValue<T> {
    /// Feeds the value to the hasher.
    fn hash(&self, value: &T, state: &mut KeyHasher);
}

impl<T: Clone + Into<Value>> HashByValue<T> for &Probe<T> {
    fn hash(&self, value: &T, state: &mut KeyHasher) {
        let value: Value = value.clone().into();
        value.hash(state);
    }
}

/// Whether a value is NULL.
pub(crate) fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}

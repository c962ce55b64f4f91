//! Unique values that move between rows that are kept.
//!
//! Databases check a unique index row by row, so a statement that exchanges
//! two values fails whichever row comes first. The rows that are in the way
//! are parked on a value of nobody's before all rows get the values that they
//! should have. Of some types (a uuid, a date) there is one such value at most:
//! those rows are updated in turns, each when its value is free, and of a ring
//! one row steps aside. Primary keys stay, and no row is deleted. Rows of other tables
//! that refer to such a value with `ON UPDATE CASCADE` go with it, there and back.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher},
};

use hashbrown::{DefaultHashBuilder, HashSet};
use sea_orm::{ColumnTrait, EntityTrait, Value};

use crate::{
    columns::Position,
    desired::RowList,
    field::{Field, Row, is_null},
    plan::SyncPlan,
};

/// The updates whose current value, in one of these columns, is what another
/// update wants to have there: in columns that the entity calls unique, or, if
/// there are none, in any that has a parking value.
pub(crate) fn contested<E: EntityTrait>(plan: &SyncPlan<E>) -> Vec<(usize, Vec<Position>)> {
    let columns = &plan.task.columns;
    let mut cells: Vec<(usize, Position)> = Vec::new();
    for &position in columns.compared.iter().filter(|&&position| may_move(plan, position)) {
        cells.extend(holders(plan, position).map(|holder| (holder, position)));
    }
    let is_unique =
        |&(_, position): &(usize, Position)| columns.field(position).column().def().is_unique();
    if cells.iter().any(is_unique) {
        cells.retain(is_unique);
    } else {
        cells.retain(|&(holder, position)| {
            let held = Row::Active(&plan.updated[holder].current);
            can_park(columns.field(position), held)
        });
    }
    let mut contested: Vec<Vec<Position>> = vec![Vec::new(); plan.updated.len()];
    for (holder, position) in cells {
        contested[holder].push(position);
    }
    let is_contested = |(_, positions): &(usize, Vec<Position>)| !positions.is_empty();
    contested.into_iter().enumerate().filter(is_contested).collect()
}

/// Whether a value of this column may move from one row to another. Hashes tell
/// that fast where they do not; NULL moves between most rows, and has a hash.
fn may_move<E: EntityTrait>(plan: &SyncPlan<E>, position: Position) -> bool {
    let field = plan.task.columns.field(position);
    let hash_builder = DefaultHashBuilder::default();
    let hash = |row| {
        let mut state = hash_builder.build_hasher();
        field.hash(row, &mut state);
        state.finish()
    };
    let changing = || plan.updated.iter().filter(|update| update.changed.contains(&position));
    let wanted: HashSet<u64> =
        changing().map(|update| hash(plan.desired.row(update.desired))).collect();
    changing().any(|update| wanted.contains(&hash(Row::Active(&update.current))))
}

/// The updates that hold, in this column, a value that another update wants.
fn holders<E: EntityTrait>(plan: &SyncPlan<E>, position: Position) -> impl Iterator<Item = usize> {
    let field = plan.task.columns.field(position);
    let changing = || {
        let updates = plan.updated.iter().enumerate();
        updates.filter(move |(_, update)| update.changed.contains(&position))
    };
    let wanted: HashMap<Value, usize> = changing()
        .filter_map(|(index, update)| {
            let value = field.value(plan.desired.row(update.desired))?;
            (!is_null(&value)).then_some((value, index))
        })
        .collect();
    changing().filter_map(move |(index, update)| {
        let held = field.value(Row::Active(&update.current))?;
        wanted.contains_key(&held).then_some(index)
    })
}

/// Whether there are parking values for the column.
fn can_park<E: EntityTrait>(field: &Field<E>, held: Row<'_, E>) -> bool {
    field.value(held).is_some_and(|held| parking_value(field.is_option(), &held, 0).is_some())
}

/// Splits updates into those that take, in these columns, no value that another
/// of them still holds, and the rest. A row that was parked holds nothing.
pub(crate) fn free_and_blocked<E: EntityTrait>(
    plan: &SyncPlan<E>,
    positions: &[Position],
    waiting: Vec<usize>,
    parked: &[usize],
) -> (Vec<usize>, Vec<usize>) {
    let columns = &plan.task.columns;
    let cells = |index: usize| {
        let changed = &plan.updated[index].changed;
        positions.iter().copied().filter(|position| changed.contains(position))
    };
    let mut holder_of: HashMap<(Position, Value), usize> = HashMap::new();
    for &index in waiting.iter().filter(|index| !parked.contains(index)) {
        let current = Row::Active(&plan.updated[index].current);
        for position in cells(index) {
            let held = columns.field(position).value(current);
            holder_of.extend(held.map(|held| ((position, held), index)));
        }
    }
    waiting.into_iter().partition(|&index| {
        let desired = plan.desired.row(plan.updated[index].desired);
        cells(index).all(|position| {
            let wanted = columns.field(position).value(desired);
            let holder = wanted.and_then(|wanted| holder_of.get(&(position, wanted)));
            holder.is_none_or(|&holder| holder == index)
        })
    })
}

/// A value for the `number`th parked row, of the type of the value that it has.
pub(crate) type Park = fn(is_option: bool, held: &Value, number: usize) -> Option<Value>;

/// NULL where that can be, else as [`parking_value`].
pub(crate) fn null_or_parking_value(is_option: bool, held: &Value, number: usize) -> Option<Value> {
    if is_option { Some(held.as_null()) } else { rare_value(held, number) }
}

/// One that hardly any row has; for types that have too few values, or none that is
/// surely free, NULL where that can be. `None` where it cannot.
pub(crate) fn parking_value(is_option: bool, held: &Value, number: usize) -> Option<Value> {
    rare_value(held, number).or(is_option.then(|| held.as_null()))
}

fn rare_value(held: &Value, number: usize) -> Option<Value> {
    Some(match held {
        Value::SmallInt(_) => {
            Value::SmallInt(Some(i16::MIN.checked_add_unsigned(number.try_into().ok()?)?))
        }
        Value::Int(_) => Value::Int(Some(i32::MIN.checked_add_unsigned(number.try_into().ok()?)?)),
        Value::BigInt(_) => {
            Value::BigInt(Some(i64::MIN.checked_add_unsigned(number.try_into().ok()?)?))
        }
        Value::SmallUnsigned(_) => {
            Value::SmallUnsigned(Some(u16::MAX.checked_sub(number.try_into().ok()?)?))
        }
        Value::Unsigned(_) => Value::Unsigned(Some(u32::MAX.checked_sub(number.try_into().ok()?)?)),
        Value::BigUnsigned(_) => {
            Value::BigUnsigned(Some((i64::MAX as u64).checked_sub(number.try_into().ok()?)?))
        }
        Value::String(_) => Value::String(Some(format!("\u{1}{number:x}"))),
        Value::Bytes(_) => Value::Bytes(Some(format!("\u{1}{number:x}").into_bytes())),
        _ => return None,
    })
}

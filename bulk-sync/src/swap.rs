//! Unique values that move between rows that are kept.
//!
//! Databases check a unique index row by row, so a statement that exchanges
//! two values fails whichever row comes first. The rows that are in the way
//! are parked on a value of nobody's before all rows get the values that they
//! should have. Primary keys stay, and no row is deleted, so nothing cascades.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, Value};

use crate::{columns::Position, desired::RowList, field::Row, plan::SyncPlan};

/// The updates whose current value, in one of these columns, is what another
/// update wants to have there: in columns that the entity calls unique, or, if
/// there are none, in any that can be parked.
pub(crate) fn contested<E: EntityTrait>(plan: &SyncPlan<E>) -> Vec<(usize, Vec<Position>)> {
    let columns = &plan.task.columns;
    let mut cells: Vec<(usize, Position)> = Vec::new();
    for &position in &columns.compared {
        cells.extend(holders(plan, position).map(|holder| (holder, position)));
    }
    let is_unique =
        |&(_, position): &(usize, Position)| columns.field(position).column().def().is_unique();
    if cells.iter().any(is_unique) {
        cells.retain(is_unique);
    }
    let mut contested: Vec<Vec<Position>> = vec![Vec::new(); plan.updated.len()];
    for (holder, position) in cells {
        contested[holder].push(position);
    }
    let is_contested = |(_, positions): &(usize, Vec<Position>)| !positions.is_empty();
    contested.into_iter().enumerate().filter(is_contested).collect()
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
            (value != value.as_null()).then_some((value, index))
        })
        .collect();
    changing().filter_map(move |(index, update)| {
        let held = field.value(Row::Active(&update.current))?;
        let can_park = parking_value(field.is_option(), &held, index).is_some();
        (can_park && wanted.contains_key(&held)).then_some(index)
    })
}

/// A value for the `number`th parked row, of the type of the value that it
/// has: NULL where that can be, else one that hardly any row has. `None`
/// for types that have too few values, or none that is surely free.
pub(crate) fn parking_value(is_option: bool, held: &Value, number: usize) -> Option<Value> {
    if is_option {
        return Some(held.as_null());
    }
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

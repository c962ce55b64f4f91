//! Two lists of models compared by their keys: no database, nothing changed.

use sea_orm::EntityTrait;

use crate::{
    Change, SyncKey,
    check::check_rows,
    columns::{ColumnOptions, Columns},
    error::{InputFault, SyncError},
    field::Row,
    key_index::KeyIndex,
    plan::changes,
    table_name,
};

/// What has to happen to a list of models so that it equals another; made by
/// [`BulkSyncTrait::compare`](crate::BulkSyncTrait::compare).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference<'a, M> {
    /// Models whose key is in the desired list only, in its order.
    pub added: Vec<&'a M>,
    /// Models that are the same in both lists, as the desired list has them, in its order.
    pub unchanged: Vec<&'a M>,
    /// Models whose key is in both lists, and that differ, in the desired list's order.
    pub updated: Vec<UpdatedModel<'a, M>>,
    /// Models whose key is in the current list only, in its order.
    pub removed: Vec<&'a M>,
}

/// A model that differs between two lists.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpdatedModel<'a, M> {
    /// The model of the current list.
    pub current: &'a M,
    /// The model of the desired list.
    pub desired: &'a M,
    /// The columns that differ, in the order of the entity.
    pub changes: Vec<Change>,
}

/// Compares two lists by the derive's key.
///
/// # Errors
///
/// `InvalidInput` where a list has a key twice, or a model has no key.
pub(crate) fn difference<'a, E>(
    current: &'a [E::Model],
    desired: &'a [E::Model],
) -> Result<Difference<'a, E::Model>, SyncError>
where
    E: EntityTrait,
    E::Model: SyncKey,
{
    let (columns, faults) = Columns::<E>::resolve(&ColumnOptions::default());
    if !faults.is_empty() {
        return Err(invalid::<E>("", faults));
    }
    let in_current = index(&columns, "the current list of ", current)?;
    let in_desired = index(&columns, "the desired list of ", desired)?;
    let mut difference = Difference {
        added: Vec::new(),
        unchanged: Vec::new(),
        updated: Vec::new(),
        removed: Vec::new(),
    };
    for model in desired {
        let Some(found) = in_current.find(&columns, current, Row::Model(model)) else {
            difference.added.push(model);
            continue;
        };
        let (before, after) = (Row::Model(&current[found]), Row::Model(model));
        let differing = columns.differing(before, after);
        if differing.is_empty() {
            difference.unchanged.push(model);
        } else {
            difference.updated.push(UpdatedModel {
                current: &current[found],
                desired: model,
                changes: changes(&columns, &differing, before, after),
            });
        }
    }
    let rows = current
        .iter()
        .filter(|model| in_desired.find(&columns, desired, Row::Model(*model)).is_none());
    difference.removed = rows.collect();
    Ok(difference)
}

fn index<E: EntityTrait>(
    columns: &Columns<E>,
    list: &str,
    models: &[E::Model],
) -> Result<KeyIndex, SyncError> {
    let (index, faults) = check_rows(columns, models);
    if faults.is_empty() { Ok(index) } else { Err(invalid::<E>(list, faults)) }
}

fn invalid<E: EntityTrait>(list: &str, faults: Vec<InputFault>) -> SyncError {
    SyncError::InvalidInput { table: format!("{list}{}", table_name::<E>()), faults }
}

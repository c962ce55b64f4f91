//! Whether what the library gives is what the oracle says.

use std::{collections::BTreeSet, fmt::Debug};

use bulk_sync::{SyncError, SyncResult};
use bulk_sync_tests::oracle::{Absent, Fault, Plan, Row, number};
use sea_orm::Value;

use crate::{
    agreement::{Disagreement, Ending},
    case::{Case, row_text},
};

/// The same counts, of rows and for each column.
pub fn same_counts(found: &SyncResult, case: &Case, plan: &Plan) -> Result<(), Disagreement> {
    let revived = plan.updated.iter().filter(|update| update.revived).count();
    let updated = plan.updated.len() - revived;
    let expected = [plan.created.len(), updated, revived, plan.deleted.len(), plan.unchanged];
    let counts = [found.created, found.updated, found.revived, found.deleted, found.unchanged];
    let columns: Vec<_> = found.changed_columns().collect();
    if counts == expected.map(|count| count as u64) && columns == plan.changed_columns(&case.table)
    {
        return Ok(());
    }
    let expected_columns = plan.changed_columns(&case.table);
    Err(format!(
        "created, updated, revived, deleted, unchanged: {counts:?} {columns:?}, not {expected:?} \
         {expected_columns:?}"
    )
    .into())
}

/// A refusal for one of these reasons, which leaves the rows as they were.
pub fn refused<T: Debug>(
    found: &Result<T, SyncError>,
    faults: &BTreeSet<Fault>,
    after: Vec<Row>,
    before: &[Row],
) -> Result<Ending, Disagreement> {
    match found {
        Ok(done) => Err(format!("{faults:?}, not {done:?}").into()),
        Err(error) => {
            let fault = fault_among(error, faults)?;
            same_rows("a refusal", after, before.to_vec())?;
            Ok(Err(fault))
        }
    }
}

/// The class of an error, which has to be one of these.
pub fn fault_among(error: &SyncError, expected: &BTreeSet<Fault>) -> Result<Fault, Disagreement> {
    let fault = match error {
        SyncError::InvalidInput { .. } => Fault::InvalidInput,
        SyncError::DuplicateRows { .. } => Fault::DuplicateRows,
        SyncError::EmptyInput { .. } => Fault::EmptyInput,
        SyncError::TooManyDeletes { .. } => Fault::TooManyDeletes,
        SyncError::TooManyUpdates { .. } => Fault::TooManyUpdates,
        SyncError::OutOfScope { .. } => Fault::OutOfScope,
        SyncError::Constraint { .. } => Fault::Constraint,
        SyncError::Statement { .. } => Fault::Statement,
        SyncError::StalePlan { .. } => Fault::StalePlan,
        error => return Err(format!("{expected:?}, not {error:?}").into()),
    };
    let agrees = expected.contains(&fault);
    if agrees { Ok(fault) } else { Err(format!("{expected:?}, not {error:?}").into()) }
}

/// Puts NULL for the keys that the database gave: those of the cases are below zero.
pub fn hide_generated(case: &Case, mut rows: Vec<Row>) -> Vec<Row> {
    for (position, column) in case.table.columns.iter().enumerate() {
        let values = rows.iter_mut().map(|row| &mut row[position]);
        for value in values.filter(|value| number(value) > Some(0)) {
            if column.absent == Absent::Generated {
                *value = Value::BigInt(None);
            }
        }
    }
    rows
}

/// The same rows in any order.
pub fn same_rows(what: &str, found: Vec<Row>, mut expected: Vec<Row>) -> Result<(), Disagreement> {
    let mut unexpected = Vec::new();
    for row in found {
        match expected.iter().position(|other| *other == row) {
            Some(position) => drop(expected.swap_remove(position)),
            None => unexpected.push(row),
        }
    }
    if unexpected.is_empty() && expected.is_empty() {
        return Ok(());
    }
    let text = |rows: &[Row]| {
        let rows: Vec<_> = rows.iter().map(|row| row_text(row.iter().map(Some))).collect();
        rows.join(" ")
    };
    Err(format!("{what}: found {}, missed {}", text(&unexpected), text(&expected)).into())
}

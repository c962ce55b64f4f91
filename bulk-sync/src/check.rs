//! The faults of a call that can be found before any I/O, all of them at once.

use sea_orm::{DbBackend, EntityTrait, IsolationLevel, sea_query::Expr};

use crate::{
    SyncKey,
    columns::{ColumnOptions, Columns, Position},
    connection::ReadRows,
    desired::{Desired, RowList},
    error::{InputFault, SyncError},
    field::Row,
    key_index::KeyIndex,
    key_text::row_text,
    plan::{SyncPlan, Task},
    run::Checked,
    scope::Scope,
    settings::{RepeatedKeys, Settings},
    soft_delete::SoftDelete,
    storable::{KeyFault, ValueFault, is_costly},
    table_name,
    trace::Trace,
};

/// Checks the options and the models, and the values where they are for a backend.
///
/// # Errors
///
/// `InvalidInput` with every fault that was found.
pub(crate) fn check<E>(
    options: &ColumnOptions,
    scope: Scope,
    settings: Settings,
    stamps: Vec<Expr>,
    desired: Desired<E>,
    backend: Option<DbBackend>,
) -> Result<Checked<E>, SyncError>
where
    E: EntityTrait,
    E::Model: SyncKey,
{
    let mut faults = call_faults(&scope, &settings, backend);
    let (columns, more) = Columns::resolve(options);
    faults.extend(more);
    if columns.key.is_empty() {
        return Err(invalid::<E>(faults));
    }
    let soft_delete = SoftDelete::resolve(&columns, options.stamps.as_deref(), stamps)
        .unwrap_or_else(|more| {
            faults.extend(more);
            None
        });
    let (mut index, repeats) = KeyIndex::build(&columns, &desired);
    let backend = backend.map(|backend| {
        let can_fault = |column: &Position| !columns.field(*column).is_faultless(backend);
        (backend, columns.all().filter(can_fault).collect::<Vec<_>>())
    });
    for (position, row) in desired.rows().enumerate() {
        key_faults(&columns, position, row, &mut faults);
        if let Some((backend, can_fault)) = &backend {
            value_faults(&columns, position, row, *backend, can_fault, &mut faults);
        }
    }
    let mut desired = desired;
    if settings.repeated_keys == RepeatedKeys::Refuse {
        faults.extend(repeat_faults(&columns, &desired, &repeats));
    } else if !repeats.is_empty() {
        (desired, index) = without_repeats(&columns, desired, &repeats, settings.repeated_keys);
    }
    if !faults.is_empty() {
        return Err(invalid::<E>(faults));
    }
    let (table, trace) = (table_name::<E>(), Trace::default());
    let task = Task { columns, scope, settings, soft_delete, table, trace };
    Ok(Checked { task, desired, index })
}

/// Checks the conditions of a plan and all values that it writes, as it can have
/// been made without a database.
///
/// # Errors
///
/// `InvalidInput` with the conditions that are empty, or else the values that the
/// backend cannot store.
pub(crate) fn check_plan<E: EntityTrait>(
    plan: &SyncPlan<E>,
    backend: DbBackend,
) -> Result<(), SyncError> {
    let Task { columns, scope, settings, .. } = &plan.task;
    let faults = call_faults(scope, settings, Some(backend));
    if !faults.is_empty() {
        return Err(invalid::<E>(faults));
    }
    let all = columns.all().collect::<Vec<_>>();
    check_written(columns, &plan.desired, plan.written(), &all, |column, row| {
        let field = columns.field(column);
        field.fault(row, backend).or_else(|| field.written_out_fault(row, backend))
    })
}

/// Checks the values of models that may be written that are costly to look at,
/// and those that the catalog has to be known for.
///
/// # Errors
///
/// `InvalidInput` with the values that the backend cannot store.
pub(crate) fn check_to_write<E: EntityTrait>(
    columns: &Columns<E>,
    desired: &Desired<E>,
    written: impl Iterator<Item = usize>,
    backend: DbBackend,
) -> Result<(), SyncError> {
    let is_costly = |column: &Position| is_costly(&columns.field(*column).column_type());
    let costly = columns.all().filter(is_costly).collect::<Vec<_>>();
    check_written(columns, desired, written, &costly, |column, row| {
        let fault = columns.field(column).written_out_fault(row, backend);
        fault.or_else(|| columns.stored_fault(column, row, backend))
    })
}

fn check_written<E: EntityTrait>(
    columns: &Columns<E>,
    desired: &Desired<E>,
    written: impl Iterator<Item = usize>,
    looked_at: &[Position],
    fault: impl Fn(Position, Row<'_, E>) -> Option<ValueFault>,
) -> Result<(), SyncError> {
    let faults = written.flat_map(|index| {
        let row = desired.row(index);
        let fault = |&column: &Position| {
            let fault = fault(column, row)?;
            Some(value_fault(columns, index, columns.name(column), row, fault))
        };
        looked_at.iter().filter_map(fault).collect::<Vec<_>>()
    });
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() { Ok(()) } else { Err(invalid::<E>(faults)) }
}

/// Indexes models again whose keys have changed.
///
/// # Errors
///
/// `InvalidInput` where keys have become the same, unless the call says which counts.
pub(crate) fn reindex<E: EntityTrait>(
    task: &Task<E>,
    desired: Desired<E>,
) -> Result<(Desired<E>, KeyIndex), SyncError> {
    let (index, repeats) = KeyIndex::build(&task.columns, &desired);
    let which = task.settings.repeated_keys;
    if repeats.is_empty() {
        Ok((desired, index))
    } else if which == RepeatedKeys::Refuse {
        Err(invalid::<E>(repeat_faults(&task.columns, &desired, &repeats)))
    } else {
        Ok(without_repeats(&task.columns, desired, &repeats, which))
    }
}

fn without_repeats<E: EntityTrait>(
    columns: &Columns<E>,
    desired: Desired<E>,
    repeats: &[(usize, usize)],
    which: RepeatedKeys,
) -> (Desired<E>, KeyIndex) {
    let kept = kept(repeats, desired.len(), which);
    let desired = desired.select(&kept);
    let index = KeyIndex::build(columns, &desired).0;
    (desired, index)
}

/// Checks that the call begins the transaction of which it says the isolation level.
///
/// # Errors
///
/// `InvalidInput` where the transaction is the caller's.
pub(crate) fn check_isolation<E: EntityTrait>(
    task: &Task<E>,
    db: &impl ReadRows,
) -> Result<(), SyncError> {
    if task.settings.isolation_level.is_some() && db.is_transaction() {
        return Err(invalid::<E>(vec![InputFault::IsolationLevel]));
    }
    Ok(())
}

fn invalid<E: EntityTrait>(faults: Vec<InputFault>) -> SyncError {
    SyncError::InvalidInput { table: table_name::<E>(), faults }
}

fn call_faults(scope: &Scope, settings: &Settings, backend: Option<DbBackend>) -> Vec<InputFault> {
    let mut faults = Vec::new();
    if backend.is_some_and(|backend| scope.is_empty(backend)) {
        faults.push(InputFault::EmptyScope);
    }
    if let Some((lock, backend)) = settings.scope_lock.as_ref().zip(backend)
        && lock.is_empty(backend)
    {
        faults.push(InputFault::EmptyScopeLock);
    }
    if settings.batch_size == Some(0) {
        faults.push(InputFault::ZeroBatchSize);
    }
    if settings.max_tries == Some(0) {
        faults.push(InputFault::ZeroTries);
    }
    if let Some(IsolationLevel::ReadUncommitted | IsolationLevel::RepeatableRead) =
        settings.isolation_level
    {
        faults.push(InputFault::UnfitIsolationLevel);
    }
    if let Some(share) = settings.max_delete_share
        && !(0.0..=1.0).contains(&share)
    {
        faults.push(InputFault::Share { share });
    }
    faults
}

/// Checks the keys of a list; gives their index and the faults.
pub(crate) fn check_rows<E: EntityTrait>(
    columns: &Columns<E>,
    rows: &(impl RowList<E> + ?Sized),
) -> (KeyIndex, Vec<InputFault>) {
    let (index, repeats) = KeyIndex::build(columns, rows);
    let mut faults = Vec::new();
    for (position, row) in rows.rows().enumerate() {
        key_faults(columns, position, row, &mut faults);
    }
    faults.extend(repeat_faults(columns, rows, &repeats));
    (index, faults)
}

fn key_faults<E: EntityTrait>(
    columns: &Columns<E>,
    position: usize,
    row: Row<'_, E>,
    faults: &mut Vec<InputFault>,
) {
    for &key in &columns.key {
        let field = columns.field(key);
        let column = field.name();
        match field.key_fault(row) {
            Some(KeyFault::Missing) => faults.push(InputFault::MissingKey {
                position,
                column,
                key: row_text(columns, &columns.key, row),
            }),
            Some(KeyFault::Nan) => faults.push(InputFault::NanKey { position, column }),
            None => {}
        }
    }
}

fn value_faults<E: EntityTrait>(
    columns: &Columns<E>,
    position: usize,
    row: Row<'_, E>,
    backend: DbBackend,
    can_fault: &[Position],
    faults: &mut Vec<InputFault>,
) {
    for &column in can_fault {
        let field = columns.field(column);
        // what is wrong with a key has been said
        let fault = field
            .fault(row, backend)
            .filter(|_| !columns.key.contains(&column) || field.key_fault(row).is_none());
        faults.extend(fault.map(|f| value_fault(columns, position, field.name(), row, f)));
    }
    for field in columns.key.iter().map(|&column| columns.field(column)) {
        if let Some(fault) = field.written_out_fault(row, backend) {
            faults.push(value_fault(columns, position, field.name(), row, fault));
        }
    }
}

fn value_fault<E: EntityTrait>(
    columns: &Columns<E>,
    position: usize,
    column: &'static str,
    row: Row<'_, E>,
    fault: ValueFault,
) -> InputFault {
    InputFault::Value { position, column, key: row_text(columns, &columns.key, row), fault }
}

fn repeat_faults<E: EntityTrait>(
    columns: &Columns<E>,
    rows: &(impl RowList<E> + ?Sized),
    repeats: &[(usize, usize)],
) -> Vec<InputFault> {
    let fault = |&positions: &(usize, usize)| InputFault::DuplicateKey {
        positions,
        key: row_text(columns, &columns.key, rows.row(positions.1)),
    };
    repeats.iter().map(fault).collect()
}

/// The positions of the models that count where keys repeat, in their order.
fn kept(repeats: &[(usize, usize)], len: usize, which: RepeatedKeys) -> Vec<usize> {
    let mut counts: Vec<usize> = (0..len).collect();
    let mut dropped = vec![false; len];
    for &(first, later) in repeats {
        dropped[later] = true;
        if which == RepeatedKeys::Last {
            counts[first] = later;
        }
    }
    let counting = (0..len).filter(|&position| !dropped[position]);
    let mut kept: Vec<usize> = counting.map(|position| counts[position]).collect();
    kept.sort_unstable();
    kept
}

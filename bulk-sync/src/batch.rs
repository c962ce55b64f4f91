//! How many rows go into one statement.

use std::collections::HashMap;

use crate::{columns::Position, dialect::Dialect};

/// Rows a statement unless the call says otherwise: more gained nothing on any
/// backend, and fewer cost round trips.
const ROWS: usize = 1_000;

/// The same for inserts of which the text does not grow with the rows. Not for
/// updates: with so many, `PostgreSQL` may scan the table for each statement.
const ROWS_IN_ARRAYS: usize = 10_000;

/// Up to this many rows are looked up by their keys, in one statement; for
/// more, the whole scope is read or counted.
pub(crate) const FEW: usize = 1_000;

/// Bytes of values after which a statement takes no further row: a fraction of
/// the smallest packet that servers refuse by default, 4 MiB in MySQL 5.7.
const BYTES: usize = 1 << 20;

/// What a value that is not long takes in a statement, in bytes, about.
pub(crate) const VALUE_BYTES: usize = 16;

/// The most rows that a statement takes when `fixed` of its parameters are
/// spoken for and each row adds `per_row`. At least 1.
pub(crate) fn rows_per_statement(
    dialect: Dialect,
    requested: Option<usize>,
    fixed: usize,
    per_row: usize,
) -> usize {
    let rows = requested.unwrap_or(ROWS);
    let room = dialect.max_parameters.saturating_sub(fixed);
    match room.checked_div(per_row) {
        Some(limit) => rows.min(limit).max(1),
        None => rows,
    }
}

/// The most rows that an INSERT takes.
pub(crate) fn rows_per_insert(dialect: Dialect, requested: Option<usize>, per_row: usize) -> usize {
    let rows = if per_row == 0 { ROWS_IN_ARRAYS } else { ROWS };
    rows_per_statement(dialect, requested.or(Some(rows)), 0, per_row)
}

/// Up to how many rows are looked up by their keys, when `fixed` parameters are
/// spoken for and each key has `per_row`: 0 where there is no room.
pub(crate) fn few(dialect: Dialect, fixed: usize, per_row: usize) -> usize {
    let room = dialect.max_parameters.saturating_sub(fixed);
    room.checked_div(per_row).unwrap_or(0).min(FEW)
}

/// Whether values of these sizes are few enough bytes for one statement.
pub(crate) fn fit(sizes: impl IntoIterator<Item = usize>) -> bool {
    sizes.into_iter().sum::<usize>() <= BYTES
}

/// Splits rows into runs of at most `limit` rows and about [`BYTES`] bytes.
pub(crate) fn batches<T>(
    mut rows: &[T],
    limit: usize,
    size: impl Fn(&T) -> usize,
) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&T| {
            bytes += size(row);
            bytes <= BYTES
        };
        let len = rows.iter().take(limit).take_while(fits).count().max(1);
        let (batch, rest) = rows.split_at_checked(len)?;
        rows = rest;
        Some(batch)
    })
}

/// Groups rows that set the same columns: a column that one row leaves to its
/// default cannot be in the same statement as one that has a value.
pub(crate) fn group<T>(
    rows: impl IntoIterator<Item = T>,
    set: impl Fn(&T) -> Vec<Position>,
) -> Vec<(Vec<Position>, Vec<T>)> {
    let mut groups: Vec<(Vec<Position>, Vec<T>)> = Vec::new();
    let mut of_columns: HashMap<Vec<Position>, usize> = HashMap::new();
    let mut last = 0;
    for row in rows {
        let set = set(&row);
        // most rows are like the one before
        if groups.get(last).is_none_or(|(columns, _)| *columns != set) {
            last = *of_columns.entry(set.clone()).or_insert(groups.len());
        }
        match groups.get_mut(last) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((set, vec![row])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::*;

    #[test]
    fn a_batch_is_clamped_to_the_parameters_that_are_left() {
        let sqlite = Dialect::of(DbBackend::Sqlite);
        assert_eq!(rows_per_statement(sqlite, Some(100_000), 0, 8), 4_095);
        assert_eq!(rows_per_statement(sqlite, Some(100_000), 32_760, 8), 1);
        assert_eq!(rows_per_statement(sqlite, Some(7), 0, 8), 7);
        assert_eq!(rows_per_statement(sqlite, None, 0, 8), ROWS);
        assert_eq!(rows_per_statement(sqlite, Some(100_000), 0, 0), 100_000);
        assert_eq!(rows_per_insert(sqlite, None, 8), ROWS);
        assert_eq!(rows_per_insert(sqlite, None, 0), ROWS_IN_ARRAYS);
        assert_eq!(rows_per_insert(sqlite, Some(7), 0), 7);
    }

    #[test]
    fn batches_hold_every_row_once_and_close_early_on_large_rows() {
        let rows: Vec<usize> = vec![10, BYTES / 2, BYTES, 1, 2 * BYTES, 3];
        let split: Vec<&[usize]> = batches(&rows, 3, |bytes| *bytes).collect();
        assert_eq!(split, [&rows[..2], &rows[2..3], &rows[3..4], &rows[4..5], &rows[5..]]);
        assert_eq!(batches(&[] as &[usize], 3, |_| 1).count(), 0);
    }
}

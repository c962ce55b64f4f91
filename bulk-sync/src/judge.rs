//! Asks the database what its columns make of values that Rust cannot judge.
//!
//! Nothing is asked unless a difference was found that may be none: in a
//! decimal with more digits than the column keeps, in any time, float, JSON or
//! array, or in trailing blanks.

use std::collections::HashSet;

use sea_orm::{ActiveModelTrait, DbBackend, DbErr, EntityTrait, QueryResult, Value};

use crate::{
    batch::{batches, fit, group, rows_per_statement},
    catalog::{self, Declared},
    columns::{Columns, Position},
    connection::ReadRows,
    desired::{Desired, RowList},
    dialect::Dialect,
    error::{Action, SyncError},
    field::Row,
    plan::{Task, Update},
    planner::Found,
    rounding::{differ_in_blanks, is_text, may_round, rounds},
    statement::Statements,
};

/// Cells of a desired row: its index, and the columns.
type Cells = (usize, Vec<Position>);

/// How many rows are asked about in one statement where the backend takes them.
const ASKED: usize = 5_000;

/// The database as the judge of equality, for one call.
pub(crate) struct Judge<'a, E: EntityTrait, C> {
    pub task: &'a Task<E>,
    pub statements: Statements<'a, E>,
    pub db: &'a C,
    declared: Option<Vec<Declared>>,
}

impl<'a, E: EntityTrait, C: ReadRows> Judge<'a, E, C> {
    pub fn new(task: &'a Task<E>, db: &'a C) -> Self {
        let dialect = Dialect::of(db.get_database_backend());
        let statements = Statements { dialect, columns: &task.columns };
        Self { task, statements, db, declared: None }
    }

    pub fn columns(&self) -> &'a Columns<E> {
        &self.task.columns
    }

    pub fn failed(&self, source: DbErr) -> SyncError {
        self.task.failed(Action::Read, source)
    }

    /// What the catalog says of each column, read once.
    pub async fn declared(&mut self) -> Result<Vec<Declared>, SyncError> {
        if let Some(declared) = &self.declared {
            return Ok(declared.clone());
        }
        let catalog = catalog::read::<E, C>(self.db).await.map_err(|error| self.failed(error))?;
        let columns = self.columns();
        let of = |position| catalog.get(columns.name(position)).cloned().unwrap_or_default();
        let declared: Vec<_> = columns.all().map(of).collect();
        self.declared = Some(declared.clone());
        Ok(declared)
    }

    /// Gives keys the values that the table's columns would hold. Returns
    /// whether any was changed.
    pub async fn round_keys(&mut self, desired: &mut Desired<E>) -> Result<bool, SyncError> {
        let columns = self.columns();
        let column_type = |key: Position| columns.field(key).column_type();
        let lossy = columns.key.iter().copied().filter(|&key| columns.field(key).is_lossy());
        let lossy: Vec<Position> = lossy.collect();
        let mut cells = Vec::new();
        for (index, row) in desired.rows().enumerate().filter(|_| !lossy.is_empty()) {
            let may = |key: &Position| {
                columns.field(*key).value(row).is_some_and(|v| may_round(&column_type(*key), &v))
            };
            let keys: Vec<Position> = lossy.iter().copied().filter(may).collect();
            if !keys.is_empty() {
                cells.push((index, keys));
            }
        }
        if cells.is_empty() {
            return Ok(false);
        }
        let declared = self.declared().await?;
        cells.retain_mut(|(index, keys)| {
            keys.retain(|&key| {
                let value = columns.field(key).value(desired.row(*index));
                value.is_some_and(|value| rounds(&column_type(key), &declared[key], &value))
            });
            !keys.is_empty()
        });
        let any = !cells.is_empty();
        self.round(desired, &declared, cells).await?;
        Ok(any)
    }

    /// Drops the updates that differ only in what the columns do not keep.
    pub async fn settle_updates(
        &mut self,
        desired: &mut Desired<E>,
        found: &mut Found<E>,
    ) -> Result<(), SyncError> {
        let columns = self.columns();
        let doubtful = |update: &Update<E>| {
            let cells = doubtful_columns(columns, update, desired).collect::<Vec<_>>();
            (!cells.is_empty()).then_some((update.desired, cells))
        };
        let mut cells: Vec<Cells> = found.updated.iter().filter_map(doubtful).collect();
        if cells.is_empty() {
            return Ok(());
        }
        let declared = self.declared().await?;
        cells.retain_mut(|(index, positions)| {
            positions.retain(|&position| {
                let field = columns.field(position);
                let (column_type, declared) = (field.column_type(), &declared[position]);
                match field.value(desired.row(*index)) {
                    Some(_) if is_text(&column_type) => declared.blank_padded.is_some(),
                    Some(value) => rounds(&column_type, declared, &value),
                    None => false,
                }
            });
            !positions.is_empty()
        });
        let asked: HashSet<usize> = cells.iter().map(|(index, _)| *index).collect();
        self.round(desired, &declared, cells).await?;
        let before = found.updated.len();
        found.updated.retain_mut(|update| {
            if asked.contains(&update.desired) {
                let (current, model) = (Row::Active(&update.current), desired.row(update.desired));
                update.changed.retain(|&position| !columns.field(position).same(current, model));
            }
            update.revived || !update.changed.is_empty()
        });
        found.unchanged += (before - found.updated.len()) as u64;
        Ok(())
    }

    /// Replaces cells by what the columns would hold.
    async fn round(
        &self,
        desired: &mut Desired<E>,
        declared: &[Declared],
        cells: Vec<Cells>,
    ) -> Result<(), SyncError> {
        for (positions, cells) in group(cells, |(_, positions)| positions.clone()) {
            let indices: Vec<usize> = cells.into_iter().map(|(index, _)| index).collect();
            let (padded, cast): (Vec<Position>, Vec<Position>) = positions
                .into_iter()
                .partition(|&position| declared[position].blank_padded.is_some());
            for &position in &padded {
                self.pad(desired, declared, &indices, position)?;
            }
            if !cast.is_empty() {
                self.cast(desired, declared, &indices, &cast).await?;
            }
        }
        Ok(())
    }

    /// Gives texts the trailing blanks with which a `char(n)` is read.
    pub fn pad(
        &self,
        desired: &mut Desired<E>,
        declared: &[Declared],
        indices: &[usize],
        position: Position,
    ) -> Result<(), SyncError> {
        let field = self.columns().field(position);
        let is_padded = self.statements.dialect.backend == DbBackend::Postgres;
        let length = declared[position].blank_padded.filter(|_| is_padded).unwrap_or_default();
        for &index in indices {
            if let Some(Value::String(Some(text))) = field.value(desired.row(index)) {
                let stored = format!("{:length$}", text.trim_end_matches(' ')).into();
                desired.set(index, field.column(), stored).map_err(|error| self.failed(error))?;
            }
        }
        Ok(())
    }

    /// Has the database cast values to the types of their columns.
    async fn cast(
        &self,
        desired: &mut Desired<E>,
        declared: &[Declared],
        indices: &[usize],
        positions: &[Position],
    ) -> Result<(), SyncError> {
        let size = |index: &usize| self.columns().size(positions, desired.row(*index));
        let largest = indices.iter().map(size).max().unwrap_or_default();
        let packed = self.statements.dialect.packed_rows;
        // a pack is filled up with copies
        let packed = if fit([largest * packed]) { packed } else { 1 };
        let types = positions.iter().filter_map(|&position| declared[position].cast.clone());
        let types: Vec<String> = types.collect();
        let types: Vec<String> = types.iter().cycle().take(types.len() * packed).cloned().collect();
        let columns = positions.repeat(packed);
        let packs: Vec<&[usize]> = indices.chunks(packed).collect();
        let size = |pack: &&[usize]| pack.iter().map(size).sum();
        let batches: Vec<_> = batches(&packs, self.limit(0, &columns), size).collect();
        for batch in batches {
            let row = |index: &usize| self.columns().values(positions, desired.row(*index));
            let pack = |pack: &&[usize]| {
                // the last one is filled up with its own last row
                let filled = pack.iter().chain(pack.last().into_iter().cycle()).take(packed);
                filled.flat_map(row).collect()
            };
            let select = self.statements.cast(&columns, &types, batch.iter().map(pack).collect());
            let rows = self.db.query_all(&select).await.map_err(|error| self.failed(error))?;
            for row in &rows {
                self.store(desired, batch, positions, row).map_err(|error| self.failed(error))?;
            }
        }
        Ok(())
    }

    /// Puts a numbered row of cast values where its values belong.
    fn store(
        &self,
        desired: &mut Desired<E>,
        batch: &[&[usize]],
        positions: &[Position],
        row: &QueryResult,
    ) -> Result<(), DbErr> {
        let Some(pack) = numbered(batch, row)? else { return Ok(()) };
        let mut stored = <E::ActiveModel as ActiveModelTrait>::default();
        for (at, &index) in pack.iter().enumerate() {
            let start = 1 + at * positions.len();
            for (offset, &position) in (start..).zip(positions) {
                let field = self.columns().field(position);
                field.read(row, offset, &mut stored)?;
                // a CAST gives NULL for what the type does not have: no value to write
                let value = field.value(Row::Active(&stored)).filter(|v| *v != v.as_null());
                if let Some(value) = value {
                    desired.set(index, field.column(), value)?;
                }
            }
        }
        Ok(())
    }

    /// How many rows of these columns are asked about at once.
    pub fn limit(&self, fixed: usize, positions: &[Position]) -> usize {
        let per_row = match self.statements.parameters_per_row(positions) {
            0 => 0,
            parameters => parameters + 1,
        };
        rows_per_statement(self.statements.dialect, Some(ASKED), fixed, per_row)
    }
}

/// The member of a batch that a numbered row is about.
pub(crate) fn numbered<'b, T>(batch: &'b [T], row: &QueryResult) -> Result<Option<&'b T>, DbErr> {
    let number: i64 = row.try_get_by_index(0)?;
    Ok(usize::try_from(number).ok().and_then(|number| batch.get(number)))
}

/// Whether the row may be the same once the columns have rounded its values.
pub(crate) fn is_doubtful<E: EntityTrait>(
    columns: &Columns<E>,
    update: &Update<E>,
    desired: &Desired<E>,
) -> bool {
    doubtful_columns(columns, update, desired).count() == update.changed.len()
}

/// The columns that may be the same once they have rounded their values.
fn doubtful_columns<'u, E: EntityTrait>(
    columns: &'u Columns<E>,
    update: &'u Update<E>,
    desired: &'u Desired<E>,
) -> impl Iterator<Item = Position> + 'u {
    let (current, desired) = (Row::Active(&update.current), desired.row(update.desired));
    update.changed.iter().copied().filter(move |&position| {
        let field = columns.field(position);
        match (field.value(current), field.value(desired)) {
            (Some(current), Some(desired)) if is_text(&field.column_type()) => {
                differ_in_blanks(&current, &desired)
            }
            (_, Some(desired)) => may_round(&field.column_type(), &desired),
            _ => false,
        }
    })
}

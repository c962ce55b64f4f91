//! Asks the database what its columns make of values that Rust cannot judge.
//!
//! Nothing is asked unless a difference was found that may be none: in a
//! decimal with more digits than the column keeps, in any time, float, JSON or
//! array, or in trailing blanks. What is written are the values that were
//! given; of keys, what the column keeps of them, as they have to match.

use sea_orm::{ActiveModelTrait, ColumnTrait, DbBackend, DbErr, EntityTrait, QueryResult, Value};

use crate::{
    batch::{batches, rows_per_statement},
    catalog::{self, Declared},
    columns::{Columns, Position},
    connection::is_denied,
    desired::{Desired, RowList},
    dialect::Dialect,
    error::{Action, InputFault, SyncError},
    field::{Field, Row, is_null},
    find::RowLock,
    key_text::row_text,
    moment::{Rounding, nanoseconds, of_type, telling_moments},
    plan::{Task, Update},
    planner::Found,
    reader::Reader,
    rounding::{differ_in_blanks, holds_text, is_text, may_round, rounds, stored_texts},
    statement::Statements,
    storable::ValueFault,
};

/// How many values are asked about in one statement where the backend takes them.
const ASKED: usize = 5_000;

/// The database as the judge of equality, for one call.
pub(crate) struct Judge<'a, E: EntityTrait> {
    pub task: &'a Task<E>,
    pub statements: Statements<'a, E>,
    /// Whether rows that it reads are locked by it.
    pub row_lock: RowLock,
    pub db: &'a dyn Reader,
}

impl<'a, E: EntityTrait> Judge<'a, E> {
    pub fn new(task: &'a Task<E>, row_lock: RowLock, db: &'a dyn Reader) -> Self {
        let dialect = Dialect::of(db.get_database_backend());
        let statements = Statements { dialect, columns: &task.columns };
        Self { task, statements, row_lock, db }
    }

    pub fn columns(&self) -> &'a Columns<E> {
        &self.task.columns
    }

    pub fn failed(&self, source: DbErr) -> SyncError {
        self.task.failed(Action::Read, source)
    }

    /// What the catalog says of each column, read once in a call.
    pub async fn declared(&self) -> Result<&'a [Declared], SyncError> {
        let columns = self.columns();
        if let Some(catalog) = columns.catalog.get() {
            return Ok(&catalog.columns);
        }
        let read = catalog::read(columns, self.db).await.map_err(|error| self.failed(error))?;
        Ok(&columns.catalog.get_or_init(|| read).columns)
    }

    /// Gives keys the values that the table's columns would hold. Returns
    /// whether any was changed. The catalog is read only where a key may be
    /// stored as something else.
    pub async fn round_keys(&self, desired: &mut Desired<E>) -> Result<bool, SyncError> {
        let columns = self.columns();
        let mut any = false;
        for field in columns.key.iter().map(|&key| columns.field(key)) {
            let sent: Vec<_> = values(desired, |row| field.as_sent(row));
            any |= !sent.is_empty();
            self.set(desired, field, sent)?;
        }
        let may_change = |key: &Position| {
            let field = columns.field(*key);
            desired.rows().any(|row| may_change(field, row))
        };
        if columns.catalog.get().is_none() && !columns.key.iter().any(may_change) {
            return Ok(any);
        }
        let declared = self.declared().await?;
        for &key in &columns.key {
            self.refuse_unfit_keys(desired, key, &declared[key])?;
            let stored = self.stored(desired, key, &declared[key]).await?;
            any |= !stored.is_empty();
            self.set(desired, columns.field(key), stored)?;
        }
        Ok(any)
    }

    /// Refuses keys that could not be found again as what the column makes of them.
    fn refuse_unfit_keys(
        &self,
        desired: &Desired<E>,
        key: Position,
        declared: &Declared,
    ) -> Result<(), SyncError> {
        let columns = self.columns();
        let backend = self.statements.dialect.backend;
        // the second makes a float of it again
        let rounds_floats = declared.casts.len() > 1;
        let fault = |row| {
            let rounded = rounds_floats.then_some(ValueFault::RoundedFloat);
            rounded.or_else(|| columns.stored_fault(key, row, backend))
        };
        let mut rows = desired.rows().enumerate();
        let Some((position, row, fault)) =
            rows.find_map(|(position, row)| Some((position, row, fault(row)?)))
        else {
            return Ok(());
        };
        let fault = InputFault::Value {
            position,
            column: columns.name(key),
            key: row_text(columns, &columns.key, row),
            fault,
        };
        Err(SyncError::InvalidInput { table: self.task.table.clone(), faults: vec![fault] })
    }

    /// What a column makes of the values that it does not store as they are.
    async fn stored(
        &self,
        desired: &Desired<E>,
        position: Position,
        declared: &Declared,
    ) -> Result<Vec<(usize, Value)>, SyncError> {
        let field = self.columns().field(position);
        let (column_type, backend) = (field.column_type(), self.statements.dialect.backend);
        if holds_text(&column_type) {
            return Ok(values(desired, |row| stored_texts(backend, declared, &field.value(row)?)));
        }
        if !field.is_lossy() {
            return Ok(Vec::new());
        }
        let (indices, given): (Vec<usize>, Vec<Value>) =
            values(desired, |row| field.value(row).filter(|v| rounds(&column_type, declared, v)))
                .into_iter()
                .unzip();
        let stored = self.cast(position, &declared.casts, &given).await?;
        let changed = |(stored, given): (Option<Value>, Value)| stored.filter(|v| *v != given);
        let stored = stored.into_iter().zip(given).map(changed);
        Ok(indices.into_iter().zip(stored).filter_map(|(at, value)| Some((at, value?))).collect())
    }

    fn set(
        &self,
        desired: &mut Desired<E>,
        field: &Field<E>,
        values: Vec<(usize, Value)>,
    ) -> Result<(), SyncError> {
        for (index, value) in values {
            desired.set(index, field.column(), value).map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Reads the catalog where something would be written, and it has not been
    /// read. Returns whether what it says makes another reading of the rows
    /// necessary: keys were changed, rows were overlooked, or what was found may be no
    /// difference.
    pub async fn learn(
        &self,
        desired: &mut Desired<E>,
        found: &Found<E>,
    ) -> Result<bool, SyncError> {
        let columns = self.columns();
        let is_known = columns.catalog.get().is_some();
        // a mock has no catalog
        if is_known || self.db.is_mock_connection() {
            return Ok(false);
        }
        if found.created.is_empty() && found.updated.is_empty() {
            return Ok(false);
        }
        self.declared().await?;
        let misled = found.is_partial && columns.compared.iter().any(|&at| columns.is_computed(at));
        // rows that were looked up were compared as text
        let compared_otherwise =
            |&key: &Position| columns.declared(key).is_some_and(|key| key.compared_as.is_some());
        let overlooked = !found.created.is_empty()
            && !found.read_all
            && columns.key.iter().any(compared_otherwise);
        let rounded = !found.created.is_empty() && self.round_keys(desired).await?;
        Ok(misled || overlooked || rounded)
    }

    /// Drops the updates that differ only in what the columns do not keep.
    pub async fn settle_updates(
        &self,
        desired: &Desired<E>,
        found: &mut Found<E>,
    ) -> Result<(), SyncError> {
        let columns = self.columns();
        let mut same: Vec<(usize, Position)> = Vec::new();
        for position in columns.all() {
            if columns.is_computed(position) {
                same.extend(changes(found, position).map(|(at, _)| (at, position)));
            } else if holds_text(&columns.field(position).column_type()) {
                let kept = self.same_texts(desired, found, position).await?;
                same.extend(kept.into_iter().map(|at| (at, position)));
            } else if columns.field(position).is_lossy() {
                let kept = self.same_values(desired, found, position).await?;
                same.extend(kept.into_iter().map(|at| (at, position)));
            }
        }
        if same.is_empty() {
            return Ok(());
        }
        for (at, position) in same {
            found.updated[at].changed.retain(|&changed| changed != position);
        }
        let before = found.updated.len();
        found.updated.retain(|update| update.revived || !update.changed.is_empty());
        found.unchanged += (before - found.updated.len()) as u64;
        Ok(())
    }

    /// The updates in which a column would not keep how its text differs.
    async fn same_texts(
        &self,
        desired: &Desired<E>,
        found: &Found<E>,
        position: Position,
    ) -> Result<Vec<usize>, SyncError> {
        let field = self.columns().field(position);
        let is_text = is_text(&field.column_type());
        let doubtful = changes(found, position).filter_map(|(at, update)| {
            // one with more blanks is longer
            let size = field.size(Row::Active(&update.current));
            if is_text && size > 0 && size == field.size(desired.row(update.desired)) {
                return None;
            }
            let (current, desired) = pair(field, update, desired)?;
            differ_in_blanks(&current, &desired).then_some((at, current, desired))
        });
        let doubtful: Vec<_> = doubtful.collect();
        if doubtful.is_empty() {
            return Ok(Vec::new());
        }
        let backend = self.statements.dialect.backend;
        let declared = &self.declared().await?[position];
        let is_same = |(at, current, desired): (usize, Value, Value)| {
            (stored_texts(backend, declared, &desired) == Some(current)).then_some(at)
        };
        Ok(doubtful.into_iter().filter_map(is_same).collect())
    }

    /// The updates in which a column of a lossy type would not keep how its
    /// value differs.
    async fn same_values(
        &self,
        desired: &Desired<E>,
        found: &Found<E>,
        position: Position,
    ) -> Result<Vec<usize>, SyncError> {
        if changes(found, position).next().is_none() {
            return Ok(Vec::new());
        }
        let field = self.columns().field(position);
        let column_type = field.column_type();
        let declared = &self.declared().await?[position];
        let mut doubtful = Vec::new();
        let (mut current, mut wanted) = (Vec::new(), Vec::new());
        let mut same = Vec::new();
        let rule = self.rounding(found, desired, position, declared).await?;
        for (at, update) in changes(found, position) {
            let Some((held, given)) = pair(field, update, desired) else { continue };
            if let Some(is_same) = rule.and_then(|rule| rule.holds_same(&held, &given)) {
                same.extend(is_same.then_some(at));
            } else if rounds(&column_type, declared, &given) && !is_null(&held) && !is_null(&given)
            {
                doubtful.push(at);
                current.push(held);
                wanted.push(given);
            }
        }
        if self.statements.dialect.backend == DbBackend::Sqlite {
            // Rust reads a decimal from a float, and not each of its digits
            let stored = self.cast(position, &declared.casts, &wanted).await?;
            let same = doubtful.into_iter().zip(stored.into_iter().zip(current));
            let same = same.filter(|(_, (stored, current))| stored.as_ref() == Some(current));
            return Ok(same.map(|(at, _)| at).collect());
        }
        let mut pairs = current.into_iter().zip(wanted);
        let size = |at: &usize| {
            let update = &found.updated[*at];
            field.size(Row::Active(&update.current)) + field.size(desired.row(update.desired))
        };
        for batch in batches(&doubtful, self.statements.pairs_per_statement(), size) {
            let (current, wanted) = pairs.by_ref().take(batch.len()).unzip();
            let mut is_same = vec![true; batch.len()];
            for number in self.differing(position, &declared.casts, current, wanted).await? {
                if let Some(same) = is_same.get_mut(number) {
                    *same = false;
                }
            }
            let kept = batch.iter().zip(is_same).filter(|(_, is_same)| *is_same);
            same.extend(kept.map(|(at, _)| *at));
        }
        Ok(same)
    }

    /// How a column rounds dates with a time, where so many of them differ that
    /// to ask for that is less than to ask about each.
    async fn rounding(
        &self,
        found: &Found<E>,
        desired: &Desired<E>,
        position: Position,
        declared: &Declared,
    ) -> Result<Option<Rule>, SyncError> {
        let field = self.columns().field(position);
        let asked_at_once = self.statements.pairs_per_statement();
        let Some((_, update)) = changes(found, position).nth(asked_at_once) else {
            return Ok(None);
        };
        let digits = declared.fraction_digits.and_then(|digits| digits.try_into().ok());
        let given = field.value(desired.row(update.desired));
        let (Some(digits), Some(given)) = (digits, given) else { return Ok(None) };
        let moments = telling_moments(digits).into_iter().map(|moment| of_type(&given, moment));
        let Some(moments) = moments.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let stored = self.cast(position, &declared.casts, &moments).await?;
        let stored: Vec<_> = stored.iter().map(|value| nanoseconds(value.as_ref()?)).collect();
        Ok(Rounding::explaining(&stored, digits).map(|rounding| Rule { rounding, digits }))
    }

    /// The numbers, from 0, of the pairs that differ once a column has rounded them.
    async fn differing(
        &self,
        position: Position,
        casts: &[String],
        current: Vec<Value>,
        desired: Vec<Value>,
    ) -> Result<Vec<usize>, SyncError> {
        let failed = |error| self.failed(error);
        if self.statements.dialect.backend == DbBackend::MySql {
            let (left, right) = (current.clone(), desired.clone());
            let statement = self.statements.list_differing(position, casts, left, right);
            match self.db.query_one_raw(statement).await {
                Err(error) if is_denied(&error) => {}
                row => {
                    let row = row.map_err(failed)?;
                    let list = row.map(|row| row.try_get_by_index::<Option<String>>(0));
                    let list = list.transpose().map_err(failed)?.flatten().unwrap_or_default();
                    return Ok(list.split(',').filter_map(|number| number.parse().ok()).collect());
                }
            }
        }
        let select = self.statements.select_differing(position, casts, current, desired);
        let rows = self.db.query_all(&select).await.map_err(failed)?;
        rows.iter().map(|row| number(row, 0).map_err(failed)).collect()
    }

    /// Has the database cast values to the type of a column, and reads what it
    /// makes of them; `None` where the type has no such value.
    async fn cast(
        &self,
        position: Position,
        casts: &[String],
        values: &[Value],
    ) -> Result<Vec<Option<Value>>, SyncError> {
        let field = self.columns().field(position);
        let packed = self.statements.dialect.packed_rows;
        let columns = vec![position; packed];
        let packs: Vec<&[Value]> = values.chunks(packed).collect();
        let mut stored = vec![None; values.len()];
        let mut start = 0;
        for batch in packs.chunks(self.limit(0, &columns)) {
            // the last one is filled up with its own last value
            let pack = |pack: &&[Value]| {
                pack.iter().chain(pack.last().into_iter().cycle()).take(packed).cloned().collect()
            };
            let select = self.statements.cast(&columns, casts, batch.iter().map(pack).collect());
            let rows = self.db.query_all(&select).await.map_err(|error| self.failed(error))?;
            let read = |row: &QueryResult, stored: &mut [Option<Value>]| {
                let first = start + packed * number(row, 0)?;
                let mut read = <E::ActiveModel as ActiveModelTrait>::default();
                for (slot, index) in stored.iter_mut().skip(first).zip(1..=packed) {
                    field.read(row, index, &mut read)?;
                    *slot = field.value(Row::Active(&read)).filter(|value| !is_null(value));
                }
                Ok(())
            };
            for row in &rows {
                read(row, &mut stored).map_err(|error| self.failed(error))?;
            }
            start += packed * batch.len();
        }
        Ok(stored)
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

/// How a column rounds dates with a time.
#[derive(Clone, Copy)]
struct Rule {
    rounding: Rounding,
    digits: u32,
}

impl Rule {
    /// Whether a column holds the one as the other, where both are moments.
    fn holds_same(self, current: &Value, desired: &Value) -> Option<bool> {
        let (current, desired) = (nanoseconds(current)?, nanoseconds(desired)?);
        Some(self.rounding.apply(desired, self.digits) == current)
    }
}

/// Whether a row's value in a column of the key may be stored as something
/// else, as far as the entity tells.
fn may_change<E: EntityTrait>(field: &Field<E>, row: Row<'_, E>) -> bool {
    if field.is_lossy() {
        return field.value(row).is_some_and(|value| may_round(&field.column_type(), &value));
    }
    let length = match field.column().def().get_column_type() {
        sea_orm::ColumnType::Char(length) => length.unwrap_or(1),
        _ => return false,
    };
    let Some(Value::String(Some(text))) = field.value(row) else { return false };
    text.ends_with(' ') || text.chars().count() != usize::try_from(length).unwrap_or(usize::MAX)
}

/// The rows for which there is a value, by their index.
fn values<E: EntityTrait>(
    desired: &Desired<E>,
    value: impl Fn(Row<'_, E>) -> Option<Value>,
) -> Vec<(usize, Value)> {
    let value = |(index, row)| Some((index, value(row)?));
    desired.rows().enumerate().filter_map(value).collect()
}

/// The updates, by their index, that change a column.
fn changes<E: EntityTrait>(
    found: &Found<E>,
    position: Position,
) -> impl Iterator<Item = (usize, &Update<E>)> {
    let updates = found.updated.iter().enumerate();
    updates.filter(move |(_, update)| update.changed.contains(&position))
}

fn pair<E: EntityTrait>(
    field: &Field<E>,
    update: &Update<E>,
    desired: &Desired<E>,
) -> Option<(Value, Value)> {
    let current = field.value(Row::Active(&update.current))?;
    Some((current, field.value(desired.row(update.desired))?))
}

/// The number in a column of a result.
pub(crate) fn number(row: &QueryResult, index: usize) -> Result<usize, DbErr> {
    let number: i64 = row.try_get_by_index(index)?;
    usize::try_from(number).map_err(|error| DbErr::Type(error.to_string()))
}

/// Whether the row may be the same once the columns have rounded its values.
pub(crate) fn is_doubtful<E: EntityTrait>(
    columns: &Columns<E>,
    update: &Update<E>,
    desired: &Desired<E>,
) -> bool {
    update.changed.iter().all(|&position| {
        let field = columns.field(position);
        let differs_in_blanks = || {
            let pair = pair(field, update, desired);
            pair.is_some_and(|(current, desired)| differ_in_blanks(&current, &desired))
        };
        if holds_text(&field.column_type()) { differs_in_blanks() } else { field.is_lossy() }
    })
}

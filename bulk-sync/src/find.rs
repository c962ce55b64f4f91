//! Finds what the rows in scope are to the models: reads them, shows them to
//! the planner, and asks the judge about what the planner cannot tell. What to
//! lock before and to write after is not decided here.

use futures_util::TryStreamExt;
use sea_orm::{
    ActiveModelTrait, EntityTrait,
    sea_query::{LockType, SelectStatement},
};

use crate::{
    batch::{batches, few, fit},
    cell::{Layout, RawRow},
    check::{check_to_write, reindex},
    columns::{Columns, Position},
    desired::{Desired, RowList},
    dialect::Dialect,
    error::{Action, SyncError},
    judge::Judge,
    key_index::KeyIndex,
    plan::Task,
    planner::{Found, Planner},
    progress::{Meter, Phase},
    reader::Reader,
    run::Checked,
    statement::Statements,
    trace::Step,
};

/// How much of the rows in scope is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The columns that decide what to do.
    NeededColumns,
    /// The same, until something is found to do.
    FirstDifference,
    /// The same, and no further than what a transaction will find out again.
    AnyDifference,
    /// The same, in some rows only.
    FirstRows,
    /// All columns, so that deleted rows can be shown.
    WholeRows,
}

impl Reading {
    pub fn positions<E: EntityTrait>(self, columns: &Columns<E>) -> Vec<Position> {
        match self {
            Self::WholeRows => columns.all().collect(),
            _ => columns.needed(),
        }
    }

    fn stops_early(self) -> bool {
        matches!(self, Self::FirstDifference | Self::AnyDifference | Self::FirstRows)
    }
}

/// For more models than this, some rows are looked at before all are: a
/// SELECT that is given up must still be read to its end by the driver.
const MANY: usize = 10_000;

/// How many rows are looked at first.
const FIRST_ROWS: u64 = 500;

/// Whether the rows that are compared are locked by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowLock {
    /// They are not.
    None,
    /// They are, so that they are read as they are now: what else a transaction
    /// of the caller reads on MySQL can be as old as its first statement.
    Rows,
}

impl RowLock {
    /// Makes a SELECT lock what it reads.
    pub fn apply(self, select: &mut SelectStatement) {
        if self == Self::Rows {
            select.lock(LockType::Update);
        }
    }
}

/// What the rows in scope are to the models. Keys get the values that the
/// table's columns would hold.
pub(crate) async fn find<E: EntityTrait>(
    checked: &mut Checked<E>,
    db: &dyn Reader,
    reading: Reading,
    row_lock: RowLock,
) -> Result<Found<E>, SyncError> {
    let Checked { task, desired, index } = checked;
    let judge = Judge::new(task, row_lock, db);
    if judge.round_keys(desired).await? {
        let rounded = std::mem::replace(desired, Desired::Models(Vec::new()));
        (*desired, *index) = reindex(task, rounded)?;
    }
    if reading.stops_early() && desired.len() > MANY {
        let reading = Reading::FirstRows;
        let first = read(task, desired, index, db, reading, row_lock, Meter::silent()).await?;
        if first.is_partial {
            return Ok(first);
        }
    }
    let meter = Meter::reading(&task.settings);
    let mut found = read(task, desired, index, db, reading, row_lock, meter).await?;
    if judge.learn(desired, &found).await? {
        let learned = std::mem::replace(desired, Desired::Models(Vec::new()));
        (*desired, *index) = reindex(task, learned)?;
        let meter = Meter::reading(&task.settings);
        found = read(task, desired, index, db, reading, row_lock, meter).await?;
    }
    if reading == Reading::AnyDifference && creates_for_certain(task, &found) {
        found.is_partial = true;
    }
    if !found.is_partial {
        let updated = found.updated.iter().map(|update| update.desired);
        let written = found.created.iter().copied().chain(updated);
        check_to_write(&task.columns, desired, written, db.get_database_backend())?;
        let comparing = Meter::begin(&task.settings, Phase::Comparing, found.updated.len());
        judge.match_loose_keys(desired, index, &mut found, reading).await?;
        judge.settle_updates(desired, &mut found).await?;
        comparing.end();
    }
    Ok(found)
}

/// Whether rows are missing, whatever the database holds equal: there are none.
fn creates_for_certain<E: EntityTrait>(task: &Task<E>, found: &Found<E>) -> bool {
    let is_empty = found.read_all && found.read == 0 && task.soft_delete.is_none();
    is_empty && !task.settings.skip_creates && !found.created.is_empty()
}

/// Shows the planner the rows in scope.
pub(crate) async fn read<E: EntityTrait>(
    task: &Task<E>,
    desired: &Desired<E>,
    index: &KeyIndex,
    db: &dyn Reader,
    reading: Reading,
    row_lock: RowLock,
    mut meter: Meter,
) -> Result<Found<E>, SyncError> {
    let columns = &task.columns;
    let positions = reading.positions(columns);
    let dialect = Dialect::of(db.get_database_backend());
    let (mut select, read_all) = select_current(task, desired, &positions, dialect);
    let stops_early = reading.stops_early();
    if reading == Reading::FirstRows {
        select.limit(FIRST_ROWS);
    }
    row_lock.apply(&mut select);
    let failed = |source| task.failed(Action::Read, source);
    let step = Step::begin(Phase::Reading);
    let mut planner = Planner::new(task, desired, index);
    let layout = Layout::new(columns, &positions);
    let mut current = <E::ActiveModel as ActiveModelTrait>::default();
    let (mut is_first, mut is_partial) = (true, false);
    let rows = db.rows(&select).await.map_err(failed)?;
    let mut chunks = rows.try_chunks(rows_at_once(columns, &positions, desired, dialect));
    while !is_partial
        && let Some(rows) = chunks.try_next().await.map_err(|error| failed(error.1))?
    {
        for row in &rows {
            meter.row();
            if planner.passes(&layout, RawRow { result: row, is_first }) {
                is_first = false;
                continue;
            }
            columns.read(&positions, row, &mut current).map_err(failed)?;
            planner.observe(&mut current);
            if stops_early && planner.found_difference() {
                is_partial = true;
                break;
            }
        }
    }
    step.end(meter.done());
    if !is_partial {
        meter.end();
    }
    Ok(Found { read_all, is_partial, ..planner.finish()? })
}

/// How many rows are taken at once: fewer where the models say that they are long.
fn rows_at_once<E: EntityTrait>(
    columns: &Columns<E>,
    positions: &[Position],
    desired: &Desired<E>,
    dialect: Dialect,
) -> usize {
    let first: Vec<usize> = (0..desired.len().min(dialect.rows_at_once)).collect();
    let size = |index: &usize| columns.size(positions, desired.row(*index));
    let fitting = batches(&first, first.len(), size).next().map_or(0, <[usize]>::len);
    if fitting == first.len() { dialect.rows_at_once } else { fitting }
}

/// The rows to compare with the models, and whether they are all that are in
/// scope: when nothing is deleted, a few models are looked up by their keys.
fn select_current<E: EntityTrait>(
    task: &Task<E>,
    desired: &Desired<E>,
    positions: &[Position],
    dialect: Dialect,
) -> (SelectStatement, bool) {
    let statements = Statements { dialect, columns: &task.columns };
    let key = &task.columns.key;
    let mut select = statements.select(&task.scope, positions);
    // counting parameters builds the text once more
    let few = || few(statements.dialect, statements.parameters(&select), key.len());
    let by_key = task.settings.skip_deletes
        && desired.len() <= few()
        && fit(desired.rows().map(|row| task.columns.size(key, row)));
    if by_key {
        let keys = desired.rows().map(|row| task.columns.values(key, row)).collect();
        select.cond_where(statements.among(key, keys));
    }
    if task.settings.delete_duplicates || task.soft_delete.is_some() {
        statements.order_by_primary_key(&mut select);
    }
    (select, !by_key)
}

/// What was found, where there is nothing to do. Only reads, and takes no lock.
pub(crate) async fn look<E: EntityTrait>(
    checked: &mut Checked<E>,
    db: &dyn Reader,
) -> Result<Option<Found<E>>, SyncError> {
    let found = find(checked, db, Reading::AnyDifference, RowLock::None).await?;
    let found = found.without_skipped(&checked.task.settings);
    Ok((!found.is_partial && found.is_empty()).then_some(found))
}

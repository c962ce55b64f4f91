//! Keys that are different texts and yet equal to the database: under a
//! case-insensitive collation, in `citext`.
//!
//! Only when rows would be created can such keys be among them, so only then
//! is the database asked.

use std::collections::{HashMap, HashSet};

use sea_orm::{ActiveModelTrait, EntityTrait, Value};

use crate::{
    batch::batches,
    columns::Position,
    desired::{Desired, RowList},
    error::{InputFault, SyncError},
    field::Row,
    find::Reading,
    judge::{Judge, number},
    key_index::KeyIndex,
    key_text::row_text,
    plan::Update,
    planner::Found,
};

/// Rows that have, to the database, the key of a model to create.
struct Matches<E: EntityTrait> {
    live: Vec<(usize, E::ActiveModel)>,
    stamped: Vec<(usize, E::ActiveModel)>,
}

impl<E: EntityTrait> Judge<'_, E> {
    /// Refuses models to create whose keys the database holds equal.
    ///
    /// # Errors
    ///
    /// `InvalidInput` with the first two of them.
    async fn refuse_equal_keys(
        &self,
        desired: &Desired<E>,
        found: &Found<E>,
    ) -> Result<(), SyncError> {
        if found.created.len() < 2 {
            return Ok(());
        }
        let columns = self.columns();
        let size = |at: &usize| columns.size(&columns.key, desired.row(*at));
        for batch in batches(&found.created, self.statements.rows_to_group(), size) {
            let keys = batch.iter().map(|&at| columns.key_values(desired.row(at))).collect();
            let select = self.statements.select_equal_keys(keys);
            let row = self.db.query_one(&select).await.map_err(|error| self.failed(error))?;
            if let Some(row) = row {
                let model = |index| {
                    let number = number(&row, index).map_err(|error| self.failed(error))?;
                    Ok::<_, SyncError>(batch.get(number).copied().unwrap_or_default())
                };
                return Err(self.same_key(desired, model(0)?, model(1)?));
            }
        }
        Ok(())
    }

    /// Matches rows to create with rows that match no model, where the
    /// database holds their keys equal. What is only read, and what the proof
    /// does not look at, is looked at for models whose keys it holds equal.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where it holds the keys of two models equal; `StalePlan`
    /// where a row with the key of one has appeared since the rows were read.
    pub async fn match_loose_keys(
        &self,
        desired: &Desired<E>,
        index: &KeyIndex,
        found: &mut Found<E>,
        reading: Reading,
    ) -> Result<(), SyncError> {
        // rows that are stamped, and those that were not looked up, are not among the unmatched
        let all_are_known = found.read_all && self.task.soft_delete.is_none();
        // where text is often loose, the proof of what was written asks too
        let is_proved = reading == Reading::NeededColumns && self.statements.dialect.loose_text;
        let may_match = !all_are_known || !is_proved || !found.unmatched.is_empty();
        if found.created.is_empty() || !may_match || !self.may_have_loose_key().await? {
            return Ok(());
        }
        let matches = self.ask_for_matches(desired, index, found, all_are_known).await?;
        self.pair(desired, found, matches)?;
        if is_proved { Ok(()) } else { self.refuse_equal_keys(desired, found).await }
    }

    async fn may_have_loose_key(&self) -> Result<bool, SyncError> {
        let columns = self.columns();
        if !columns.has_text_key() || self.db.is_mock_connection() {
            return Ok(false);
        }
        self.declared().await?;
        Ok(columns.has_loose_key())
    }

    async fn ask_for_matches(
        &self,
        desired: &Desired<E>,
        index: &KeyIndex,
        found: &mut Found<E>,
        all_are_known: bool,
    ) -> Result<Matches<E>, SyncError> {
        let (task, columns) = (self.task, self.columns());
        let primary_key = |row: &E::ActiveModel| columns.primary_key_values(Row::Active(row));
        let mut unmatched: Vec<_> = found.unmatched.drain(..).map(Some).collect();
        let keys = unmatched.iter().flatten().map(primary_key);
        let index_of: HashMap<Vec<Value>, usize> = keys.zip(0..).collect();
        let mut taken: HashMap<Vec<Value>, usize> = HashMap::new();
        let mut matches = Matches { live: Vec::new(), stamped: Vec::new() };
        let read = if all_are_known {
            [&columns.key[..], &columns.primary_key].concat()
        } else {
            columns.all().collect()
        };
        let fixed = self.statements.parameters(&self.statements.count(&task.scope));
        let size = |created: &usize| columns.size(&columns.key, desired.row(*created));
        for batch in batches(&found.created, self.limit(fixed, &columns.key), size) {
            let keys = batch.iter().map(|&at| columns.key_values(desired.row(at))).collect();
            let mut select = self.statements.select_matching(&task.scope, keys, &read);
            self.row_lock.apply(&mut select);
            for row in self.db.query_all(&select).await.map_err(|error| self.failed(error))? {
                let number = number(&row, 0).map_err(|error| self.failed(error))?;
                let Some(&created) = batch.get(number) else { continue };
                let mut current = <E::ActiveModel as ActiveModelTrait>::default();
                columns
                    .read_from(1, &read, &row, &mut current)
                    .map_err(|error| self.failed(error))?;
                let key = primary_key(&current);
                let exact = index.find(columns, desired, Row::Active(&current));
                if exact == Some(created) && all_are_known {
                    // it was not there when the rows were read
                    return Err(self.appeared(&current));
                }
                let first = taken.get(&key).copied().or(exact.filter(|first| *first != created));
                if let Some(first) = first {
                    return Err(self.same_key(desired, first, created));
                }
                if let Some(found) = index_of.get(&key).and_then(|&at| unmatched[at].take()) {
                    matches.live.push((created, found));
                } else if task.is_stamped(Row::Active(&current)) {
                    matches.stamped.push((created, current));
                } else {
                    found.read += 1;
                    matches.live.push((created, current));
                }
                taken.insert(key, created);
            }
        }
        found.unmatched.extend(unmatched.into_iter().flatten());
        Ok(matches)
    }

    /// Turns created rows and those that match them into updates, or nothing to do.
    fn pair(
        &self,
        desired: &Desired<E>,
        found: &mut Found<E>,
        matches: Matches<E>,
    ) -> Result<(), SyncError> {
        let columns = self.columns();
        let Matches { mut live, mut stamped } = matches;
        for rows in [&mut live, &mut stamped] {
            let by = &columns.primary_key;
            rows.sort_by(|(_, l), (_, r)| columns.compare(by, Row::Active(l), Row::Active(r)));
        }
        let mut paired = HashSet::new();
        let mut duplicates = Vec::new();
        for (created, current) in live {
            if !paired.insert(created) {
                duplicates.push(row_text(columns, &columns.key, Row::Active(&current)));
                found.repeated.push(current);
                continue;
            }
            let changed = self.changed(desired, created, &current);
            if changed.is_empty() {
                found.unchanged += 1;
            } else {
                found.updated.push(Update { desired: created, current, changed, revived: false });
            }
        }
        for (created, current) in stamped {
            if paired.insert(created) {
                let changed = self.changed(desired, created, &current);
                found.updated.push(Update { desired: created, current, changed, revived: true });
            }
        }
        found.created.retain(|created| !paired.contains(created));
        if duplicates.is_empty() || self.task.settings.delete_duplicates {
            return Ok(());
        }
        Err(SyncError::DuplicateRows { table: self.task.table.clone(), keys: duplicates })
    }

    /// The columns in which a row differs from a model, the key among them.
    fn changed(
        &self,
        desired: &Desired<E>,
        created: usize,
        current: &E::ActiveModel,
    ) -> Vec<Position> {
        let columns = self.columns();
        let (row, model) = (Row::Active(current), desired.row(created));
        let is_respelled =
            |key: &Position| !columns.field(*key).same(row, model) && !columns.is_computed(*key);
        let mut changed: Vec<Position> = columns.key.iter().copied().filter(is_respelled).collect();
        changed.extend(columns.differing(row, model));
        changed.sort_unstable();
        changed
    }

    fn appeared(&self, row: &E::ActiveModel) -> SyncError {
        let columns = self.columns();
        let row = row_text(columns, &columns.key, Row::Active(row));
        SyncError::StalePlan {
            table: self.task.table.clone(),
            rows: vec![format!("{row} has appeared")],
        }
    }

    fn same_key(&self, desired: &Desired<E>, first: usize, later: usize) -> SyncError {
        let columns = self.columns();
        let key = row_text(columns, &columns.key, desired.row(later));
        let fault = InputFault::DuplicateKey { positions: (first, later), key };
        SyncError::InvalidInput { table: self.task.table.clone(), faults: vec![fault] }
    }
}

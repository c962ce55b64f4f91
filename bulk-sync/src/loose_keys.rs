//! Keys that are different texts and yet equal to the database: under a
//! case-insensitive collation, in `citext`, in `char(n)`.
//!
//! Only when rows would be created while others match no model can such keys
//! be among them, so only then is the database asked.

use std::collections::{HashMap, HashSet};

use sea_orm::{ActiveModelTrait, DbBackend, EntityTrait, Value};

use crate::{
    batch::batches,
    catalog::Declared,
    columns::Position,
    connection::ReadRows,
    desired::{Desired, RowList},
    error::{InputFault, SyncError},
    field::Row,
    judge::{Judge, numbered},
    key_index::KeyIndex,
    key_text::row_text,
    plan::Update,
    planner::Found,
    rounding::is_text,
};

impl<E: EntityTrait, C: ReadRows> Judge<'_, E, C> {
    /// Matches rows to create with rows that match no model, where the
    /// database holds their keys equal.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where it holds the keys of two models equal.
    pub async fn match_loose_keys(
        &mut self,
        desired: &mut Desired<E>,
        index: &KeyIndex,
        found: &mut Found<E>,
    ) -> Result<(), SyncError> {
        let columns = self.columns();
        let is_text_key = |key: &Position| is_text(&columns.field(*key).column_type());
        if found.created.is_empty()
            || found.unmatched.is_empty()
            || !columns.key.iter().any(is_text_key)
        {
            return Ok(());
        }
        let declared = self.declared().await?;
        let has = |what: fn(&Declared) -> bool| {
            columns.key.iter().any(|key| is_text_key(key) && what(&declared[*key]))
        };
        let (is_padded, is_loose) = (has(|d| d.blank_padded.is_some()), has(|d| d.is_loose));
        if is_padded {
            for &key in columns.key.iter().filter(|&&key| declared[key].blank_padded.is_some()) {
                self.pad(desired, &declared, &found.created, key)?;
            }
        }
        let pairs = if is_loose {
            self.ask_for_pairs(desired, index, found, &declared).await?
        } else if is_padded {
            self.equal_pairs(desired, found)
        } else {
            return Ok(());
        };
        self.pair(desired, found, &pairs)
    }

    /// Rows to create and unmatched rows whose keys are now the same.
    fn equal_pairs(&self, desired: &Desired<E>, found: &Found<E>) -> Vec<(usize, usize)> {
        let columns = self.columns();
        let key = |row| columns.key_values(row);
        let unmatched: HashMap<Vec<Value>, usize> = found
            .unmatched
            .iter()
            .enumerate()
            .map(|(at, row)| (key(Row::Active(row)), at))
            .collect();
        let pair = |&created: &usize| Some((created, *unmatched.get(&key(desired.row(created)))?));
        found.created.iter().filter_map(pair).collect()
    }

    /// Rows to create and unmatched rows whose keys the database holds equal.
    async fn ask_for_pairs(
        &self,
        desired: &Desired<E>,
        index: &KeyIndex,
        found: &Found<E>,
        declared: &[Declared],
    ) -> Result<Vec<(usize, usize)>, SyncError> {
        let columns = self.columns();
        let primary_key = |row: &E::ActiveModel| columns.primary_key_values(Row::Active(row));
        let unmatched: HashMap<Vec<Value>, usize> =
            found.unmatched.iter().enumerate().map(|(at, row)| (primary_key(row), at)).collect();
        let read = [&columns.key[..], &columns.primary_key].concat();
        // on PostgreSQL, text would be compared as text with citext
        let is_postgres = self.statements.dialect.backend == DbBackend::Postgres;
        let cast = |key: &Position| declared[*key].cast.clone().filter(|_| is_postgres);
        let types: Vec<_> = columns.key.iter().map(cast).collect();
        let fixed = self.statements.parameters(&self.statements.count(&self.task.scope));
        let mut pairs = Vec::new();
        let size = |created: &usize| columns.size(&columns.key, desired.row(*created));
        for batch in batches(&found.created, self.limit(fixed, &columns.key), size) {
            let keys = batch.iter().map(|&at| columns.key_values(desired.row(at)));
            let scope = &self.task.scope;
            let select = self.statements.select_matching(scope, &types, keys.collect(), &read);
            for row in self.db.query_all(&select).await.map_err(|error| self.failed(error))? {
                let created = numbered(batch, &row).map_err(|error| self.failed(error))?;
                let mut current = <E::ActiveModel as ActiveModelTrait>::default();
                columns
                    .read_from(1, &read, &row, &mut current)
                    .map_err(|error| self.failed(error))?;
                let Some(&created) = created else { continue };
                if let Some(&at) = unmatched.get(&primary_key(&current)) {
                    pairs.push((created, at));
                } else if let Some(first) = index.find(columns, desired, Row::Active(&current)) {
                    return Err(self.same_key(desired, first, created));
                }
            }
        }
        Ok(pairs)
    }

    /// Turns created rows and unmatched ones into updates, or nothing to do.
    fn pair(
        &self,
        desired: &Desired<E>,
        found: &mut Found<E>,
        pairs: &[(usize, usize)],
    ) -> Result<(), SyncError> {
        let columns = self.columns();
        let mut model_of: HashMap<usize, usize> = HashMap::new();
        for &(created, at) in pairs {
            if let Some(first) = model_of.insert(at, created) {
                return Err(self.same_key(desired, first, created));
            }
        }
        let mut paired = HashSet::new();
        let mut duplicates = Vec::new();
        let unmatched = std::mem::take(&mut found.unmatched);
        for (at, current) in unmatched.into_iter().enumerate() {
            let Some(&created) = model_of.get(&at) else {
                found.unmatched.push(current);
                continue;
            };
            let (row, model) = (Row::Active(&current), desired.row(created));
            if !paired.insert(created) {
                duplicates.push(row_text(columns, &columns.key, row));
                found.repeated.push(current);
                continue;
            }
            let respelled =
                columns.key.iter().copied().filter(|&key| !columns.field(key).same(row, model));
            let mut changed: Vec<Position> = respelled.collect();
            changed.extend(columns.differing(row, model));
            changed.sort_unstable();
            if changed.is_empty() {
                found.unchanged += 1;
            } else {
                found.updated.push(Update { desired: created, current, changed, revived: false });
            }
        }
        found.created.retain(|created| !paired.contains(created));
        if duplicates.is_empty() || self.task.settings.delete_duplicates {
            return Ok(());
        }
        Err(SyncError::DuplicateRows { table: self.task.table.clone(), keys: duplicates })
    }

    fn same_key(&self, desired: &Desired<E>, first: usize, later: usize) -> SyncError {
        let columns = self.columns();
        let key = row_text(columns, &columns.key, desired.row(later));
        let fault = InputFault::DuplicateKey { positions: (first, later), key };
        SyncError::InvalidInput { table: self.task.table.clone(), faults: vec![fault] }
    }
}

//! Finds the desired row that has the key of a given row.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};
use sea_orm::EntityTrait;

use crate::{
    cell::Cell,
    columns::{Columns, Position},
    desired::RowList,
    field::Row,
};

/// A hash table of the keys of the desired rows: eight bytes a row, as the
/// keys themselves stay where they are.
pub(crate) struct KeyIndex {
    table: HashTable<usize>,
    hasher: DefaultHashBuilder,
}

impl KeyIndex {
    /// Indexes the desired rows. Also returns the pairs of rows that have the
    /// same key, as (first, later); the index holds the first of them.
    pub fn build<E: EntityTrait>(
        columns: &Columns<E>,
        desired: &(impl RowList<E> + ?Sized),
    ) -> (Self, Vec<(usize, usize)>) {
        let mut index = Self {
            table: HashTable::with_capacity(desired.len()),
            hasher: DefaultHashBuilder::default(),
        };
        let mut duplicates = Vec::new();
        for later in 0..desired.len() {
            if let Some(first) = index.insert(columns, desired, later) {
                duplicates.push((first, later));
            }
        }
        (index, duplicates)
    }

    /// The index of the desired row with the key of `row`.
    pub fn find<E: EntityTrait>(
        &self,
        columns: &Columns<E>,
        desired: &(impl RowList<E> + ?Sized),
        row: Row<'_, E>,
    ) -> Option<usize> {
        let same_key = |&index: &usize| columns.same_key(row, desired.row(index));
        self.table.find(self.hash(columns, row), same_key).copied()
    }

    /// The same for a row of a result, by the cells of its key; `None` also
    /// where only decoding it can tell.
    pub fn find_cells<'r, E: EntityTrait>(
        &self,
        columns: &Columns<E>,
        desired: &(impl RowList<E> + ?Sized),
        key: &(impl Iterator<Item = (Position, Cell<'r>)> + Clone),
    ) -> Option<usize> {
        let mut state = self.hasher.build_hasher();
        for (position, cell) in key.clone() {
            columns.field(position).hash_cell(cell, &mut state)?;
        }
        let is_same = |&index: &usize| same_key(columns, desired.row(index), key.clone());
        self.table.find(state.finish(), is_same).copied()
    }

    /// Inserts a row, unless there is one with its key, whose index is returned.
    fn insert<E: EntityTrait>(
        &mut self,
        columns: &Columns<E>,
        desired: &(impl RowList<E> + ?Sized),
        index: usize,
    ) -> Option<usize> {
        let row = desired.row(index);
        let hash = self.hash(columns, row);
        let same_key = |&other: &usize| columns.same_key(row, desired.row(other));
        let hasher = &self.hasher;
        let hash_of = |&index: &usize| hash_key(hasher, columns, desired.row(index));
        match self.table.entry(hash, same_key, hash_of) {
            Entry::Occupied(entry) => Some(*entry.get()),
            Entry::Vacant(entry) => {
                entry.insert(index);
                None
            }
        }
    }

    fn hash<E: EntityTrait>(&self, columns: &Columns<E>, row: Row<'_, E>) -> u64 {
        hash_key(&self.hasher, columns, row)
    }
}

/// Whether the cells of a key are known to be those of the row.
pub(crate) fn same_key<'r, E: EntityTrait>(
    columns: &Columns<E>,
    row: Row<'_, E>,
    mut key: impl Iterator<Item = (Position, Cell<'r>)>,
) -> bool {
    key.all(|(position, cell)| columns.field(position).stored_cell(cell, row) == Some(true))
}

fn hash_key<E: EntityTrait>(
    hasher: &DefaultHashBuilder,
    columns: &Columns<E>,
    row: Row<'_, E>,
) -> u64 {
    let mut state = hasher.build_hasher();
    for &key in &columns.key {
        columns.field(key).hash(row, &mut state);
    }
    state.finish()
}

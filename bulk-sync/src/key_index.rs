//! Finds the desired row that has the key of a given row.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use sea_orm::EntityTrait;

use crate::{columns::Columns, desired::RowList, field::Row};

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
            match index.find(columns, desired, desired.row(later)) {
                Some(first) => duplicates.push((first, later)),
                None => index.insert(columns, desired, later),
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
        let same_key = |&index: &usize| {
            let candidate = desired.row(index);
            columns.key.iter().all(|&key| columns.field(key).same(row, candidate))
        };
        self.table.find(self.hash(columns, row), same_key).copied()
    }

    fn insert<E: EntityTrait>(
        &mut self,
        columns: &Columns<E>,
        desired: &(impl RowList<E> + ?Sized),
        index: usize,
    ) {
        let hash = self.hash(columns, desired.row(index));
        let hasher = self.hasher.clone();
        self.table
            .insert_unique(hash, index, |&index| hash_key(&hasher, columns, desired.row(index)));
    }

    fn hash<E: EntityTrait>(&self, columns: &Columns<E>, row: Row<'_, E>) -> u64 {
        hash_key(&self.hasher, columns, row)
    }
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
    std::hash::Hasher::finish(&state)
}

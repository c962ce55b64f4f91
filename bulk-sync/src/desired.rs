//! The models that should be in the table, held in the form in which they came.

use std::any::Any;

use sea_orm::{ActiveModelTrait, DbErr, EntityTrait, IntoActiveModel, ModelTrait, Value};

use crate::field::Row;

/// The desired rows. Models are kept as Models: an `ActiveModel` of the same
/// row is larger, and nothing has to be converted for rows that do not change.
#[derive(Clone, Debug)]
pub(crate) enum Desired<E: EntityTrait> {
    /// Each row is complete.
    Models(Vec<E::Model>),
    /// Rows may lack columns.
    Active(Vec<E::ActiveModel>),
}

/// Rows in memory that have a number.
pub(crate) trait RowList<E: EntityTrait> {
    /// The number of rows.
    fn len(&self) -> usize;

    /// The row at an index below [`len`](Self::len).
    fn row(&self, index: usize) -> Row<'_, E>;

    /// All rows, in order.
    fn rows(&self) -> impl Iterator<Item = Row<'_, E>> {
        (0..self.len()).map(|index| self.row(index))
    }
}

impl<E: EntityTrait> RowList<E> for Desired<E> {
    fn len(&self) -> usize {
        match self {
            Self::Models(models) => models.len(),
            Self::Active(models) => models.len(),
        }
    }

    fn row(&self, index: usize) -> Row<'_, E> {
        match self {
            Self::Models(models) => Row::Model(&models[index]),
            Self::Active(models) => Row::Active(&models[index]),
        }
    }
}

impl<E: EntityTrait> RowList<E> for [E::Model] {
    fn len(&self) -> usize {
        self.len()
    }

    fn row(&self, index: usize) -> Row<'_, E> {
        Row::Model(&self[index])
    }
}

impl<E: EntityTrait> Desired<E> {
    /// Takes the rows out of an iterator.
    pub fn collect<M, I>(models: I) -> Self
    where
        I: IntoIterator<Item = M>,
        M: IntoActiveModel<E::ActiveModel> + 'static,
    {
        let models: Vec<M> = models.into_iter().collect();
        let models: Box<dyn Any> = Box::new(models);
        match models.downcast::<Vec<E::Model>>() {
            Ok(models) => Self::Models(*models),
            Err(models) => Self::Active(
                models.downcast::<Vec<M>>().map(|models| into_active(*models)).unwrap_or_default(),
            ),
        }
    }

    /// Gives a row another value in a column.
    ///
    /// # Errors
    ///
    /// Where the value is not of the column's type.
    pub fn set(&mut self, index: usize, column: E::Column, value: Value) -> Result<(), DbErr> {
        match self {
            Self::Models(models) => models[index].try_set(column, value),
            Self::Active(models) => models[index].try_set(column, value),
        }
    }

    /// Only the rows at these indices, in this order.
    pub fn select(self, indices: &[usize]) -> Self {
        fn select<T>(rows: Vec<T>, indices: &[usize]) -> Vec<T> {
            let mut rows: Vec<Option<T>> = rows.into_iter().map(Some).collect();
            indices.iter().filter_map(|&index| rows[index].take()).collect()
        }
        match self {
            Self::Models(models) => Self::Models(select(models, indices)),
            Self::Active(models) => Self::Active(select(models, indices)),
        }
    }
}

fn into_active<M: IntoActiveModel<A>, A: ActiveModelTrait>(models: Vec<M>) -> Vec<A> {
    models.into_iter().map(IntoActiveModel::into_active_model).collect()
}

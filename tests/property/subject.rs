//! The tables that are synced: what the oracle has to know of them, the values
//! that their columns take, and the way from lists of values to models.

use std::fmt::Debug;

use bulk_sync::SyncKey;
use bulk_sync_tests::oracle::{Absent, Column, Kept, Model, Role, Row, Table};
use proptest::{prelude::*, sample::select};
use sea_orm::{
    ActiveModelTrait, DbErr, EntityTrait, IntoActiveModel, Iterable, ModelTrait, TryIntoModel,
    Value,
};

/// An entity that is synced.
pub trait Subject:
    EntityTrait<
        Model: SyncKey + IntoActiveModel<Self::ActiveModel> + Send + Sync + Debug,
        ActiveModel: TryIntoModel<Self::Model> + Send,
    >
{
    /// The column at a position.
    fn column(position: usize) -> Self::Column {
        Self::Column::iter().nth(position).expect("the layout has no more columns than the entity")
    }
}

/// An entity whose table is always the same.
pub trait Fixed: Subject {
    /// Its columns.
    fn layout() -> Layout;
}

/// The columns of a table and the values that they take.
#[derive(Clone, Debug)]
pub struct Layout {
    /// What the oracle knows.
    pub table: Table,
    /// The values that models have in each column.
    pub domains: Vec<Vec<Value>>,
    /// What else rows can be matched by.
    pub keys: Vec<Vec<usize>>,
    /// How many calls match by those, of 100.
    pub key_percent: u32,
    /// The stamps with which rows can be deleted.
    pub soft_deletes: Vec<Vec<(usize, Value)>>,
    /// What people have to know of the table.
    pub about: String,
}

/// A column and the values that it takes.
pub fn column<T: Into<Value>>(
    name: &'static str,
    role: Role,
    absent: Absent,
    domain: impl IntoIterator<Item = T>,
) -> (Column, Vec<Value>) {
    let column = Column { name, role, absent, kept: Vec::new() };
    (column, domain.into_iter().map(Into::into).collect())
}

impl Layout {
    /// A table of these columns, in the order of the struct.
    pub fn new(columns: Vec<(Column, Vec<Value>)>) -> Self {
        let (columns, domains) = columns.into_iter().unzip();
        let table = Table { columns, primary_key: Vec::new(), unique: Vec::new() };
        Self {
            table,
            domains,
            keys: Vec::new(),
            key_percent: 25,
            soft_deletes: Vec::new(),
            about: String::new(),
        }
    }

    /// Adds a column that keeps other values than it is given, and has these besides.
    pub fn push(&mut self, name: &'static str, absent: Absent, more: Vec<Value>, kept: Vec<Kept>) {
        let given = kept.iter().map(|kept| kept.given.clone());
        self.domains.push(more.into_iter().chain(given).collect());
        self.table.columns.push(Column { name, role: Role::Value, absent, kept });
    }

    /// How many calls match by the keys, of 100.
    pub fn key_percent(mut self, percent: u32) -> Self {
        self.key_percent = percent;
        self
    }

    /// Whether columns keep other values than they are given.
    pub fn is_drawn(&self) -> bool {
        self.table.columns.iter().any(|column| !column.kept.is_empty())
    }

    /// Rows that the table can hold.
    pub fn rows(&self) -> impl Strategy<Value = Row> + use<> {
        let stored = |(column, domain): (&Column, &Vec<Value>)| {
            select(domain.iter().filter_map(|value| column.stored(value)).collect::<Vec<_>>())
        };
        let columns = self.table.columns.iter().zip(&self.domains);
        columns.map(stored).collect::<Vec<_>>()
    }

    /// The values of a model, those that the database refuses apart.
    pub fn models(&self) -> impl Strategy<Value = Row> + use<> {
        let storable = |(column, domain): (&Column, &Vec<Value>)| {
            let domain = domain.iter().filter(|value| column.stored(value).is_some());
            select(domain.cloned().collect::<Vec<_>>())
        };
        let columns = self.table.columns.iter().zip(&self.domains);
        columns.map(storable).collect::<Vec<_>>()
    }

    /// A value that the database refuses, and its column.
    pub fn refused(&self) -> impl Strategy<Value = Option<(usize, Value)>> + use<> {
        let columns = self.table.columns.iter().zip(&self.domains).enumerate();
        let refused = columns.flat_map(|(position, (column, domain))| {
            let domain = domain.iter().filter(|value| column.stored(value).is_none());
            domain.map(move |value| Some((position, value.clone())))
        });
        let refused: Vec<_> = refused.collect();
        select(if refused.is_empty() { vec![None] } else { refused })
    }

    /// Names the primary key.
    pub fn primary_key(mut self, names: &[&str]) -> Self {
        self.table.primary_key = self.positions(names);
        self
    }

    /// Names the columns of which no two rows have the same value.
    pub fn unique(mut self, names: &[&str]) -> Self {
        self.table.unique = self.positions(names);
        self
    }

    /// Names the stamps with which rows can be deleted.
    pub fn soft_deletes(mut self, stamps: &[&[(&str, Value)]]) -> Self {
        let resolve = |(name, stamp): &(&str, Value)| (self.position(name), stamp.clone());
        self.soft_deletes =
            stamps.iter().map(|stamps| stamps.iter().map(resolve).collect()).collect();
        self
    }

    /// Names what else rows can be matched by.
    pub fn keys(mut self, keys: &[&[&str]]) -> Self {
        self.keys = keys.iter().map(|names| self.positions(names)).collect();
        self
    }

    /// The column of that name.
    pub fn position(&self, name: &str) -> usize {
        let mut columns = self.table.columns.iter();
        columns.position(|column| column.name == name).expect("layouts name their own columns")
    }

    fn positions(&self, names: &[&str]) -> Vec<usize> {
        names.iter().map(|name| self.position(name)).collect()
    }
}

/// The values of a model as `Set`, in the columns that have one.
pub fn active<E: Subject>(model: &Model) -> E::ActiveModel {
    let mut active = <E::ActiveModel as ActiveModelTrait>::default();
    for (position, value) in model.iter().enumerate() {
        match value {
            Some(value) => active.set(E::column(position), value.clone()),
            None => active.not_set(E::column(position)),
        }
    }
    active
}

/// As [`active`], with the values as they are after a read.
pub fn unchanged<E: Subject>(layout: &Layout, values: &Model) -> Result<E::ActiveModel, DbErr> {
    let any = layout.domains.iter().map(|domain| domain[0].clone());
    let complete = values.iter().cloned().zip(any).map(|(value, any)| value.or(Some(any)));
    let mut active = model::<E>(&complete.collect())?.into_active_model();
    for (position, _) in values.iter().enumerate().filter(|(_, value)| value.is_none()) {
        active.not_set(E::column(position));
    }
    Ok(active)
}

/// A complete row as a Model.
pub fn model<E: Subject>(row: &Model) -> Result<E::Model, DbErr> {
    active::<E>(row).try_into_model()
}

/// The values of a Model.
pub fn row<E: Subject>(model: &E::Model) -> Row {
    E::Column::iter().map(|column| model.get(column)).collect()
}

//! Random scopes: each as a condition for the database, and as a function
//! that says which rows meet it.

use bulk_sync_tests::oracle::{Row, is_null, number};
use proptest::{collection::vec, prelude::*, sample::select};
use sea_orm::{
    ColumnTrait,
    sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement},
};

use crate::{
    region::{self, REGIONS},
    subject::{Layout, Subject},
};

/// What a call is given as its scope.
#[derive(Clone, Debug)]
pub enum Scope {
    /// `WholeTable`.
    Whole,
    /// A condition without a predicate.
    Empty,
    /// A condition.
    Where(Predicate),
}

/// A condition on columns of integers, named by their position.
#[derive(Clone, Debug)]
pub enum Predicate {
    Equals(usize, i32),
    Among(usize, Vec<i32>),
    Between(usize, i32, i32),
    IsNull(usize),
    /// `IN (SELECT number FROM region WHERE kind = …)`
    OfKind(usize, i32),
    /// `= (SELECT MAX(…) …)` of the table itself
    Highest(usize),
    /// `IN (SELECT … WHERE other = …)` of the table itself
    BesideOne(usize, usize, i32),
    Any(Vec<Predicate>),
    All(Vec<Predicate>),
    Not(Box<Predicate>),
}

impl Scope {
    /// Whether the row is in scope, given all rows of the table.
    pub fn holds(&self, row: &Row, rows: &[Row]) -> bool {
        match self {
            Self::Whole => true,
            Self::Empty => false,
            Self::Where(predicate) => predicate.truth(row, rows) == Some(true),
        }
    }
}

impl Predicate {
    /// SQL's answer: `None` is unknown.
    fn truth(&self, row: &Row, rows: &[Row]) -> Option<bool> {
        match self {
            Self::Equals(column, value) => Some(int(row, *column)? == *value),
            Self::Among(_, values) if values.is_empty() => Some(false),
            Self::Among(column, values) => Some(values.contains(&int(row, *column)?)),
            Self::Between(column, low, high) => Some((low..=high).contains(&&int(row, *column)?)),
            Self::IsNull(column) => Some(is_null(&row[*column])),
            Self::OfKind(column, kind) => {
                let value = int(row, *column)?;
                Some(REGIONS.contains(&(value, *kind)))
            }
            Self::Highest(column) => {
                let highest = rows.iter().filter_map(|row| int(row, *column)).max();
                Some(int(row, *column)? == highest?)
            }
            Self::BesideOne(column, other, value) => {
                let mut ones = rows.iter().filter(|row| int(row, *other) == Some(*value));
                Some(ones.any(|one| one[*column] == row[*column]))
            }
            Self::Any(parts) => not(all(parts.iter().map(|part| not(part.truth(row, rows))))),
            Self::All(parts) => all(parts.iter().map(|part| part.truth(row, rows))),
            Self::Not(part) => not(part.truth(row, rows)),
        }
    }

    /// The condition as an application would write it.
    pub fn condition<E: Subject>(&self) -> Condition {
        let all_of = |all: Condition, part: &Self| all.add(part.condition::<E>());
        match self {
            Self::Equals(column, value) => E::column(*column).eq(*value).into(),
            Self::Among(column, values) => E::column(*column).is_in(values.clone()).into(),
            Self::Between(column, low, high) => E::column(*column).between(*low, *high).into(),
            Self::IsNull(column) => E::column(*column).is_null().into(),
            Self::OfKind(column, kind) => E::column(*column).in_subquery(of_kind(*kind)).into(),
            Self::Highest(column) => E::column(*column).in_subquery(highest::<E>(*column)).into(),
            Self::BesideOne(column, other, value) => {
                E::column(*column).in_subquery(beside_one::<E>(*column, *other, *value)).into()
            }
            Self::Any(parts) => parts.iter().fold(Condition::any(), all_of),
            Self::All(parts) => parts.iter().fold(Condition::all(), all_of),
            Self::Not(part) => part.condition::<E>().not(),
        }
    }
}

fn int(row: &Row, column: usize) -> Option<i32> {
    number(&row[column])?.try_into().ok()
}

fn not(truth: Option<bool>) -> Option<bool> {
    truth.map(|truth| !truth)
}

fn all(mut truths: impl Iterator<Item = Option<bool>> + Clone) -> Option<bool> {
    if truths.clone().any(|truth| truth == Some(false)) {
        return Some(false);
    }
    truths.all(|truth| truth.is_some()).then_some(true)
}

fn of_kind(kind: i32) -> SelectStatement {
    Query::select()
        .column(region::Column::Number)
        .from(region::Entity)
        .and_where(region::Column::Kind.eq(kind))
        .to_owned()
}

fn highest<E: Subject>(column: usize) -> SelectStatement {
    let column = Expr::col(E::column(column).as_column_ref());
    Query::select().expr(column.max()).from(E::default().table_ref()).to_owned()
}

fn beside_one<E: Subject>(column: usize, other: usize, value: i32) -> SelectStatement {
    Query::select()
        .expr(Expr::col(E::column(column).as_column_ref()))
        .from(E::default().table_ref())
        .and_where(E::column(other).eq(value))
        .to_owned()
}

/// Scopes over the columns `company` and `level`, which every layout has.
pub fn scopes(layout: &Layout) -> impl Strategy<Value = Scope> + use<> {
    let predicates = predicates(layout.position("company"), layout.position("level"));
    prop_oneof![
        20 => predicates.prop_map(Scope::Where),
        3 => Just(Scope::Whole),
        1 => Just(Scope::Empty),
    ]
}

fn predicates(company: usize, level: usize) -> impl Strategy<Value = Predicate> {
    let of_rows = prop_oneof![
        4 => (1..=3).prop_map(move |value| Predicate::Equals(company, value)),
        3 => vec(1..=3, 0..=3).prop_map(move |values| Predicate::Among(company, values)),
        2 => (select(vec![company, level]), 1..=3, 1..=3)
            .prop_map(|(column, low, high)| Predicate::Between(column, low, high)),
        1 => (1..=3).prop_map(move |value| Predicate::Equals(level, value)),
        1 => Just(Predicate::IsNull(level)),
        2 => (1..=3).prop_map(move |kind| Predicate::OfKind(company, kind)),
    ];
    let of_rows = of_rows.prop_recursive(2, 6, 3, |part| {
        prop_oneof![
            vec(part.clone(), 1..=3).prop_map(Predicate::Any),
            vec(part.clone(), 1..=3).prop_map(Predicate::All),
            part.prop_map(|part| Predicate::Not(Box::new(part))),
        ]
    });
    prop_oneof![
        8 => of_rows,
        1 => Just(Predicate::Highest(level)),
        1 => (1..=3).prop_map(move |value| Predicate::BesideOne(company, level, value)),
    ]
}

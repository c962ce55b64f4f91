//! What a sync should do, said as plainly as can be: rows in lists, gone
//! through one by one. Shares no code with the library, and knows no database.

use std::collections::BTreeSet;

use sea_orm::Value;

mod outcome;
mod planning;
mod staleness;

/// A row of the table: one value a column. A primary key that the database
/// will give is NULL.
pub type Row = Vec<Value>;

/// A model: one value a column, `None` where it is `NotSet`.
pub type Model = Vec<Option<Value>>;

/// What the derive says about a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Matches models with rows.
    Key,
    /// Compared and updated.
    Value,
    /// Written on create only.
    Ignore,
    /// Written with an update that has another reason.
    Touch,
}

/// What the database does with a column that an INSERT leaves out.
#[derive(Clone, Debug, PartialEq)]
pub enum Absent {
    /// It takes this value.
    Default(Value),
    /// It counts up.
    Generated,
    /// It refuses the row.
    Refused,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name in the table.
    pub name: &'static str,
    /// What the derive says about it.
    pub role: Role,
    /// What becomes of it when it is left out.
    pub absent: Absent,
    /// What it makes of values; it keeps those that are not here.
    pub kept: Vec<Kept>,
}

/// What a column makes of a value that it is given.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The value.
    pub given: Value,
    /// What is read back; `None` where the database refuses it.
    pub stored: Option<Value>,
    /// What stands for all values that the database holds equal to it.
    pub equal: Value,
}

impl Column {
    /// What is read back of a value; `None` where the database refuses it.
    pub fn stored(&self, value: &Value) -> Option<Value> {
        self.find(value).map_or(Some(value.clone()), |kept| kept.stored.clone())
    }

    /// Whether the database holds two values equal; NULL is equal to NULL here.
    pub fn holds_equal(&self, left: &Value, right: &Value) -> bool {
        self.standing_for(left) == self.standing_for(right)
    }

    fn standing_for<'a>(&'a self, value: &'a Value) -> &'a Value {
        self.find(value).map_or(value, |kept| &kept.equal)
    }

    fn find(&self, value: &Value) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.given == *value)
    }
}

/// A table; columns are named by their position.
#[derive(Clone, Debug)]
pub struct Table {
    /// The columns, in the order of the struct.
    pub columns: Vec<Column>,
    /// The primary key.
    pub primary_key: Vec<usize>,
    /// Columns of which no two rows have the same value.
    pub unique: Vec<usize>,
}

/// Which of several models with one key counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeated {
    /// They are an error.
    #[default]
    Refuse,
    /// The first.
    First,
    /// The last.
    Last,
}

/// The options of a call.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "they mirror the methods of the builder")]
#[expect(missing_docs, reason = "they have the names of the methods of the builder")]
pub struct Options {
    pub batch_size: Option<usize>,
    pub skip_creates: bool,
    pub skip_updates: bool,
    pub skip_deletes: bool,
    pub key: Option<Vec<usize>>,
    pub only: Option<Vec<usize>>,
    pub ignore: Vec<usize>,
    pub allow_empty: bool,
    pub max_deletes: Option<u64>,
    pub max_delete_percent: Option<u64>,
    pub max_updates: Option<u64>,
    pub delete_duplicates: bool,
    pub repeated: Repeated,
    pub soft_delete: Vec<(usize, Value)>,
}

/// The class of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they have the names of the variants of the error")]
pub enum Fault {
    InvalidInput,
    DuplicateRows,
    EmptyInput,
    TooManyDeletes,
    TooManyUpdates,
    OutOfScope,
    Constraint,
    Statement,
    StalePlan,
}

/// Whether a row is in scope, given all rows of its table.
pub type InScope<'a> = dyn Fn(&Row, &[Row]) -> bool + 'a;

/// A call of `bulk_sync`.
pub struct Call<'a> {
    /// The table.
    pub table: &'a Table,
    /// The models.
    pub models: &'a [Model],
    /// Whether the values of the models are `Set`, not those of a Model.
    pub explicit: bool,
    /// The scope; `None` for a condition without a predicate.
    pub in_scope: Option<&'a InScope<'a>>,
    /// The options.
    pub options: &'a Options,
}

/// What there is to do; rows of the table are named by their position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The rows to create.
    pub created: Vec<Row>,
    /// The rows to update.
    pub updated: Vec<Update>,
    /// The rows to delete.
    pub deleted: Vec<usize>,
    /// How many rows equal their model.
    pub unchanged: usize,
    /// How many rows are in scope, soft-deleted ones apart.
    pub in_scope: usize,
    /// How many models count.
    pub given: usize,
    /// Whether a created row lacks a value that the database insists on.
    pub incomplete: bool,
    /// Whether a value is to be written that the database refuses.
    pub unstorable: bool,
}

/// What becomes of the table. Where the library is free to do the change or to
/// refuse it, there are both a table and faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The rows after the call; `None` where it has to be refused.
    pub table: Option<Vec<Row>>,
    /// The errors of which it gives one when it is refused: which of several
    /// comes first is not promised.
    pub faults: BTreeSet<Fault>,
}

impl<const N: usize> From<[Fault; N]> for Outcome {
    fn from(faults: [Fault; N]) -> Self {
        Self { table: None, faults: faults.into() }
    }
}

/// A row to update.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Which.
    pub row: usize,
    /// The columns in which it differs from its model.
    pub changed: Vec<usize>,
    /// What it becomes.
    pub desired: Row,
    /// Whether it was soft-deleted.
    pub revived: bool,
    /// Whether it gets a value that the database refuses.
    pub unstorable: bool,
}

impl Table {
    /// Whether the table takes a row beside these.
    pub fn takes(&self, row: &Row, rows: &[Row]) -> bool {
        !rows.iter().any(|other| self.collide(row, other))
    }

    /// NULL, which also stands for a key that the database gives, is no other row's.
    fn collide(&self, left: &Row, right: &Row) -> bool {
        let same = |&column: &usize| {
            self.columns[column].holds_equal(&left[column], &right[column])
                && !is_null(&left[column])
        };
        self.primary_key.iter().all(same) || self.unique.iter().any(same)
    }
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.updated.is_empty() && self.deleted.is_empty()
    }

    /// How many rows are updated in each column that is.
    pub fn changed_columns(&self, table: &Table) -> Vec<(&'static str, u64)> {
        let count = |column: usize| {
            self.updated.iter().filter(|update| update.changed.contains(&column)).count() as u64
        };
        let counts = table.columns.iter().enumerate().map(|(i, column)| (column.name, count(i)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

/// Whether it is NULL, of any type.
pub fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}

/// Whether it is a float that is no number, which is no key.
pub fn is_nan(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_some_and(f32::is_nan),
        Value::Double(number) => number.is_some_and(f64::is_nan),
        _ => false,
    }
}

/// The number in a value of an integer type.
pub fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => number.map(i64::from),
        Value::BigInt(number) => *number,
        _ => None,
    }
}

/// What a column of a stamp is in a row that is not soft-deleted.
pub fn cleared(stamp: &Value) -> Value {
    match stamp {
        Value::Bool(_) => Value::Bool(Some(false)),
        stamp => stamp.as_null(),
    }
}

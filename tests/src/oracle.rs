//! What a sync should do, said as plainly as can be: rows in lists, gone
//! through one by one. Shares no code with the library, and knows no database.

use std::{cmp::Ordering, collections::BTreeSet};

use sea_orm::Value;

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
}

/// A table; columns are named by their position.
#[derive(Clone, Debug)]
pub struct Table {
    /// The columns, in the order of the struct.
    pub columns: Vec<Column>,
    /// The primary key.
    pub primary_key: Vec<usize>,
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

/// A call of `bulk_sync`.
pub struct Call<'a> {
    /// The table.
    pub table: &'a Table,
    /// The models.
    pub models: &'a [Model],
    /// Whether the values of the models are `Set`, not those of a Model.
    pub explicit: bool,
    /// Whether a row is in scope, given all rows of its table; `None` for a
    /// condition without a predicate.
    pub in_scope: Option<&'a dyn Fn(&Row, &[Row]) -> bool>,
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
    /// How many rows are in scope.
    pub in_scope: usize,
    /// How many models count.
    pub given: usize,
    /// Whether a created row lacks a value that the database insists on.
    pub incomplete: bool,
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

/// A row of the table after the call.
struct After {
    row: Row,
    should_be_in_scope: bool,
    written: bool,
}

impl Call<'_> {
    /// The table after the call, or the errors of which the call gives one:
    /// which of several refusals of the database comes first is not promised.
    pub fn carry_out(&self, plan: &Plan, rows: &[Row]) -> Result<Vec<Row>, BTreeSet<Fault>> {
        if let Some(fault) = self.guard(plan) {
            return Err([fault].into());
        }
        let after = self.after(plan, rows);
        let mut faults = self.refusals(plan, rows);
        let table: Vec<Row> = after.iter().map(|after| after.row.clone()).collect();
        if !plan.is_empty() && after.iter().any(|after| self.is_stray(after, &table)) {
            faults.insert(Fault::OutOfScope);
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }

    /// What there is to do.
    pub fn plan(&self, rows: &[Row]) -> Result<Plan, Fault> {
        if self.is_invalid() {
            return Err(Fault::InvalidInput);
        }
        let models = self.models_that_count();
        let mut matched = vec![false; models.len()];
        let mut plan = Plan { given: models.len(), ..Plan::default() };
        for row in self.scope_by_primary_key(rows) {
            plan.in_scope += 1;
            let found = models.iter().position(|model| self.has_key_of(model, &rows[row]));
            match found {
                // a row that no model is given for is deleted
                None if !self.options.skip_deletes => plan.deleted.push(row),
                None => {}
                // of several rows with one key, the lowest primary key stays
                Some(model) if matched[model] && self.options.delete_duplicates => {
                    plan.deleted.push(row);
                }
                Some(model) if matched[model] => return Err(Fault::DuplicateRows),
                Some(model) => {
                    matched[model] = true;
                    self.compare(&mut plan, row, &rows[row], models[model]);
                }
            }
        }
        if !self.options.skip_creates {
            // a model that no row is there for is created
            let missing = models.iter().zip(matched).filter(|(_, matched)| !matched);
            for (model, _) in missing {
                plan.incomplete |= self.lacks_a_value(model);
                plan.created.push(self.created(model));
            }
        }
        Ok(plan)
    }

    /// Faults of the call that need no database.
    fn is_invalid(&self) -> bool {
        let options = self.options;
        let key = self.key();
        let named = options.only.iter().flatten().chain(&options.ignore);
        let keys: Vec<_> = self.models.iter().map(|model| self.key_of_model(model)).collect();
        let repeats = (1..keys.len()).any(|later| keys[..later].contains(&keys[later]));
        // a condition without a predicate
        self.in_scope.is_none()
            // a batch of no rows
            || options.batch_size == Some(0)
            // a share of more than everything
            || options.max_delete_percent.is_some_and(|percent| percent > 100)
            // a key of no columns
            || key.is_empty()
            // `only` or `ignore` of a column of the key
            || named.clone().any(|column| key.contains(column))
            // a model without a key
            || keys.iter().any(Option::is_none)
            // two models with one key
            || (repeats && options.repeated == Repeated::Refuse)
    }

    /// Limits that the call sets itself.
    fn guard(&self, plan: &Plan) -> Option<Fault> {
        let options = self.options;
        let (deletes, updates) = (plan.deleted.len() as u64, plan.updated.len() as u64);
        let share = |percent: u64| deletes * 100 > percent * plan.in_scope as u64;
        if plan.given == 0 && deletes > 0 && !options.allow_empty {
            Some(Fault::EmptyInput)
        } else if options.max_deletes.is_some_and(|limit| deletes > limit)
            || options.max_delete_percent.is_some_and(share)
        {
            Some(Fault::TooManyDeletes)
        } else if options.max_updates.is_some_and(|limit| updates > limit) {
            Some(Fault::TooManyUpdates)
        } else {
            None
        }
    }

    /// The guard's verdict on a plan.
    pub fn guarded(&self, plan: &Plan) -> Result<(), Fault> {
        self.guard(plan).map_or(Ok(()), Err)
    }

    /// Why the database refuses to create rows.
    fn refusals(&self, plan: &Plan, rows: &[Row]) -> BTreeSet<Fault> {
        let mut faults = BTreeSet::new();
        // a column without a value and without a default
        if plan.incomplete {
            faults.insert(Fault::Statement);
        }
        for (position, created) in plan.created.iter().enumerate() {
            // a primary key that another created row has
            if plan.created[..position].iter().any(|other| self.same_primary_key(other, created)) {
                faults.insert(Fault::Constraint);
            }
            let kept = (0..rows.len()).filter(|row| !plan.deleted.contains(row));
            for taken in kept.filter(|&row| self.same_primary_key(&rows[row], created)) {
                let key = self.key();
                let same_key = key.iter().all(|&column| rows[taken][column] == created[column]);
                let outside = !self.is_in_scope(&rows[taken], rows);
                // one that a kept row has; the same row out of scope is a fault of the scope
                let fault = if same_key && outside { Fault::OutOfScope } else { Fault::Constraint };
                faults.insert(fault);
            }
        }
        faults
    }

    /// The table as it should be after the call: deleted rows gone, updated
    /// and created rows equal to their models, all others as they were.
    fn after(&self, plan: &Plan, rows: &[Row]) -> Vec<After> {
        let mut after = Vec::new();
        for (position, row) in rows.iter().enumerate() {
            if plan.deleted.contains(&position) {
                continue;
            }
            let update = plan.updated.iter().find(|update| update.row == position);
            after.push(After {
                row: update.map_or(row, |update| &update.desired).clone(),
                should_be_in_scope: self.is_in_scope(row, rows),
                written: update.is_some(),
            });
        }
        let created = plan.created.iter().cloned();
        after.extend(created.map(|row| After { row, should_be_in_scope: true, written: true }));
        after
    }

    /// The rows in scope after the call are those that were kept or written.
    /// Where nothing is deleted, this is promised of written rows only.
    fn is_stray(&self, after: &After, table: &[Row]) -> bool {
        let promised = after.written || !self.options.skip_deletes;
        promised && self.is_in_scope(&after.row, table) != after.should_be_in_scope
    }

    fn is_in_scope(&self, row: &Row, rows: &[Row]) -> bool {
        self.in_scope.is_some_and(|in_scope| in_scope(row, rows))
    }

    /// The rows in scope, the lowest primary key first.
    fn scope_by_primary_key(&self, rows: &[Row]) -> Vec<usize> {
        let mut scope: Vec<usize> =
            (0..rows.len()).filter(|&row| self.is_in_scope(&rows[row], rows)).collect();
        scope.sort_by(|&left, &right| {
            let columns = self.table.primary_key.iter();
            columns
                .map(|&column| order(&rows[left][column], &rows[right][column]))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        scope
    }

    /// The columns that rows are matched by: those of the call, else of the derive.
    fn key(&self) -> Vec<usize> {
        self.options.key.clone().unwrap_or_else(|| {
            let columns = self.table.columns.iter().enumerate();
            columns.filter(|(_, column)| column.role == Role::Key).map(|(i, _)| i).collect()
        })
    }

    /// The key of a model; `None` where a part of it is NULL or not set.
    fn key_of_model(&self, model: &Model) -> Option<Vec<Value>> {
        let part = |column: usize| model[column].clone().filter(|value| !is_null(value));
        self.key().into_iter().map(part).collect()
    }

    /// NULL in the key of a row matches no model, because no model has it.
    fn has_key_of(&self, model: &Model, row: &Row) -> bool {
        self.key().iter().all(|&column| model[column].as_ref() == Some(&row[column]))
    }

    fn models_that_count(&self) -> Vec<&Model> {
        let mut models: Vec<&Model> = Vec::new();
        for model in self.models {
            let key = self.key_of_model(model);
            match models.iter_mut().find(|other| self.key_of_model(other) == key) {
                Some(other) if self.options.repeated == Repeated::Last => *other = model,
                Some(_) => {}
                None => models.push(model),
            }
        }
        models
    }

    /// Whether a column is compared: not the key nor the primary key, not
    /// ignored, and among `only`. A key of the derive that is not this call's
    /// is a value.
    fn is_compared(&self, column: usize) -> bool {
        let options = self.options;
        matches!(self.table.columns[column].role, Role::Value | Role::Key)
            && !self.key().contains(&column)
            && !self.table.primary_key.contains(&column)
            && !options.ignore.contains(&column)
            && options.only.as_ref().is_none_or(|only| only.contains(&column))
    }

    /// Whether a column is written with an update that has another reason.
    fn is_touched(&self, column: usize) -> bool {
        self.table.columns[column].role == Role::Touch
            && !self.key().contains(&column)
            && !self.table.primary_key.contains(&column)
            && !self.options.ignore.contains(&column)
    }

    fn compare(&self, plan: &mut Plan, position: usize, row: &Row, model: &Model) {
        let mut changed = Vec::new();
        let mut desired = row.clone();
        for (column, value) in model.iter().enumerate() {
            // what is not set is not compared and not updated
            let Some(value) = value else { continue };
            if self.is_compared(column) && *value != row[column] {
                changed.push(column);
            }
            if self.is_compared(column) || self.is_touched(column) {
                desired[column] = value.clone();
            }
        }
        if changed.is_empty() {
            plan.unchanged += 1;
        } else if !self.options.skip_updates {
            plan.updated.push(Update { row: position, changed, desired });
        }
    }

    /// A new row: the model, and what the database puts where it is not set.
    fn created(&self, model: &Model) -> Row {
        let value = |(position, column): (usize, &Column)| {
            match (&column.absent, &model[position]) {
                // a generated primary key is the database's to give, unless it is `Set`
                (Absent::Generated, _) if !self.explicit && !self.key().contains(&position) => {
                    Value::BigInt(None)
                }
                (_, Some(value)) => value.clone(),
                (Absent::Default(value), None) => value.clone(),
                (Absent::Generated | Absent::Refused, None) => Value::BigInt(None),
            }
        };
        self.table.columns.iter().enumerate().map(value).collect()
    }

    fn lacks_a_value(&self, model: &Model) -> bool {
        let columns = self.table.columns.iter().zip(model);
        columns
            .into_iter()
            .any(|(column, value)| column.absent == Absent::Refused && value.is_none())
    }

    /// NULL stands for a key that the database gives, which no other row has.
    fn same_primary_key(&self, left: &Row, right: &Row) -> bool {
        let mut columns = self.table.primary_key.iter();
        columns.all(|&column| left[column] == right[column] && !is_null(&left[column]))
    }
}

/// Whether it is NULL, of any type.
pub fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}

/// The number in a value of an integer type.
pub fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => number.map(i64::from),
        Value::BigInt(number) => *number,
        _ => None,
    }
}

fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => number(left).cmp(&number(right)),
    }
}

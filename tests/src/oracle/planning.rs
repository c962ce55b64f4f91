//! What there is to do: rows and models, matched one by one.

use std::cmp::Ordering;

use sea_orm::Value;

use super::{
    Absent, Call, Column, Fault, Model, Plan, Repeated, Role, Row, Update, cleared, is_nan,
    is_null, number,
};

impl Call<'_> {
    /// What there is to do.
    pub fn plan(&self, rows: &[Row]) -> Result<Plan, Fault> {
        if self.is_invalid() || self.repeats_to_the_database(rows) {
            return Err(Fault::InvalidInput);
        }
        let models = self.models_that_count();
        let mut matched = vec![false; models.len()];
        let mut plan = Plan { given: models.len(), ..Plan::default() };
        let scope = self.scope_by_primary_key(rows);
        let (stamped, live): (Vec<usize>, Vec<usize>) =
            scope.into_iter().partition(|&row| self.is_stamped(&rows[row]));
        let is_exact = |row: usize, model: &Model| self.has_exact_key_of(model, &rows[row]);
        let exact = |model: &Model| live.iter().any(|&row| is_exact(row, model));
        let has_exact: Vec<bool> = models.iter().map(|model| exact(model)).collect();
        for &row in &live {
            plan.in_scope += 1;
            // where a row has the key as it is spelled, others that only the
            // database holds equal have no model
            let as_spelled = models.iter().position(|model| is_exact(row, model));
            let held_equal = || self.model_of(&models, &rows[row]).filter(|&at| !has_exact[at]);
            match as_spelled.or_else(held_equal) {
                // a row that no model is given for is deleted
                None => plan.deleted.push(row),
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
        self.revive(&mut plan, &mut matched, rows, &models, stamped);
        // a model that no row is there for is created
        for (model, _) in models.iter().zip(matched).filter(|(_, matched)| !matched) {
            plan.incomplete |= self.lacks_a_value(model);
            plan.unstorable |= self.has_unstorable(model, |_| true);
            plan.created.push(self.created(model));
        }
        self.skip(&mut plan);
        Ok(plan)
    }

    /// What is skipped is neither done nor counted.
    fn skip(&self, plan: &mut Plan) {
        if self.options.skip_creates {
            plan.created.clear();
            plan.incomplete = false;
            plan.unstorable = false;
        }
        if self.options.skip_updates {
            plan.updated.clear();
        }
        plan.unstorable |= plan.updated.iter().any(|update| update.unstorable);
        if self.options.skip_deletes {
            plan.deleted.clear();
        }
    }

    /// A soft-deleted row comes back when a model has its key and no other row.
    fn revive(
        &self,
        plan: &mut Plan,
        matched: &mut [bool],
        rows: &[Row],
        models: &[&Model],
        stamped: Vec<usize>,
    ) {
        for row in stamped {
            let Some(model) = self.model_of(models, &rows[row]) else { continue };
            if std::mem::replace(&mut matched[model], true) {
                continue;
            }
            let mut update = self.update(row, &rows[row], models[model]);
            for (column, stamp) in &self.options.soft_delete {
                update.desired[*column] = cleared(stamp);
            }
            plan.updated.push(Update { revived: true, ..update });
        }
    }

    /// Whether a row is soft-deleted: the first stamp is not NULL, nor FALSE.
    pub(super) fn is_stamped(&self, row: &Row) -> bool {
        let first = self.options.soft_delete.first();
        first.is_some_and(|(column, stamp)| row[*column] != cleared(stamp))
    }

    /// Faults of the call that need no row.
    pub fn is_invalid(&self) -> bool {
        let options = self.options;
        let key = self.key();
        let named = options.only.iter().flatten().chain(&options.ignore);
        let repeats = || self.repeated_keys().into_iter().any(|pair| !self.is_respelled(pair));
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
            || self.models.iter().any(|model| self.key_of_model(model).is_none())
            // two models with one key
            || (options.repeated == Repeated::Refuse && repeats())
    }

    /// Whether two models have one key to the database alone. It can have a row for each,
    /// as they are spelled.
    fn repeats_to_the_database(&self, rows: &[Row]) -> bool {
        let has_row = |model: &Model| {
            let mut live = rows.iter().filter(|row| self.is_in_scope(row, rows));
            live.any(|row| self.has_exact_key_of(model, row))
        };
        let mut respelled =
            self.repeated_keys().into_iter().filter(|pair| self.is_respelled(*pair));
        self.options.repeated == Repeated::Refuse
            && respelled.any(|pair| !pair.into_iter().all(has_row))
    }

    /// The models, two by two, that have one key to the database.
    fn repeated_keys(&self) -> Vec<[&Model; 2]> {
        let key = |model| self.key_of_model(model);
        let pairs = (0..self.models.len()).flat_map(|later| (0..later).map(move |at| [at, later]));
        let pairs = pairs.map(|pair| pair.map(|at| &self.models[at]));
        pairs.filter(|[one, other]| self.are_same(key(one).as_ref(), key(other).as_ref())).collect()
    }

    fn is_respelled(&self, pair: [&Model; 2]) -> bool {
        let [one, other] = pair.map(|model| {
            let spelled = |at: usize| model[at].as_ref().map(|value| self.stored(at, value));
            self.key().into_iter().map(spelled).collect::<Vec<_>>()
        });
        one != other
    }

    /// The rows in scope, the lowest primary key first.
    fn scope_by_primary_key(&self, rows: &[Row]) -> Vec<usize> {
        let mut scope: Vec<usize> =
            (0..rows.len()).filter(|&row| self.is_in_whole_scope(&rows[row], rows)).collect();
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
    pub fn key(&self) -> Vec<usize> {
        self.options.key.clone().unwrap_or_else(|| {
            let columns = self.table.columns.iter().enumerate();
            columns.filter(|(_, column)| column.role == Role::Key).map(|(i, _)| i).collect()
        })
    }

    /// The key of a model; `None` where a part of it is NULL or not set.
    fn key_of_model(&self, model: &Model) -> Option<Vec<Value>> {
        let part =
            |column: usize| model[column].clone().filter(|value| !is_null(value) && !is_nan(value));
        self.key().into_iter().map(part).collect()
    }

    /// Whether the keys of two models are the same to the database.
    fn are_same(&self, left: Option<&Vec<Value>>, right: Option<&Vec<Value>>) -> bool {
        let (Some(left), Some(right)) = (left, right) else { return false };
        let mut parts = self.key().into_iter().zip(left.iter().zip(right));
        parts.all(|(column, (left, right))| self.holds_equal(column, left, right))
    }

    /// Whether two values of a column are equal to the database once it holds them.
    pub(super) fn holds_equal(&self, column: usize, left: &Value, right: &Value) -> bool {
        self.table.columns[column].holds_equal(left, right)
    }

    /// What the column makes of a value; a value that it refuses is like no other.
    fn stored(&self, column: usize, value: &Value) -> Value {
        self.table.columns[column].stored(value).unwrap_or_else(|| value.clone())
    }

    /// Whether a model has a value that the database refuses, in one of the columns.
    pub fn has_unstorable(&self, model: &Model, is_meant: impl Fn(usize) -> bool) -> bool {
        let refuses = |(column, value): (usize, &Option<Value>)| {
            let value = value.as_ref();
            value.is_some_and(|value| self.table.columns[column].stored(value).is_none())
                && is_meant(column)
        };
        model.iter().enumerate().any(refuses)
    }

    fn model_of(&self, models: &[&Model], row: &Row) -> Option<usize> {
        models.iter().position(|model| self.has_key_of(model, row))
    }

    /// NULL in the key of a row matches no model, because no model has it.
    fn has_key_of(&self, model: &Model, row: &Row) -> bool {
        self.key().iter().all(|&column| {
            let value = model[column].as_ref();
            value.is_some_and(|value| self.holds_equal(column, value, &row[column]))
        })
    }

    /// Whether the row has the model's key as it is stored, to the letter.
    fn has_exact_key_of(&self, model: &Model, row: &Row) -> bool {
        self.key().iter().all(|&column| {
            model[column].as_ref().is_some_and(|value| self.stored(column, value) == row[column])
        })
    }

    fn models_that_count(&self) -> Vec<&Model> {
        if self.options.repeated == Repeated::Refuse {
            return self.models.iter().collect();
        }
        let mut models: Vec<&Model> = Vec::new();
        for model in self.models {
            let key = self.key_of_model(model);
            let same = |other: &&mut &Model| {
                self.are_same(self.key_of_model(other).as_ref(), key.as_ref())
            };
            match models.iter_mut().find(same) {
                Some(other) if self.options.repeated == Repeated::Last => *other = model,
                Some(_) => {}
                None => models.push(model),
            }
        }
        models
    }

    fn is_stamp(&self, column: usize) -> bool {
        self.options.soft_delete.iter().any(|(stamp, _)| *stamp == column)
    }

    /// Whether a column is compared: not the key nor the primary key nor a
    /// stamp, not ignored, and among `only`. A key of the derive that is not this call's
    /// is a value.
    fn is_compared(&self, column: usize) -> bool {
        let options = self.options;
        matches!(self.table.columns[column].role, Role::Value | Role::Key)
            && !self.key().contains(&column)
            && !self.table.primary_key.contains(&column)
            && !self.is_stamp(column)
            && !options.ignore.contains(&column)
            && options.only.as_ref().is_none_or(|only| only.contains(&column))
    }

    /// Whether a column is written with an update that has another reason.
    fn is_touched(&self, column: usize) -> bool {
        self.table.columns[column].role == Role::Touch
            && !self.key().contains(&column)
            && !self.table.primary_key.contains(&column)
            && !self.is_stamp(column)
            && !self.options.ignore.contains(&column)
    }

    fn compare(&self, plan: &mut Plan, position: usize, row: &Row, model: &Model) {
        let update = self.update(position, row, model);
        if update.changed.is_empty() {
            plan.unchanged += 1;
        } else {
            plan.updated.push(update);
        }
    }

    /// The columns in which a row differs from its model, and what it becomes.
    fn update(&self, position: usize, row: &Row, model: &Model) -> Update {
        let mut changed = Vec::new();
        let mut desired = row.clone();
        let key = self.key();
        for (column, value) in model.iter().enumerate() {
            // what is not set is not compared and not updated
            let Some(value) = value else { continue };
            let stored = self.stored(column, value);
            // a key that is equal to the database can be spelled otherwise
            let is_compared = self.is_compared(column) || key.contains(&column);
            if is_compared && stored != row[column] {
                changed.push(column);
            }
            if is_compared || self.is_touched(column) {
                desired[column] = stored;
            }
        }
        let is_written = |column| changed.contains(&column) || self.is_touched(column);
        let unstorable = !changed.is_empty() && self.has_unstorable(model, is_written);
        Update { row: position, changed, desired, revived: false, unstorable }
    }

    /// A new row: the model, and what the database puts where it is not set.
    fn created(&self, model: &Model) -> Row {
        let value = |(position, column): (usize, &Column)| {
            match (&column.absent, &model[position]) {
                // a generated primary key is the database's to give, unless it is `Set`
                (Absent::Generated, _) if !self.explicit && !self.key().contains(&position) => {
                    Value::BigInt(None)
                }
                (_, Some(value)) => self.stored(position, value),
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
}

fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => number(left).cmp(&number(right)),
    }
}

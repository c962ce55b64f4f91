//! What there is to do: rows and models, matched one by one.

use std::cmp::Ordering;

use sea_orm::Value;

use super::{
    Absent, Call, Column, Fault, Model, Plan, Repeated, Role, Row, Update, cleared, is_null, number,
};

impl Call<'_> {
    /// What there is to do.
    pub fn plan(&self, rows: &[Row]) -> Result<Plan, Fault> {
        if self.is_invalid() {
            return Err(Fault::InvalidInput);
        }
        let models = self.models_that_count();
        let mut matched = vec![false; models.len()];
        let mut plan = Plan { given: models.len(), ..Plan::default() };
        let scope = self.scope_by_primary_key(rows);
        let (stamped, live) = scope.into_iter().partition(|&row| self.is_stamped(&rows[row]));
        for row in live {
            plan.in_scope += 1;
            match self.model_of(&models, &rows[row]) {
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
        }
        if self.options.skip_updates {
            plan.updated.clear();
        }
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
            let (changed, mut desired) = self.desired(&rows[row], models[model]);
            for (column, stamp) in &self.options.soft_delete {
                desired[*column] = cleared(stamp);
            }
            plan.updated.push(Update { row, changed, desired, revived: true });
        }
    }

    /// Whether a row is soft-deleted: the first stamp is not NULL, nor FALSE.
    pub(super) fn is_stamped(&self, row: &Row) -> bool {
        let first = self.options.soft_delete.first();
        first.is_some_and(|(column, stamp)| row[*column] != cleared(stamp))
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
        let part = |column: usize| model[column].clone().filter(|value| !is_null(value));
        self.key().into_iter().map(part).collect()
    }

    fn model_of(&self, models: &[&Model], row: &Row) -> Option<usize> {
        models.iter().position(|model| self.has_key_of(model, row))
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
        let (changed, desired) = self.desired(row, model);
        if changed.is_empty() {
            plan.unchanged += 1;
        } else {
            plan.updated.push(Update { row: position, changed, desired, revived: false });
        }
    }

    /// The columns in which a row differs from its model, and what it becomes.
    fn desired(&self, row: &Row, model: &Model) -> (Vec<usize>, Row) {
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
        (changed, desired)
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
}

fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => number(left).cmp(&number(right)),
    }
}

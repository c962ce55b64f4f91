//! Random cases. Values come from small sets, so that keys meet often; what
//! makes a call fail is rare, so that most calls do something.

use std::fmt;

use bulk_sync_tests::oracle::{
    Absent, Call, Model, Options, Repeated, Row, Table, cleared, is_nan, is_null,
};
use proptest::{
    bool::weighted, collection::vec, option, prelude::*, sample::Index, sample::select,
};
use sea_orm::{
    Value,
    sea_query::{QueryBuilder, SqliteQueryBuilder},
};

use crate::{
    adversary,
    options::{self, options},
    predicate::{Scope, scopes},
    subject::Layout,
};

/// How many characters of a value are shown.
const LONGEST: usize = 60;

/// What the models are given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Models.
    Models,
    /// `ActiveModel`s with `Set` values.
    Set,
    /// `ActiveModel`s with `Unchanged` values.
    Unchanged,
}

/// How the call is made.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// In an open transaction; the other way each call waits for the disk.
    pub in_transaction: bool,
    /// With `exec_with_returning`.
    pub returning: bool,
}

/// A table, and a call on it.
#[derive(Clone)]
pub struct Case {
    /// The table.
    pub table: Table,
    /// The rows before.
    pub initial: Vec<Row>,
    /// The models.
    pub models: Vec<Model>,
    /// What they are given as.
    pub form: Form,
    /// The scope.
    pub scope: Scope,
    /// The options.
    pub options: Options,
    /// How the call is made.
    pub manner: Manner,
    /// The rows between `compare` and `apply`; `None` for a call of `exec`.
    pub adversary: Option<Vec<Row>>,
}

impl Case {
    /// Asks the oracle something about the call.
    pub fn ask<T>(&self, question: impl FnOnce(&Call<'_>) -> T) -> T {
        let holds = |row: &Row, rows: &[Row]| self.scope.holds(row, rows);
        question(&Call {
            table: &self.table,
            models: &self.models,
            explicit: self.form == Form::Set,
            in_scope: if matches!(self.scope, Scope::Empty) { None } else { Some(&holds) },
            options: &self.options,
        })
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.table.columns.iter().map(|column| column.name).collect();
        writeln!(f, "columns ({})", names.join(", "))?;
        for row in &self.initial {
            writeln!(f, "row     {}", row_text(row.iter().map(Some)))?;
        }
        for model in &self.models {
            writeln!(f, "model   {}", row_text(model.iter().map(Option::as_ref)))?;
        }
        for row in self.adversary.iter().flatten() {
            writeln!(f, "before apply {}", row_text(row.iter().map(Some)))?;
        }
        writeln!(f, "given as {:?}, {:?}, {:?}", self.form, self.scope, self.manner)?;
        write!(f, "options: {}", options::text(&self.options, &self.table))
    }
}

/// `(1, 'a', NULL, -)`
pub fn row_text<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> String {
    let text = |value: Option<&Value>| {
        let text = value.map_or("-".into(), |value| SqliteQueryBuilder.value_to_string(value));
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
            None => text,
        }
    };
    format!("({})", values.map(text).collect::<Vec<_>>().join(", "))
}

/// A model before it is known what a case lets it do.
#[derive(Clone, Debug)]
struct Draft {
    values: Row,
    /// Takes the values of a row, but for the columns in `differs`.
    like: Option<Index>,
    /// Which of the values that are stored as that of the row.
    spelling: Index,
    differs: Vec<bool>,
    unset: Vec<bool>,
    /// A value that the database refuses.
    refused: Option<(usize, Value)>,
}

/// What a case allows that it usually does not.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
struct Licence {
    rows_share_keys: bool,
    models_share_keys: bool,
    models_out_of_scope: bool,
    /// Models that want the same unique value.
    models_collide: bool,
    /// Models without a key, and options that name columns of the key.
    invalid: bool,
    /// New rows without values that the database insists on.
    incomplete: bool,
    /// Models with values that the database refuses.
    refused: bool,
}

/// Cases of a table.
pub fn cases(layout: &Layout) -> impl Strategy<Value = Case> + use<> {
    let columns = layout.domains.len();
    let draft = (
        layout.models(),
        option::weighted(0.7, any::<Index>()),
        any::<Index>(),
        (vec(weighted(0.1), columns), vec(weighted(0.2), columns)),
        layout.refused(),
    )
        .prop_map(|(values, like, spelling, (differs, unset), refused)| Draft {
            values,
            like,
            spelling,
            differs,
            unset,
            refused,
        });
    let form = select(vec![Form::Models, Form::Set, Form::Unchanged]);
    let layout = layout.clone();
    (
        vec(layout.rows(), 0..=9),
        vec(draft, 0..=12),
        form,
        scopes(&layout),
        options(&layout),
        licences(),
        (weighted(0.8), any::<bool>()),
        option::weighted(0.3, vec(adversary::deeds(&layout), 0..=3)),
    )
        .prop_map(move |(rows, drafts, form, scope, options, licence, manner, deeds)| {
            let mut case = Case {
                table: layout.table.clone(),
                initial: Vec::new(),
                models: Vec::new(),
                form,
                scope,
                options,
                manner: Manner { in_transaction: manner.0, returning: manner.1 },
                adversary: None,
            };
            case.put_rows(rows, licence);
            case.put_models(&drafts, licence);
            case.adversary =
                deeds.map(|deeds| adversary::done(&case.table, case.initial.clone(), deeds));
            case
        })
}

fn licences() -> impl Strategy<Value = Licence> {
    let shared = (weighted(0.25), weighted(0.25), weighted(0.1));
    (shared, weighted(0.2), weighted(0.03), weighted(0.05), weighted(0.05)).prop_map(
        |(shared, models_out_of_scope, invalid, incomplete, refused)| Licence {
            rows_share_keys: shared.0,
            models_share_keys: shared.1,
            models_collide: shared.2,
            models_out_of_scope,
            invalid,
            incomplete,
            refused,
        },
    )
}

impl Case {
    /// Puts rows into the table, as far as it takes them and the licence allows them.
    fn put_rows(&mut self, rows: Vec<Row>, licence: Licence) {
        for row in rows {
            let same_key = |other: &Row| self.ask(|call| call.same_key(other, &row));
            let repeats = self.initial.iter().any(same_key);
            if self.table.takes(&row, &self.initial) && (licence.rows_share_keys || !repeats) {
                self.initial.push(row);
            }
        }
    }

    /// Puts models into the call, as far as the licence allows them.
    fn put_models(&mut self, drafts: &[Draft], licence: Licence) {
        let key = self.ask(|call| call.key());
        if !licence.invalid {
            self.options.ignore.retain(|column| !key.contains(column));
            self.options.only.iter_mut().for_each(|only| only.retain(|name| !key.contains(name)));
        }
        for draft in drafts {
            let mut row = draft.row(&self.initial, &self.table);
            if let Some((column, value)) = draft.refused.clone().filter(|_| licence.refused) {
                row[column] = value;
            }
            if !licence.models_out_of_scope {
                self.options.soft_delete.iter().for_each(|(c, stamp)| row[*c] = cleared(stamp));
            }
            let model = self.model(&key, &row, draft, licence);
            let is_no_key = |value: &Value| is_null(value) || is_nan(value);
            let keyless = key.iter().any(|&column| model[column].as_ref().is_none_or(is_no_key));
            let same_key = |other: &Model| {
                key.iter().all(|&column| self.holds_equal(column, &other[column], &model[column]))
            };
            // of these the library does not choose one
            let other_spelling = |other: &Model| {
                same_key(other) && key.iter().any(|&column| self.differ(column, other, &model))
            };
            let chooses = self.options.repeated != Repeated::Refuse;
            if (licence.models_out_of_scope || self.could_be_in_scope(&row))
                && (licence.models_share_keys || !self.models.iter().any(same_key))
                && !(chooses && self.models.iter().any(other_spelling))
                && (licence.models_collide || !self.models.iter().any(|m| self.contend(m, &model)))
                && (licence.invalid || !keyless)
            {
                self.models.push(model);
            }
        }
    }

    fn could_be_in_scope(&self, row: &Row) -> bool {
        matches!(self.scope, Scope::Empty) || self.scope.holds(row, &self.initial)
    }

    /// Whether two models want the same unique value.
    fn contend(&self, left: &Model, right: &Model) -> bool {
        let mut unique = self.table.unique.iter();
        unique.any(|&column| {
            self.holds_equal(column, &left[column], &right[column])
                && left[column].as_ref().is_some_and(|value| !is_null(value))
        })
    }

    /// Whether two values are equal to the database once it holds them.
    fn holds_equal(&self, column: usize, left: &Option<Value>, right: &Option<Value>) -> bool {
        match (left, right) {
            (Some(left), Some(right)) => self.table.columns[column].holds_equal(left, right),
            (left, right) => left == right,
        }
    }

    /// Whether two models are stored as different values in a column.
    fn differ(&self, column: usize, left: &Model, right: &Model) -> bool {
        let stored = |model: &Model| {
            model[column].as_ref().and_then(|value| self.table.columns[column].stored(value))
        };
        stored(left) != stored(right)
    }

    /// Whether a model has a value that the database refuses.
    pub fn has_unstorable(&self) -> bool {
        let unstorable = |model| self.ask(|call| call.has_unstorable(model, |_| true));
        self.models.iter().any(unstorable)
    }

    fn model(&self, key: &[usize], row: &Row, draft: &Draft, licence: Licence) -> Model {
        let is_new = !self.initial.iter().any(|other| self.ask(|call| call.same_key(other, row)));
        let may_be_unset = |column: usize| {
            if key.contains(&column) {
                return licence.invalid;
            }
            let insisted = self.table.columns[column].absent == Absent::Refused;
            licence.incomplete || !is_new || !insisted
        };
        let values = row.iter().cloned().enumerate();
        values
            .map(|(column, value)| {
                let unset =
                    self.form != Form::Models && draft.unset[column] && may_be_unset(column);
                (!unset).then_some(value)
            })
            .collect()
    }
}

impl Draft {
    fn row(&self, rows: &[Row], table: &Table) -> Row {
        let Some(like) = self.like.filter(|_| !rows.is_empty()) else { return self.values.clone() };
        let like = like.get(rows);
        let value = |column: usize| {
            if self.differs[column] {
                return self.values[column].clone();
            }
            let kept = table.columns[column].kept.iter();
            let kept = kept.filter(|kept| kept.stored.as_ref() == Some(&like[column]));
            let spellings: Vec<_> = kept.map(|kept| &kept.given).collect();
            if spellings.is_empty() {
                like[column].clone()
            } else {
                (*self.spelling.get(&spellings)).clone()
            }
        };
        (0..like.len()).map(value).collect()
    }
}

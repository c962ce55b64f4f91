//! One value in one role: created by `exec`, changed by as little as the column
//! keeps, and brought in by `apply` over rows that are there. After each, the
//! same sync has nothing to do.

use std::{error::Error, future::Future, time::Duration};

use bulk_sync::{BulkSync, SyncError, SyncResult, prelude::*};
use bulk_sync_tests::entity::typed::{TABLE, Typed, TypedRow};
use sea_orm::{DatabaseConnection, QueryOrder};

use crate::{
    column::{Column, Place},
    report::Outcome,
};

/// The longest that a case may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// The failure of a case that takes longer.
pub const HANGS: &str = "it hangs; the rest is left out";

/// Where the value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// In a column that is never NULL, and in one that can be.
    Both,
    /// In a column that is never NULL.
    Value,
    /// In a column that can be NULL.
    Optional,
    /// In the column that rows are matched by.
    Key,
}

/// A row of the table, with its primary key.
type Row<E> = (i32, TypedRow<<E as Typed>::Type>);

/// Runs a case in a task of its own, so that a panic or a hang is its failure
/// and not that of the others.
pub async fn run_case<E: Typed>(
    pool: &DatabaseConnection,
    place: Place,
    column: &Column<E::Type>,
    role: Role,
    value: &E::Type,
) -> Result<Outcome, String> {
    let (pool, column, value) = (pool.clone(), column.clone(), value.clone());
    let case = Case::<E> { pool, place, column, role, value };
    in_task(async move { case.run().await }).await
}

/// Runs something that must neither panic nor hang.
pub async fn in_task<T: Send + 'static>(
    work: impl Future<Output = Result<T, String>> + Send + 'static,
) -> Result<T, String> {
    match tokio::spawn(tokio::time::timeout(PATIENCE, work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(HANGS.to_owned()),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => Err(format!("panic: {}", panic_text(&*panic))),
            Err(error) => Err(error.to_string()),
        },
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

struct Case<E: Typed> {
    pool: DatabaseConnection,
    place: Place,
    column: Column<E::Type>,
    role: Role,
    value: E::Type,
}

impl<E: Typed> Case<E> {
    async fn run(&self) -> Result<Outcome, String> {
        let created = self.create().await.map_err(|error| format!("creating: {error}"))?;
        if let Stored::As(rows) = &created {
            self.change(rows).await.map_err(|error| format!("changing: {error}"))?;
        }
        let updated = self.update(&created).await.map_err(|error| format!("updating: {error}"))?;
        Ok(match (created, updated) {
            (Stored::As(_), Stored::As(_)) => Outcome::Converges,
            (_, Stored::Refused(message)) | (Stored::Refused(message), _) => {
                Outcome::Refused(message)
            }
        })
    }

    /// Into an empty table, by `exec`.
    async fn create(&self) -> Result<Stored<E>, String> {
        self.clear().await?;
        let models = self.models("created");
        let plan = self.sync(&models).compare(&self.pool).await;
        let check = self.sync(&models).check(&self.pool).await;
        let result = self.sync(&models).exec(&self.pool).await;
        let error = match result {
            Ok(result) if result.created == 3 => {
                let plan = plan.map_err(|error| disagree("compare", error))?;
                if check.map_err(|error| disagree("check", error))? || plan.is_empty() {
                    return Err("check or compare found nothing to do".to_owned());
                }
                return self.stored(&models, &[]).await;
            }
            Ok(result) => return Err(format!("3 models: {result}")),
            Err(error) => error,
        };
        if !self.rows().await?.is_empty() {
            return Err(format!("rows were written in spite of {}", chain(&error)));
        }
        if matches!(error, SyncError::InvalidInput { .. }) && plan.is_ok() {
            return Err(format!("compare does not see that {}", chain(&error)));
        }
        refused(error)
    }

    /// The least change that the column stores is one update, and no more.
    async fn change(&self, stored: &[TypedRow<E::Type>]) -> Result<(), String> {
        let mut models = self.models("created");
        let plain = |value: &E::Type| {
            let [first, last] = &self.column.plain;
            if value == first { last.clone() } else { first.clone() }
        };
        let step =
            |value: &E::Type| (self.column.step)(value, self.place).unwrap_or_else(|| plain(value));
        let one_update = "0 created, 1 updated, 0 deleted, 2 unchanged";
        if matches!(self.role, Role::Both | Role::Value) {
            models[1].value = step(&stored[1].value);
            self.expect(&models, &[one_update]).await?;
        }
        match self.role {
            Role::Value => Ok(()),
            Role::Both | Role::Optional => {
                models[1].optional = stored[1].optional.as_ref().map(step);
                self.expect(&models, &[one_update]).await?;
                models[1].optional = None;
                self.expect(&models, &[one_update]).await
            }
            Role::Key => {
                models[1].note.push('!');
                self.expect(&models, &[one_update]).await?;
                models[1].value = step(&stored[1].value);
                if self.column.plain.contains(&models[1].value) {
                    // that is the key of another model
                    return Ok(());
                }
                let other_key = "1 created, 0 updated, 1 deleted, 2 unchanged";
                // the database may hold the two equal, as under a collation
                self.expect(&models, &[other_key, one_update]).await
            }
        }
    }

    /// Syncs, with one of these counts, and once more with nothing to do.
    async fn expect(&self, models: &[TypedRow<E::Type>], expected: &[&str]) -> Result<(), String> {
        let failed = |error: SyncError| chain(&error);
        let plan = self.sync(models).compare(&self.pool).await.map_err(failed)?;
        let result = self.sync(models).exec(&self.pool).await.map_err(failed)?;
        if result != plan.summary() || !expected.contains(&result.to_string().as_str()) {
            return Err(format!("{result} instead of {expected:?}; compare: {plan}"));
        }
        let again = self.sync(models).exec(&self.pool).await.map_err(failed)?;
        if again.is_unchanged() { Ok(()) } else { Err(format!("a third sync: {again}")) }
    }

    /// Over rows with other values, by `apply`.
    async fn update(&self, created: &Stored<E>) -> Result<Stored<E>, String> {
        self.clear().await?;
        let mut seeds = self.seeds(created);
        seeds.push(TypedRow { number: 9, note: "deleted".to_owned(), ..seeds[0].clone() });
        if self.role == Role::Key {
            seeds.pop();
        }
        self.insert(&seeds).await?;
        let before = self.rows().await?;
        let models = self.models("updated");
        let plan = match self.sync(&models).compare(&self.pool).await {
            Ok(plan) => plan,
            Err(error) => return self.untouched(&before, error).await,
        };
        // none of these may panic
        let _ = (format!("{plan:#}"), plan.fingerprint(), plan.summary());
        let _ = (plan.created().count(), plan.updated().count(), plan.deleted().count());
        match plan.apply(&self.pool).await {
            Ok(_) => {
                let stored = self.stored(&models, &before).await?;
                same_as_created(created, &stored)?;
                Ok(stored)
            }
            Err(error) => self.untouched(&before, error).await,
        }
    }

    async fn untouched(&self, before: &[Row<E>], error: SyncError) -> Result<Stored<E>, String> {
        if text(&self.rows().await?) != text(before) {
            return Err(format!("the table has changed in spite of {}", chain(&error)));
        }
        refused(error)
    }

    /// Checks that the table holds the models, and syncs a second time.
    async fn stored(
        &self,
        models: &[TypedRow<E::Type>],
        before: &[Row<E>],
    ) -> Result<Stored<E>, String> {
        let rows = self.rows().await?;
        self.hold(&rows, models)?;
        if self.role != Role::Key {
            for (id, row) in before.iter().filter(|(_, row)| row.number != 9) {
                if !rows.iter().any(|(now, kept)| now == id && kept.number == row.number) {
                    return Err(format!("row {} was replaced", row.number));
                }
            }
        }
        self.converges(models).await?;
        Ok(Stored::As(rows.into_iter().map(|(_, row)| row).collect()))
    }

    /// Whether the rows are the models, as nearly as the column can hold them.
    fn hold(&self, rows: &[Row<E>], models: &[TypedRow<E::Type>]) -> Result<(), String> {
        let near = |row: &TypedRow<E::Type>, model: &TypedRow<E::Type>| {
            let optional = match (&row.optional, &model.optional) {
                (Some(row), Some(model)) => (self.column.near)(row, model),
                (row, model) => row.is_none() && model.is_none(),
            };
            (row.number, &row.note) == (model.number, &model.note)
                && optional
                && (self.column.near)(&row.value, &model.value)
        };
        let all = rows.len() == models.len()
            && rows.iter().zip(models).all(|((_, row), model)| near(row, model));
        if all { Ok(()) } else { Err(format!("the table holds {}", text(rows))) }
    }

    /// Syncs again what is in the table: each way finds nothing to do.
    async fn converges(&self, models: &[TypedRow<E::Type>]) -> Result<(), String> {
        let failed = |error: SyncError| format!("a second sync: {}", chain(&error));
        let plan = self.sync(models).compare(&self.pool).await.map_err(failed)?;
        let plan_text = plan.to_string();
        let check = self.sync(models).check(&self.pool).await.map_err(failed)?;
        let applied = plan.apply(&self.pool).await.map_err(failed)?;
        let result = self.sync(models).exec(&self.pool).await.map_err(failed)?;
        let by_key = self.sync(models).skip_deletes().compare(&self.pool).await.map_err(failed)?;
        let all = [applied, result, by_key.summary()];
        if check && all.iter().all(SyncResult::is_unchanged) {
            return Ok(());
        }
        let [applied, result, by_key] = all.map(|result| result.to_string());
        Err(format!(
            "a second sync: exec: {result}; apply: {applied}; check: {check}; looked up by key: \
             {by_key}; compare: {plan_text}"
        ))
    }

    fn sync(&self, models: &[TypedRow<E::Type>]) -> BulkSync<E> {
        let sync = E::bulk_sync(models.iter().cloned().map(E::model), WholeTable, None);
        if self.role == Role::Key { sync.key([E::VALUE]) } else { sync }
    }

    /// The value between two plain ones.
    fn models(&self, note: &str) -> [TypedRow<E::Type>; 3] {
        let [first, last] = &self.column.plain;
        let row = |number, value: &E::Type, optional: Option<&E::Type>| TypedRow {
            number,
            value: value.clone(),
            optional: optional.cloned(),
            note: format!("{note} {number}"),
        };
        let null = self.null();
        let middle = match self.role {
            Role::Both => row(2, &self.value, Some(&self.value)),
            Role::Value => row(2, &self.value, null),
            Role::Optional => row(2, first, Some(&self.value)),
            Role::Key => row(2, &self.value, Some(first)),
        };
        [row(1, first, null), middle, row(3, last, Some(first))]
    }

    /// NULL, unless the type has none.
    fn null(&self) -> Option<&E::Type> {
        self.column.not_null.map(|_| &self.column.plain[0])
    }

    /// Rows with the keys of the models: as they were stored, or plain.
    fn seeds(&self, created: &Stored<E>) -> Vec<TypedRow<E::Type>> {
        let [first, last] = &self.column.plain;
        match (self.role, created) {
            (Role::Key, Stored::As(rows)) => rows.clone(),
            (Role::Key, Stored::Refused(_)) => {
                let [first, _, last] = self.models("seed");
                vec![first, last]
            }
            _ => {
                let plain = |mut row: TypedRow<E::Type>| {
                    row.value = if row.value == *first { last.clone() } else { first.clone() };
                    row.optional =
                        if row.number == 1 { Some(first.clone()) } else { self.null().cloned() };
                    row
                };
                self.models("seed").map(plain).into()
            }
        }
    }

    async fn clear(&self) -> Result<(), String> {
        E::delete_many().exec(&self.pool).await.map(|_| ()).map_err(|e| format!("clearing: {e}"))
    }

    async fn insert(&self, seeds: &[TypedRow<E::Type>]) -> Result<(), String> {
        let models = seeds.iter().cloned().map(E::model);
        let result = E::bulk_sync(models, WholeTable, None).exec(&self.pool).await;
        result.map(|_| ()).map_err(|error| format!("seeding: {}", chain(&error)))
    }

    /// The rows of the table, in the order of the number.
    async fn rows(&self) -> Result<Vec<Row<E>>, String> {
        let rows = E::find().order_by_asc(E::NUMBER).all(&self.pool).await;
        let rows = rows.map_err(|error| format!("cannot be read back: {error}"))?;
        Ok(rows.iter().map(E::row).collect())
    }
}

/// What the table holds of a value.
enum Stored<E: Typed> {
    As(Vec<TypedRow<E::Type>>),
    Refused(String),
}

/// A value must be stored alike by INSERT and by UPDATE.
fn same_as_created<E: Typed>(created: &Stored<E>, updated: &Stored<E>) -> Result<(), String> {
    match (created, updated) {
        (Stored::As(created), Stored::As(updated)) => {
            let values = |rows: &[TypedRow<E::Type>]| {
                let values = rows.iter().map(|row| (&row.value, &row.optional));
                text(&values.collect::<Vec<_>>())
            };
            if values(created) == values(updated) {
                return Ok(());
            }
            Err(format!("created as {}, updated to {}", values(created), values(updated)))
        }
        (Stored::Refused(message), Stored::As(..)) => {
            Err(format!("stored by the update, but not when created: {message}"))
        }
        _ => Ok(()),
    }
}

/// An error that says what it is about.
fn refused<E: Typed>(error: SyncError) -> Result<Stored<E>, String> {
    let message = error.to_string();
    if matches!(error, SyncError::StalePlan { .. } | SyncError::OutOfScope { .. }) {
        return Err(message);
    }
    if !message.contains(TABLE) {
        return Err(format!("the message does not name the table: {message}"));
    }
    if message.len() > 2_000 {
        return Err(format!("the message has {} bytes", message.len()));
    }
    Ok(Stored::Refused(chain(&error)))
}

fn disagree(call: &str, error: SyncError) -> String {
    format!("exec succeeded, but {call} says {}", chain(&error))
}

/// The message of an error and those of its sources.
pub fn chain(error: &SyncError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text.chars().take(400).collect()
}

fn text(value: &(impl std::fmt::Debug + ?Sized)) -> String {
    let text = format!("{value:?}");
    if text.len() > 1_500 { format!("{} bytes: {:.1500}", text.len(), text) } else { text }
}

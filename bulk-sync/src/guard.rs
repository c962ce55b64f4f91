//! The guards against a bad import, checked before the first write.

use sea_orm::EntityTrait;

use crate::{error::SyncError, field::Row, key_text::row_text, plan::SyncPlan};

/// How many keys a guard's error holds.
const SAMPLE: usize = 100;

/// Refuses a plan that does more than its call allows.
///
/// # Errors
///
/// `EmptyInput`, `TooManyDeletes`, `TooManyUpdates`.
pub(crate) fn guard<E: EntityTrait>(plan: &SyncPlan<E>) -> Result<(), SyncError> {
    let settings = &plan.task.settings;
    let table = || plan.task.table.clone();
    let would_delete = plan.deleted.len() as u64;
    if plan.given == 0 && would_delete > 0 && !settings.allow_empty {
        return Err(SyncError::EmptyInput { table: table(), would_delete });
    }
    let deletes = [
        ("max_deletes", settings.max_deletes),
        ("max_delete_share", settings.max_delete_share.map(|share| rows(share, plan.read))),
    ];
    for (option, limit) in deletes {
        if let Some(limit) = limit.filter(|limit| would_delete > *limit) {
            return Err(SyncError::TooManyDeletes {
                table: table(),
                would_delete,
                in_scope: plan.read,
                limit,
                option,
                keys: sample(plan, plan.deleted.iter()),
            });
        }
    }
    let would_update = plan.updated.len() as u64;
    if let Some(limit) = settings.max_updates.filter(|limit| would_update > *limit) {
        return Err(SyncError::TooManyUpdates {
            table: table(),
            would_update,
            in_scope: plan.read,
            limit,
            keys: sample(plan, plan.updated.iter().map(|update| &update.current)),
        });
    }
    Ok(())
}

/// The number of rows that a share of them is, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the share is from 0 to 1, so the product is from 0 to the number of rows"
)]
fn rows(share: f64, of: u64) -> u64 {
    // without the small addend, 0.29 of 100 rows would be 28
    (share * of as f64 + 1e-9).floor() as u64
}

fn sample<'a, E: EntityTrait>(
    plan: &SyncPlan<E>,
    rows: impl Iterator<Item = &'a E::ActiveModel>,
) -> Vec<String> {
    let columns = &plan.task.columns;
    rows.take(SAMPLE).map(|row| row_text(columns, &columns.key, Row::Active(row))).collect()
}

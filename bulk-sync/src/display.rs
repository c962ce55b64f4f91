//! A plan as a diff that a person can check.

use std::fmt;

use sea_orm::EntityTrait;

use crate::{
    columns::{Columns, Position},
    desired::RowList,
    field::Row,
    key_text::{row_text, value_text},
    plan::{SyncPlan, Update},
};

/// How many rows a plan shows with `{}`; with `{:#}` it shows all.
pub const LISTED_ROWS: usize = 20;

/// One line for the counts, then one for each row, sorted by key: `+` created,
/// `~` updated, `-` deleted.
///
/// ```text
/// employee: 1 created, 1 updated, 1 deleted, 94 unchanged
/// ~ company_id = 501, external_id = 'B2': name 'Bob' → 'Robert'
/// - company_id = 501, external_id = 'C3': name = 'Cid', phone = NULL
/// + company_id = 501, external_id = 'D4': name = 'Dee', phone = '555'
/// ```
impl<E: EntityTrait> fmt::Display for SyncPlan<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.task.table, self.summary())?;
        let columns = &self.task.columns;
        let mut lines = self.lines();
        lines.sort_by(|left, right| columns.compare_keys(left.row(self), right.row(self)));
        let shown = if f.alternate() { lines.len() } else { LISTED_ROWS };
        for line in lines.iter().take(shown) {
            write!(f, "\n{}", line.text(self))?;
        }
        match lines.len().saturating_sub(shown) {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}

impl<E: EntityTrait> fmt::Debug for SyncPlan<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncPlan({self})")
    }
}

/// What a plan does with a row.
enum Line<'a, E: EntityTrait> {
    Created(usize),
    Updated(&'a Update<E>),
    Deleted(&'a E::ActiveModel),
}

impl<E: EntityTrait> SyncPlan<E> {
    fn lines(&self) -> Vec<Line<'_, E>> {
        let created = self.created.iter().map(|&index| Line::Created(index));
        let updated = self.updated.iter().map(Line::Updated);
        created.chain(updated).chain(self.deleted.iter().map(Line::Deleted)).collect()
    }
}

impl<E: EntityTrait> Line<'_, E> {
    fn row<'s>(&'s self, plan: &'s SyncPlan<E>) -> Row<'s, E> {
        match self {
            Self::Created(index) => plan.desired.row(*index),
            Self::Updated(update) => Row::Active(&update.current),
            Self::Deleted(row) => Row::Active(*row),
        }
    }

    fn text(&self, plan: &SyncPlan<E>) -> String {
        let columns = &plan.task.columns;
        let row = self.row(plan);
        let key = row_text(columns, &columns.key, row);
        match self {
            Self::Created(_) => format!("+ {key}{}", rest_of(columns, row)),
            Self::Deleted(_) => format!("- {key}{}", rest_of(columns, row)),
            Self::Updated(update) => {
                let changes = plan.changes(update).into_iter().map(|change| {
                    let (current, desired) = (&change.current, &change.desired);
                    format!("{} {} → {}", change.column, value_text(current), value_text(desired))
                });
                let revived = update.revived.then(|| "revived".to_owned());
                let changes: Vec<_> = revived.into_iter().chain(changes).collect();
                format!("~ {key}: {}", changes.join(", "))
            }
        }
    }
}

/// The columns that are set and not part of the key.
fn rest_of<E: EntityTrait>(columns: &Columns<E>, row: Row<'_, E>) -> String {
    let is_shown = |position: &Position| {
        !columns.key.contains(position)
            && Some(*position) != columns.generated
            && columns.field(*position).is_set(row)
    };
    let rest: Vec<Position> = columns.all().filter(is_shown).collect();
    if rest.is_empty() { String::new() } else { format!(": {}", row_text(columns, &rest, row)) }
}

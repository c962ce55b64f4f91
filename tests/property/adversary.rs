//! Somebody who changes the table between the look and the change.

use bulk_sync::SyncConnection;
use bulk_sync_tests::oracle::{Plan, Row, Table};
use proptest::{prelude::*, sample::Index};

use crate::{
    agreement::{Disagreement, Ending, call, fill, read},
    case::Case,
    sameness::{hide_generated, refused, same_counts, same_rows},
    subject::{Layout, Subject},
};

/// One thing that the adversary does.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Gives a row one value of this row.
    Change(Index, Index, Row),
    /// Deletes a row.
    Delete(Index),
    /// Inserts a row.
    Insert(Row),
}

/// Deeds of any kind.
pub fn deeds(layout: &Layout) -> impl Strategy<Value = Deed> + use<> {
    prop_oneof![
        (any::<Index>(), any::<Index>(), layout.rows())
            .prop_map(|(row, column, values)| Deed::Change(row, column, values)),
        any::<Index>().prop_map(Deed::Delete),
        layout.rows().prop_map(Deed::Insert),
    ]
}

/// The rows once the deeds are done, those that the table refuses apart.
pub fn done(table: &Table, mut rows: Vec<Row>, deeds: Vec<Deed>) -> Vec<Row> {
    for deed in deeds {
        match deed {
            Deed::Insert(row) if table.takes(&row, &rows) => rows.push(row),
            Deed::Delete(row) if !rows.is_empty() => {
                rows.remove(row.index(rows.len()));
            }
            Deed::Change(row, column, values) if !rows.is_empty() => {
                let (row, column) = (row.index(rows.len()), column.index(values.len()));
                let before = rows.remove(row);
                let mut changed = before.clone();
                changed[column] = values[column].clone();
                rows.insert(row, if table.takes(&changed, &rows) { changed } else { before });
            }
            _ => {}
        }
    }
    rows
}

/// Checks that a plan is applied exactly, or refused with the table left as
/// the adversary made it.
pub async fn agree<E: Subject, C: SyncConnection>(
    db: &C,
    layout: &Layout,
    case: &Case,
    plan: &Plan,
    now: &[Row],
) -> Result<Ending, Disagreement> {
    let found = call::<E>(layout, case)?.compare(db).await?;
    let again = call::<E>(layout, case)?.compare(db).await?;
    if found.fingerprint() != again.fingerprint() {
        return Err("one fingerprint for one plan, not two".into());
    }
    fill::<E, C>(db, layout, now).await?;
    let expected = case.ask(|oracle| oracle.apply(plan, &case.initial, now));
    let applied = found.apply(db).await;
    let after = read::<E, C>(db).await?;
    let (Ok(result), Some(table)) = (&applied, expected.table) else {
        return refused(&applied, &expected.faults, after, now);
    };
    same_counts(result, case, plan)?;
    same_rows("apply", hide_generated(case, after), table)?;
    Ok(Ok(!plan.is_empty()))
}

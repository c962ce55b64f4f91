//! Random options, and how a call is given them.

use bulk_sync::BulkSync;
use bulk_sync_tests::oracle::{Options, Repeated, Table};
use proptest::{bool::weighted, option, prelude::*, sample::select, sample::subsequence};

use crate::subject::{Layout, Subject};

/// Options of any kind, most of them rare.
pub fn options(layout: &Layout) -> impl Strategy<Value = Options> + use<> {
    let columns: Vec<usize> = (0..layout.table.columns.len()).collect();
    let batch_size = prop_oneof![
        30 => Just(None),
        30 => (1_usize..=4).prop_map(Some),
        10 => Just(Some(100_000)),
        1 => Just(Some(0)),
    ];
    let key = option::weighted(f64::from(layout.key_percent) / 100.0, select(layout.keys.clone()));
    let only = option::weighted(0.15, subsequence(columns.clone(), 0..=4));
    let ignore = prop_oneof![4 => Just(Vec::new()), 1 => subsequence(columns, 1..=3)];
    let repeated = prop_oneof![
        3 => Just(Repeated::Refuse),
        1 => Just(Repeated::First),
        1 => Just(Repeated::Last),
    ];
    let skipped = (weighted(0.1), weighted(0.1), weighted(0.15));
    let limit = || option::weighted(0.1, 0_u64..=4);
    let percent = option::weighted(0.1, select(vec![0, 20, 25, 29, 50, 100, 101]));
    let limits = (weighted(0.5), limit(), percent, limit());
    let stamps: Vec<_> = std::iter::once(Vec::new()).chain(layout.soft_deletes.clone()).collect();
    let soft_delete = prop_oneof![2 => Just(Vec::new()), 1 => select(stamps)];
    let deleting = (weighted(0.4), soft_delete);
    (batch_size, skipped, key, only, ignore, limits, deleting, repeated).prop_map(
        |(batch_size, skipped, key, only, ignore, limits, deleting, repeated)| {
            let (delete_duplicates, soft_delete) = deleting;
            let (skip_creates, skip_updates, skip_deletes) = skipped;
            let (allow_empty, max_deletes, max_delete_percent, max_updates) = limits;
            Options {
                batch_size,
                skip_creates,
                skip_updates,
                skip_deletes,
                key,
                only,
                ignore,
                allow_empty,
                max_deletes,
                max_delete_percent,
                max_updates,
                delete_duplicates,
                repeated,
                soft_delete,
            }
        },
    )
}

type Switch<E> = fn(BulkSync<E>) -> BulkSync<E>;

/// The call with these options.
pub fn with<E: Subject>(mut call: BulkSync<E>, options: &Options) -> BulkSync<E> {
    let columns = |positions: &[usize]| -> Vec<E::Column> {
        positions.iter().map(|&position| E::column(position)).collect()
    };
    let switches: [(bool, Switch<E>); 7] = [
        (options.skip_creates, BulkSync::skip_creates),
        (options.skip_updates, BulkSync::skip_updates),
        (options.skip_deletes, BulkSync::skip_deletes),
        (options.allow_empty, BulkSync::allow_empty),
        (options.delete_duplicates, BulkSync::delete_duplicates),
        (options.repeated == Repeated::First, BulkSync::first_wins),
        (options.repeated == Repeated::Last, BulkSync::last_wins),
    ];
    for (_, switch) in switches.into_iter().filter(|(on, _)| *on) {
        call = switch(call);
    }
    if let Some(key) = &options.key {
        call = call.key(columns(key));
    }
    if let Some(only) = &options.only {
        call = call.only(columns(only));
    }
    if !options.ignore.is_empty() {
        call = call.ignore(columns(&options.ignore));
    }
    if !options.soft_delete.is_empty() {
        let stamps = options.soft_delete.iter();
        call = call.soft_delete(stamps.map(|(column, stamp)| (E::column(*column), stamp.clone())));
    }
    with_limits(call, options)
}

#[expect(clippy::cast_precision_loss, reason = "percents are small")]
fn with_limits<E: Subject>(mut call: BulkSync<E>, options: &Options) -> BulkSync<E> {
    if let Some(rows) = options.max_deletes {
        call = call.max_deletes(rows);
    }
    if let Some(percent) = options.max_delete_percent {
        call = call.max_delete_share(percent as f64 / 100.0);
    }
    if let Some(rows) = options.max_updates {
        call = call.max_updates(rows);
    }
    call
}

/// The options that are not as they are by default, for people.
pub fn text(options: &Options, table: &Table) -> String {
    let names = |positions: &[usize]| {
        let names: Vec<_> = positions.iter().map(|&column| table.columns[column].name).collect();
        names.join(", ")
    };
    let stamps: Vec<_> = options.soft_delete.iter().map(|(column, _)| *column).collect();
    let Options { batch_size, max_deletes, max_delete_percent, max_updates, repeated, .. } =
        options;
    let parts = [
        batch_size.map(|rows| format!("batch_size {rows}")),
        options.skip_creates.then(|| "skip_creates".to_owned()),
        options.skip_updates.then(|| "skip_updates".to_owned()),
        options.skip_deletes.then(|| "skip_deletes".to_owned()),
        options.key.as_ref().map(|key| format!("key({})", names(key))),
        options.only.as_ref().map(|only| format!("only({})", names(only))),
        (!options.ignore.is_empty()).then(|| format!("ignore({})", names(&options.ignore))),
        options.allow_empty.then(|| "allow_empty".to_owned()),
        max_deletes.map(|rows| format!("max_deletes({rows})")),
        max_delete_percent.map(|percent| format!("max_delete_share({percent} %)")),
        max_updates.map(|rows| format!("max_updates({rows})")),
        options.delete_duplicates.then(|| "delete_duplicates".to_owned()),
        (!stamps.is_empty()).then(|| format!("soft_delete({})", names(&stamps))),
        (*repeated != Repeated::Refuse).then(|| format!("{repeated:?} wins")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

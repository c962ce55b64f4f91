//! How far a call says that it is.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use bulk_sync::{Phase, Progress, prelude::*};
use bulk_sync_tests::{
    entity::{
        employee::{self, imported},
        seat::{self, seat},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{DatabaseTransaction, DbBackend, TransactionTrait, entity::prelude::*};

use crate::fixture::{insert, of_501, people, with_ann_bob_and_cid, with_employees};

pub const TESTS: [Test; 9] = tests![
    phases_come_in_order_and_each_does_what_it_expects,
    where_nothing_is_to_do_rows_are_read_and_no_more,
    a_phase_that_is_skipped_is_not_reported,
    reports_come_with_batches_and_not_with_rows,
    a_plan_reports_too_when_it_is_applied,
    a_try_that_is_repeated_begins_anew,
    a_sync_that_fails_reports_no_more,
    values_that_move_between_rows_are_all_updated,
    rows_that_are_revived_are_updated_once,
];

/// What a call has reported.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<Progress>>>);

impl Reports {
    fn callback(&self) -> impl Fn(Progress) + Send + Sync + 'static {
        let reports = Arc::clone(&self.0);
        move |progress| reports.lock().unwrap_or_else(PoisonError::into_inner).push(progress)
    }

    fn take(&self) -> Vec<Progress> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The reports of one phase after another: `phase done/expected …`.
fn text(reports: &[Progress]) -> String {
    let mut text = String::new();
    let mut phase = None;
    for report in reports {
        if phase != Some(report.phase) || report.done == 0 {
            text.push_str(&format!("{}{}", if phase.is_some() { "; " } else { "" }, report.phase));
            phase = Some(report.phase);
        }
        match report.expected {
            Some(expected) => text.push_str(&format!(" {}/{expected}", report.done)),
            None => text.push_str(&format!(" {}", report.done)),
        }
    }
    text
}

/// What is reported before the first write: on the servers a look at the rows
/// stops at the first difference, and those to write are locked and compared.
fn beginning(db: &Db, look: &str, read: &str, judged: &str, locked: &str) -> String {
    let phases = match db.backend() {
        DbBackend::Sqlite => vec![read, judged],
        _ => vec![look, read, judged, locked],
    };
    phases.into_iter().filter(|phase| !phase.is_empty()).collect::<Vec<_>>().join("; ")
}

async fn phases_come_in_order_and_each_does_what_it_expects(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [imported("A1", "Anna"), imported("B2", "Bob"), imported("D4", "Dee")];
    let reports = Reports::default();
    let sync = employee::Entity::bulk_sync(models, of_501(), None);
    let result = sync.on_progress(reports.callback()).exec(&db.pool).await?;
    assert_eq!(result.to_string(), "1 created, 1 updated, 1 deleted, 1 unchanged");
    let beginning =
        beginning(&db, "reading 0", "reading 0 3/3", "comparing 0/1 1/1", "comparing 0/2 2/2");
    let written = "deleting 0/1 1/1; updating 0/1 1/1; creating 0/1 1/1; proving 0/3 3/3";
    assert_eq!(text(&reports.take()), format!("{beginning}; {written}"));
    Ok(())
}

async fn where_nothing_is_to_do_rows_are_read_and_no_more(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let models = [imported("A1", "Ann"), imported("B2", "Bob"), imported("C3", "Cid")];
    let reports = Reports::default();
    let sync = employee::Entity::bulk_sync(models, of_501(), None).on_progress(reports.callback());
    sync.clone().exec(&db.pool).await?;
    assert_eq!(text(&reports.take()), "reading 0 3/3");
    assert!(sync.clone().check(&db.pool).await?);
    assert_eq!(text(&reports.take()), "reading 0 3/3");
    assert!(sync.compare(&db.pool).await?.is_empty());
    assert_eq!(text(&reports.take()), "reading 0 3/3");
    Ok(())
}

async fn a_phase_that_is_skipped_is_not_reported(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let reports = Reports::default();
    let models = [imported("A1", "Anna"), imported("D4", "Dee")];
    let sync = employee::Entity::bulk_sync(models, of_501(), None).on_progress(reports.callback());
    sync.skip_updates().skip_deletes().exec(&db.pool).await?;
    let phases: Vec<Phase> = reports.take().iter().map(|report| report.phase).collect();
    assert!(!phases.contains(&Phase::Deleting) && !phases.contains(&Phase::Updating), "{phases:?}");
    assert!(phases.ends_with(&[Phase::Creating, Phase::Creating, Phase::Proving, Phase::Proving]));
    Ok(())
}

async fn reports_come_with_batches_and_not_with_rows(db: Db) -> TestResult {
    let row = |number: u32| imported(&format!("E{number}"), "Somebody");
    db.create_table(employee::Entity).await?;
    let reports = Reports::default();
    let sync = |models: Vec<_>| {
        let sync = employee::Entity::bulk_sync(models, of_501(), 400);
        sync.allow_empty().on_progress(reports.callback())
    };
    sync((0..2_500).map(row).collect()).exec(&db.pool).await?;
    let of = |phase: Phase, reports: &[Progress]| {
        let of_phase: Vec<_> =
            reports.iter().filter(|report| report.phase == phase).copied().collect();
        text(&of_phase)
    };
    let steps = "0/2500 400/2500 800/2500 1200/2500 1600/2500 2000/2500 2400/2500 2500/2500";
    assert_eq!(of(Phase::Creating, &reports.take()), format!("creating {steps}"));
    // one look, as there is nothing to do
    sync((0..2_500).map(row).collect()).exec(&db.pool).await?;
    assert_eq!(text(&reports.take()), "reading 0 1000 2000 2500/2500");
    let renamed = |number| employee::Model { name: "Else".into(), ..row(number) };
    sync((0..2_500).map(renamed).collect()).exec(&db.pool).await?;
    assert_eq!(of(Phase::Updating, &reports.take()), format!("updating {steps}"));
    sync(Vec::new()).exec(&db.pool).await?;
    assert_eq!(of(Phase::Deleting, &reports.take()), format!("deleting {steps}"));
    Ok(())
}

async fn a_plan_reports_too_when_it_is_applied(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let sync = |reports: &Reports| {
        let models = [imported("A1", "Anna"), imported("B2", "Bob"), imported("D4", "Dee")];
        employee::Entity::bulk_sync(models, of_501(), None).on_progress(reports.callback())
    };
    let (compared, applied) = (Reports::default(), Reports::default());
    let plan = sync(&compared).compare(&db.pool).await?;
    assert_eq!(text(&compared.take()), "reading 0 3/3; comparing 0/1 1/1");
    let (transaction, kept) = (db.pool.begin().await?, sync(&compared).compare(&db.pool).await?);
    compared.take();
    kept.apply(&transaction).await?;
    transaction.rollback().await?;
    let expected = "comparing 0/3 2/3 3/3; deleting 0/1 1/1; updating 0/1 1/1; creating 0/1 1/1; \
                    proving 0/3 3/3";
    assert_eq!(text(&compared.take()), expected);
    plan.on_progress(applied.callback()).apply(&db.pool).await?;
    assert_eq!(text(&applied.take()), expected);
    assert_eq!(text(&compared.take()), "", "another callback was given");
    Ok(())
}

async fn a_try_that_is_repeated_begins_anew(db: Db) -> TestResult {
    with_employees(&db, &[imported("A1", "Ann")]).await?;
    let reports = Reports::default();
    let refuses = AtomicBool::new(true);
    employee::Entity::bulk_sync([imported("A1", "Anna")], of_501(), None)
        .on_progress(reports.callback())
        .on_change(async |_: &SyncPlan<employee::Entity>, _: &DatabaseTransaction| {
            match refuses.swap(false, Ordering::Relaxed) {
                true => Err(SyncError::StalePlan { table: "audit".into(), rows: Vec::new() }),
                false => Ok(()),
            }
        })
        .exec(&db.pool)
        .await?;
    let (read, judged, locked) = ("reading 0 1/1", "comparing 0/1 1/1", "comparing 0/1 1/1");
    let first = beginning(&db, "reading 0", read, judged, locked);
    let again = beginning(&db, "", read, judged, locked);
    let written = "updating 0/1 1/1; proving 0/1 1/1";
    assert_eq!(text(&reports.take()), format!("{first}; {written}; {again}; {written}"));
    Ok(())
}

async fn a_sync_that_fails_reports_no_more(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let reports = Reports::default();
    let sync = employee::Entity::bulk_sync([imported("A1", "Anna")], of_501(), None);
    let error = sync.max_deletes(1).on_progress(reports.callback()).exec(&db.pool).await.err();
    assert!(matches!(error, Some(SyncError::TooManyDeletes { .. })), "{error:?}");
    let beginning = beginning(&db, "reading 0", "reading 0 3/3", "comparing 0/1 1/1", "");
    assert_eq!(text(&reports.take()), beginning);
    assert_eq!(people(&db.pool).await?.len(), 4);
    Ok(())
}

/// The updates are begun a second time, by way of values of nobody's.
async fn values_that_move_between_rows_are_all_updated(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    insert::<seat::Entity>(&db, vec![seat("a", 1, "Ann", None), seat("b", 2, "Bob", None)]).await?;
    let reports = Reports::default();
    let swapped = [seat("a", 2, "Bob", None), seat("b", 1, "Ann", None)];
    let sync = seat::Entity::bulk_sync(swapped, seat::Column::Room.eq(1), None);
    sync.on_progress(reports.callback()).exec(&db.pool).await?;
    let text = text(&reports.take());
    let end = "; updating 0/2; updating 0/2 2/2; proving 0/2 2/2";
    assert!(text.ends_with(end), "{text}");
    Ok(())
}

async fn rows_that_are_revived_are_updated_once(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    let reports = Reports::default();
    let sync = |models: Vec<seat::Model>| {
        seat::Entity::bulk_sync(models, seat::Column::Room.eq(1), None)
            .soft_delete([(seat::Column::Gone, true)])
            .on_progress(reports.callback())
    };
    let (a, b, c) =
        (seat("a", 1, "Ann", None), seat("b", 2, "Bob", None), seat("c", 3, "Cid", None));
    insert::<seat::Entity>(&db, vec![a.clone(), b.clone(), c]).await?;
    let c = seat("c", 3, "Cyd", None);
    sync(vec![c.clone()]).exec(&db.pool).await?;
    let stamped = text(&reports.take());
    assert!(stamped.ends_with("deleting 0/2 2/2; updating 0/1 1/1; proving 0/3 3/3"), "{stamped}");
    // one only comes back, one changes too, and one only changes
    let models = vec![a, seat("b", 2, "Bert", None), seat("c", 3, "Cidney", None)];
    assert_eq!(sync(models).exec(&db.pool).await?.revived, 2);
    let revived = text(&reports.take());
    assert!(revived.ends_with("; updating 0/3 1/3 3/3; proving 0/3 3/3"), "{revived}");
    Ok(())
}

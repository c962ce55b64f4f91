//! What a call tells `tracing`, and that no value of a row is in it.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::{
    captured::{Captured, CapturedEvent, Fields},
    entity::{
        employee::{self, imported},
        seat::{self, seat},
    },
    suite::{Db, Test, TestResult},
    tests,
};
use futures_util::future::join;
use sea_orm::{DatabaseTransaction, DbBackend, entity::prelude::*};
use tracing::{Level, Span};

use crate::fixture::{insert, of_501, with_ann_bob_and_cid};

pub const TESTS: [Test; 6] = tests![
    a_call_is_a_span_with_its_counts,
    each_batch_is_an_event_with_its_rows_and_time,
    each_kind_of_call_has_its_name,
    tries_and_errors_are_told_by_name,
    calls_beside_each_other_keep_to_their_spans,
    no_value_of_a_row_is_told_above_trace,
];

fn changed() -> BulkSync<employee::Entity> {
    let models = [imported("A1", "Anna"), imported("B2", "Bob"), imported("D4", "Dee")];
    employee::Entity::bulk_sync(models, of_501(), None)
}

fn fields<const N: usize>(fields: &Fields, names: [&str; N]) -> [String; N] {
    names.map(|name| fields.get(name).to_owned())
}

async fn a_call_is_a_span_with_its_counts(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let captured = Captured::default();
    captured.during(changed().exec(&db.pool)).await?;
    let spans = captured.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    let backend = format!("{:?}", db.backend());
    let given = fields(&spans[0], ["call", "table", "backend", "models"]);
    assert_eq!(given, ["exec", "employee", &backend, "3"]);
    let counts = ["created", "updated", "deleted", "revived", "unchanged", "tries", "batches"];
    assert_eq!(fields(&spans[0], counts), ["1", "1", "1", "0", "1", "1", "3"]);
    assert_eq!(spans[0].get("error"), "");
    Ok(())
}

async fn each_batch_is_an_event_with_its_rows_and_time(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    let row = |number: u32| imported(&format!("E{number}"), "Somebody");
    let sync = |models: Vec<_>| employee::Entity::bulk_sync(models, of_501(), 400).allow_empty();
    let captured = Captured::default();
    captured.during(sync((0..1_000).map(row).collect()).exec(&db.pool)).await?;
    assert_eq!(captured.spans()[0].get("batches"), "3");
    let steps = |captured: &Captured| {
        let events = captured.events().into_iter();
        let steps = events.map(|event| {
            assert_eq!((event.level, event.span), (Level::DEBUG, Some(0)), "{event:?}");
            assert!(event.fields.get("elapsed_ms").parse::<f64>().is_ok(), "{event:?}");
            fields(&event.fields, ["phase", "rows"]).join(" ")
        });
        steps.collect::<Vec<_>>()
    };
    let look = if db.backend() == DbBackend::Sqlite { &[][..] } else { &["reading 0"] };
    let created = ["reading 0", "creating 400", "creating 400", "creating 200", "proving 1000"];
    assert_eq!(steps(&captured), [look, &created].concat());
    let captured = Captured::default();
    captured.during(sync((0..1_000).map(row).collect()).exec(&db.pool)).await?;
    assert_eq!(steps(&captured), ["reading 1000"]);
    assert_eq!(captured.spans()[0].get("batches"), "0");
    let captured = Captured::default();
    captured.during(sync(Vec::new()).exec(&db.pool)).await?;
    let deleted = ["deleting 400", "deleting 400", "deleting 200", "proving 1000"];
    assert!(steps(&captured).ends_with(&deleted.map(str::to_owned)), "{:?}", steps(&captured));
    Ok(())
}

async fn each_kind_of_call_has_its_name(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let captured = Captured::default();
    let calls = async {
        changed().check(&db.pool).await?;
        let plan = changed().compare(&db.pool).await?;
        plan.apply(&db.pool).await?;
        changed().exec_with_returning(&db.pool).await?;
        assert!(Span::current().is_none(), "a span is still entered");
        Ok::<_, SyncError>(())
    };
    captured.during(calls).await?;
    let names = ["call", "created", "updated", "deleted", "unchanged", "batches"];
    let spans: Vec<_> = captured.spans().iter().map(|span| fields(span, names).join(" ")).collect();
    let expected = ["check     0", "compare 1 1 1 1 0", "apply 1 1 1 1 3", "exec 0 0 0 3 0"];
    assert_eq!(spans, expected);
    Ok(())
}

async fn tries_and_errors_are_told_by_name(db: Db) -> TestResult {
    with_ann_bob_and_cid(&db).await?;
    let refuses = AtomicBool::new(true);
    let captured = Captured::default();
    let hook = async |_: &SyncPlan<employee::Entity>, _: &DatabaseTransaction| {
        tracing::info!(target: "bulk_sync_hook", "hook");
        match refuses.swap(false, Ordering::Relaxed) {
            true => Err(SyncError::StalePlan { table: "audit".into(), rows: Vec::new() }),
            false => Ok(()),
        }
    };
    captured.during(changed().on_change(hook).exec(&db.pool)).await?;
    let span = &captured.spans()[0];
    assert_eq!(fields(span, ["tries", "batches", "created", "error"]), ["2", "6", "1", ""]);
    let events = captured.events();
    let said = |message: &str, level: Level| {
        let of_message = |event: &&_| is_message(event, message) && event.level == level;
        events.iter().filter(of_message).collect::<Vec<_>>()
    };
    let again = said("tries again", Level::DEBUG);
    assert_eq!(again.len(), 1, "{events:?}");
    assert_eq!(fields(&again[0].fields, ["tries", "error"]), ["1", "Refused"]);
    let hooks = said("hook", Level::INFO);
    assert!(hooks.len() == 2 && hooks.iter().all(|event| event.span == Some(0)), "{hooks:?}");

    refuses.store(true, Ordering::Relaxed);
    let captured = Captured::default();
    let sync = employee::Entity::bulk_sync([imported("A1", "Ann")], of_501(), None);
    assert!(captured.during(sync.on_change(hook).max_tries(1).exec(&db.pool)).await.is_err());
    assert_eq!(captured.spans()[0].get("error"), "Refused");
    assert!(!captured.events().iter().any(|event| is_message(event, "tries again")));

    let captured = Captured::default();
    let sync = employee::Entity::bulk_sync([imported("A1", "Ann")], of_501(), None).max_deletes(1);
    assert!(captured.during(sync.exec(&db.pool)).await.is_err());
    let span = &captured.spans()[0];
    assert_eq!(fields(span, ["tries", "created", "error"]), ["1", "", "TooManyDeletes"]);
    Ok(())
}

fn is_message(event: &CapturedEvent, message: &str) -> bool {
    event.fields.get("message") == message
}

/// A span that stays entered while its call waits would take the other's events.
async fn calls_beside_each_other_keep_to_their_spans(db: Db) -> TestResult {
    db.create_table(employee::Entity).await?;
    db.create_table(seat::Entity).await?;
    insert::<seat::Entity>(&db, vec![seat("a", 1, "Ann", None), seat("b", 2, "Bob", None)]).await?;
    let seats = [seat("a", 1, "Anna", None), seat("b", 2, "Bert", None)];
    let captured = Captured::default();
    let people = employee::Entity::bulk_sync([imported("A1", "Ann")], WholeTable, None);
    let seats = seat::Entity::bulk_sync(seats, WholeTable, None);
    let (people, seats) = captured.during(join(people.exec(&db.pool), seats.exec(&db.pool))).await;
    assert_eq!((people?.created, seats?.updated), (1, 2));
    let spans = captured.spans();
    let written = |phase: &str| {
        let events = captured.events().into_iter();
        let of_phase = events.filter(|event| event.fields.get("phase") == phase);
        let tables = of_phase.map(|event| {
            let table = event.span.map_or("", |span| spans[span].get("table"));
            format!("{table} {}", event.fields.get("rows"))
        });
        // on SQLite, one may have to be tried again
        tables.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(written("creating"), ["employee 1"]);
    assert_eq!(written("updating"), ["seat 2"]);
    assert_eq!(written("proving"), ["employee 1", "seat 2"]);
    Ok(())
}

/// Of calls that succeed, are refused, and are refused by the database.
async fn no_value_of_a_row_is_told_above_trace(db: Db) -> TestResult {
    db.create_table(seat::Entity).await?;
    let secret =
        |code: &str, number| seat(&format!("secret-{code}"), number, "secret holder", None);
    let of_room = |room: i32, models: Vec<seat::Model>| {
        seat::Entity::bulk_sync(models, seat::Column::Room.eq(room), None)
    };
    let other_holder = seat::Model { holder: "secret other".into(), ..secret("b", 2) };
    insert::<seat::Entity>(&db, vec![other_holder.clone()]).await?;
    let captured = Captured::default();
    let calls = async {
        let a = secret("a", 1);
        of_room(1, vec![a.clone(), other_holder.clone()]).exec(&db.pool).await?;
        let renamed = seat::Model { holder: "secret new".into(), ..a.clone() };
        let plan = of_room(1, vec![renamed.clone()]).compare(&db.pool).await?;
        let stale = of_room(1, vec![renamed.clone()]).compare(&db.pool).await?;
        plan.apply(&db.pool).await?;
        let errors = [
            stale.apply(&db.pool).await.err(),
            of_room(1, vec![]).exec(&db.pool).await.err(),
            of_room(1, vec![secret("b", 2)]).max_deletes(0).exec(&db.pool).await.err(),
            of_room(2, vec![a]).exec(&db.pool).await.err(),
            // the number is taken in another room
            of_room(3, vec![seat::Model { room: 3, ..renamed }]).exec(&db.pool).await.err(),
        ];
        Ok::<_, SyncError>(errors)
    };
    let errors = captured.during(calls).await?;
    assert!(errors.iter().all(Option::is_some), "{errors:?}");
    let spans = captured.spans();
    let told: Vec<_> = spans.iter().map(|span| span.get("error")).collect();
    let expected =
        ["", "", "", "", "StalePlan", "EmptyInput", "TooManyDeletes", "OutOfScope", "Constraint"];
    assert_eq!(told, expected);
    assert!(!spans.iter().any(|span| span.mention("secret")), "{spans:?}");
    let (at_trace, above): (Vec<_>, Vec<_>) =
        captured.events().into_iter().partition(|event| event.level == Level::TRACE);
    assert!(above.len() > 10 && !above.iter().any(|event| event.fields.mention("secret")));
    // there it is, so that the test would have found it
    assert!(at_trace.iter().any(|event| event.fields.mention("secret")), "{at_trace:?}");
    Ok(())
}

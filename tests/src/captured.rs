//! Spans and events, captured for a test to look at.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use tracing::{
    Dispatch, Event, Level, Subscriber,
    field::{Field, Visit},
    instrument::{WithDispatch, WithSubscriber},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer, filter::LevelFilter, layer::Context, prelude::*, registry::LookupSpan,
};

/// Two subscribers that want nothing. As long as a process has one subscriber at most, an
/// event is on or off for all by what the thread that comes to it first has; a test beside
/// has none ([tracing#3611](https://github.com/tokio-rs/tracing/issues/3611)).
static NEVER_ALONE: LazyLock<[Dispatch; 2]> = LazyLock::new(|| {
    [(); 2].map(|()| tracing_subscriber::registry().with(LevelFilter::OFF).into())
});

/// The fields of a span or of an event, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    /// The text of a field; empty where it has not been recorded.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether a value has the text in it.
    #[must_use]
    pub fn mention(&self, text: &str) -> bool {
        self.0.values().any(|value| value.contains(text))
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

/// An event, with the number of the span that it happened in.
#[derive(Clone, Debug)]
pub struct CapturedEvent {
    /// The level.
    pub level: Level,
    /// The fields, with the message as `message`.
    pub fields: Fields,
    /// Which of the captured spans it happened in.
    pub span: Option<usize>,
}

/// What bulk-sync and the test itself have said.
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    ids: Vec<Id>,
    spans: Vec<Fields>,
    events: Vec<CapturedEvent>,
}

impl Captured {
    /// The future, so that what is said in it is captured.
    pub fn during<F: Future>(&self, future: F) -> WithDispatch<F> {
        LazyLock::force(&NEVER_ALONE);
        future.with_subscriber(tracing_subscriber::registry().with(self.clone()))
    }

    /// The spans, in the order in which they began.
    #[must_use]
    pub fn spans(&self) -> Vec<Fields> {
        self.said().spans.clone()
    }

    /// The events, in order.
    #[must_use]
    pub fn events(&self) -> Vec<CapturedEvent> {
        self.said().events.clone()
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn position(&self, id: &Id) -> Option<usize> {
        self.ids.iter().rposition(|known| known == id)
    }
}

fn is_ours(target: &str) -> bool {
    target.starts_with("bulk_sync")
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Captured {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if is_ours(attributes.metadata().target()) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            let mut said = self.said();
            said.ids.push(id.clone());
            said.spans.push(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut said = self.said();
        if let Some(position) = said.position(id) {
            values.record(&mut said.spans[position]);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if is_ours(event.metadata().target()) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let mut said = self.said();
            let span = context.event_span(event).and_then(|span| said.position(&span.id()));
            said.events.push(CapturedEvent { level: *event.metadata().level(), fields, span });
        }
    }
}

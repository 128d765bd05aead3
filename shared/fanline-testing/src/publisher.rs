//! A topic that remembers what was published.
//!
//! What could be got wrong is to test with ids that another publisher or the harness makes as well: an
//! event would be taken for a duplicate of another. A publisher of its own makes ids that follow from its
//! source; one that a harness knows takes them, and the time, from there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanline::{
    Envelope, Event, Message, Metadata, RawEvent,
    publish::{DEFAULT_SIZE_LIMIT, Outgoing, Publish, PublishError, RefusedEvent},
};
use futures_util::future::BoxFuture;

use crate::{
    Fault, ManualSystem, NthCall, Step,
    harness::{Calls, REASON},
};

/// Takes events as `fanline_aws::Publisher` does and keeps them. Clones share them.
///
/// What a topic would refuse for good, it refuses: more than 256 KiB, more than 10 attributes. It has
/// neither claim check nor FIFO topics, and nothing is delivered: hand [`events`](Self::events) to the
/// harness of another worker for that.
///
/// ```
/// # use fanline::Event;
/// # use serde::{Deserialize, Serialize};
/// use fanline::publish::Publish;
/// use fanline_testing::RecordingPublisher;
/// # #[derive(Serialize, Deserialize)] struct OrderPlaced { id: u32 }
/// # impl Event for OrderPlaced { const TYPE: &'static str = "order.placed"; }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let recording = RecordingPublisher::new("orders");
/// let publisher: &dyn Publish = &recording;
/// publisher.publish(&[publisher.event(OrderPlaced { id: 7 })]).await.unwrap();
/// assert_eq!(recording.events::<OrderPlaced>()[0].data.id, 7);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct RecordingPublisher {
    source: Arc<str>,
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug)]
struct Contents {
    system: Arc<ManualSystem>,
    calls: Calls,
    published: Vec<Outgoing>,
}

impl RecordingPublisher {
    /// `source` goes into the metadata of new events.
    pub fn new(source: impl Into<Arc<str>>) -> Self {
        let source = source.into();
        // FNV-1a: another source, other ids.
        let seed = source.bytes().fold(0x811c_9dc5, |hash: u32, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let now = fanline::System::now(&ManualSystem::default());
        let contents = Contents {
            system: Arc::new(ManualSystem::new(now, seed)),
            calls: Calls::default(),
            published: Vec::new(),
        };
        Self {
            source,
            contents: Arc::new(Mutex::new(contents)),
        }
    }

    /// All that was published, as it would go to the topic.
    pub fn published(&self) -> Vec<Outgoing> {
        self.lock().published.clone()
    }

    /// All events of this type and version that were published.
    ///
    /// # Panics
    /// If one of them cannot be read as `T`: no handler for it could, either.
    pub fn events<T: Event>(&self) -> Vec<Envelope<T>> {
        let published = self.published();
        published.iter().filter_map(read).collect()
    }

    /// A call from now on meets this fault; see [`Harness::fault_at`](crate::Harness::fault_at), which
    /// counts on where the publisher is a harness's.
    ///
    /// # Panics
    /// If the call's number is 0.
    pub fn fault_at(&self, call: impl Into<NthCall>, fault: Fault) {
        self.lock().calls.plan(call.into(), fault);
    }

    /// From now on, its time, ids and faults are a harness's.
    pub(crate) fn join(&self, system: &Arc<ManualSystem>, calls: &Calls) {
        let mut contents = self.lock();
        contents.system = Arc::clone(system);
        contents.calls = calls.clone();
    }

    fn take(&self, events: &[Outgoing]) -> Result<(), PublishError> {
        let mut contents = self.lock();
        let mut refused = Vec::new();
        for (index, event) in events.iter().enumerate() {
            match event.misfit(DEFAULT_SIZE_LIMIT, "the topic") {
                None => contents.published.push(event.clone()),
                Some(reason) => refused.push(refuse((index, event), reason, true)),
            }
        }
        answer(events, refused)
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publish for RecordingPublisher {
    fn metadata(&self, version: u32) -> Metadata {
        let system = Arc::clone(&self.lock().system);
        Metadata::new(system.as_ref(), self.source.as_ref(), version)
    }

    fn send<'a>(&'a self, events: &'a [Outgoing]) -> BoxFuture<'a, Result<(), PublishError>> {
        let calls = self.lock().calls.clone();
        let lost = || {
            let refused = events.iter().enumerate();
            let refused = refused.map(|event| refuse(event, REASON.to_owned(), false));
            answer(events, refused.collect())
        };
        Box::pin(async move {
            calls
                .make(Step::Publish, async { self.take(events) }, lost)
                .await
        })
    }
}

/// None if it is of another type or version.
fn read<T: Event>(event: &Outgoing) -> Option<Envelope<T>> {
    let message = Message {
        body: event.body.clone(),
        ..Message::default()
    };
    let raw = RawEvent::decode(&message);
    let raw = raw.unwrap_or_else(|problem| panic!("{}: {problem}", event.event_id));
    if raw.event_type != T::TYPE || raw.metadata.version != T::VERSION {
        return None;
    }
    let data = serde_json::from_str(raw.data.get());
    let data = data.unwrap_or_else(|problem| panic!("{}: {problem}", event.event_id));
    Some(Envelope {
        data,
        metadata: raw.metadata,
    })
}

fn refuse((index, event): (usize, &Outgoing), reason: String, is_final: bool) -> RefusedEvent {
    RefusedEvent {
        index,
        event_id: event.event_id.clone(),
        reason,
        is_final,
    }
}

fn answer(events: &[Outgoing], refused: Vec<RefusedEvent>) -> Result<(), PublishError> {
    let published = events.len() - refused.len();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(PublishError { refused, published }),
    }
}

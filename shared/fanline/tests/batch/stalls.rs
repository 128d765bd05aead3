//! What the simulation found in workers outside Lambda: calls that hang at their end, processes that stand still.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fanline::{
    Envelope, Event, Failure, Grace, Outcome, Processor, Renewal, State, System, Worker,
    dedup::DedupStore,
};
use fanline_testing::{
    Fault, FaultyStore, MemoryQueue, MemoryStore, VirtualSystem, envelope, message,
};
use futures_util::poll;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use crate::world::{outcomes, standard};

const VISIBILITY: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Errand {}

impl Event for Errand {
    const TYPE: &'static str = "errand.ordered";
}

async fn run(_: Envelope<Errand>, State(done): State<Arc<AtomicBool>>) -> Result<(), Failure> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    done.store(true, Ordering::Relaxed);
    Ok(())
}

fn processor(
    store: Arc<dyn DedupStore>,
    system: &Arc<VirtualSystem>,
    done: &Arc<AtomicBool>,
) -> Processor {
    let worker = Worker::new(Arc::clone(done)).on(run);
    Processor::new(worker, "consumer", store, Arc::clone(system) as _).unwrap()
}

#[tokio::test(start_paused = true)]
async fn claim_that_hangs_outlasted_the_grace_period() {
    let system = Arc::new(VirtualSystem::default());
    let store = FaultyStore::new(Arc::new(MemoryStore::default()), [Fault::HangBefore]);
    let processor = processor(Arc::new(store), &system, &Arc::default());
    let batch = standard(vec![message(
        "m-1",
        envelope(Errand::TYPE, "e-1", json!({})),
    )]);
    let grace = Grace {
        from: system.now(),
        until: system.now() + Duration::from_secs(10),
    };
    let (_told, grace) = watch::channel(Some(grace));
    let renewal = Renewal {
        visibility_timeout: VISIBILITY,
        grace,
    };
    let queue = MemoryQueue::new();
    let report = processor
        .process_renewing(batch, &queue, &renewal)
        .await
        .unwrap();
    assert!(matches!(
        outcomes(&report)[..],
        [Outcome::StoreUnavailable { .. }]
    ));
    assert!(
        system.elapsed() < Duration::from_secs(10),
        "{:?}",
        system.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn process_that_stood_still_went_on_with_a_lease_that_was_over() {
    let system = Arc::new(VirtualSystem::default());
    let (store, done) = (MemoryStore::default(), Arc::new(AtomicBool::new(false)));
    let processor = processor(Arc::new(store), &system, &done);
    let batch = standard(vec![message(
        "m-1",
        envelope(Errand::TYPE, "e-1", json!({})),
    )]);
    let (_told, grace) = watch::channel(None);
    let renewal = Renewal {
        visibility_timeout: VISIBILITY,
        grace,
    };
    let queue = MemoryQueue::new();
    let mut processing = pin!(processor.process_renewing(batch, &queue, &renewal));
    // Its handler has begun; then nobody polls it until long after its lease.
    assert!(poll!(&mut processing).is_pending());
    tokio::time::advance(VISIBILITY * 2).await;
    let report = processing.await.unwrap();
    assert_eq!(outcomes(&report), [Outcome::LeaseLost]);
    assert!(!done.load(Ordering::Relaxed), "the handler went on");
}

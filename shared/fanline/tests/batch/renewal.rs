//! Batches without a deadline: leases and visibility go on as long as their handlers, and not longer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use fanline::{
    Envelope, Event, Failure, Grace, Message, Outcome, Processor, Renewal, Report, State, System,
    Timestamp, Worker,
    dedup::{Claim, ClaimAnswer, DedupStore, Record, SettleAnswer, SettleAs, Settlement, Status},
};
use fanline_testing::{
    Fault, FaultyStore, MemoryQueue, MemoryStore, VirtualSystem, envelope, message,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use crate::world::{outcomes, standard};

const VISIBILITY: Duration = Duration::from_secs(30);

/// Between two looks at whether a handler has stopped.
const LOOK: Duration = Duration::from_millis(10);

/// Takes so many seconds.
#[derive(Serialize, Deserialize)]
struct Work {
    seconds: u64,
}

impl Event for Work {
    const TYPE: &'static str = "work.ordered";
}

/// Who works on which event, and what was done.
#[derive(Clone, Default)]
struct Desk {
    at_work: Arc<Mutex<BTreeMap<String, u32>>>,
    most_at_work: Arc<Mutex<u32>>,
    started: Arc<Mutex<Vec<String>>>,
    done: Arc<Mutex<Vec<String>>>,
}

struct AtWork {
    desk: Desk,
    event: String,
}

impl AtWork {
    fn new(desk: &Desk, event: &str) -> Self {
        let mut at_work = desk.at_work.lock().unwrap();
        let count = at_work.entry(event.to_owned()).or_default();
        *count += 1;
        let mut most = desk.most_at_work.lock().unwrap();
        *most = (*most).max(*count);
        Self {
            desk: desk.clone(),
            event: event.to_owned(),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut at_work = self.desk.at_work.lock().unwrap();
        *at_work.get_mut(&self.event).unwrap() -= 1;
    }
}

async fn work(event: Envelope<Work>, State(desk): State<Desk>) -> Result<(), Failure> {
    let _at_work = AtWork::new(&desk, event.id());
    desk.started.lock().unwrap().push(event.id().to_owned());
    tokio::time::sleep(Duration::from_secs(event.data.seconds)).await;
    desk.done.lock().unwrap().push(event.id().to_owned());
    Ok(())
}

struct Office {
    system: Arc<VirtualSystem>,
    store: MemoryStore,
    queue: MemoryQueue,
    desk: Desk,
    grace: watch::Sender<Option<Grace>>,
}

impl Office {
    fn new() -> Self {
        Self {
            system: Arc::default(),
            store: MemoryStore::default(),
            queue: MemoryQueue::new(),
            desk: Desk::default(),
            grace: watch::Sender::new(None),
        }
    }

    fn processor(&self, store: Arc<dyn DedupStore>) -> Processor {
        let worker = Worker::new(self.desk.clone()).on(work);
        Processor::new(worker, "consumer", store, Arc::clone(&self.system) as _).unwrap()
    }

    /// Receives what is visible and processes it.
    async fn process(&self, store: Arc<dyn DedupStore>) -> Report {
        let batch = standard(self.queue.receive());
        let renewal = self.renewal();
        let processor = self.processor(store);
        let processed = processor.process_renewing(batch, &self.queue, &renewal);
        processed.await.unwrap()
    }

    async fn process_well(&self) -> Report {
        self.process(Arc::new(self.store.clone())).await
    }

    fn renewal(&self) -> Renewal {
        Renewal {
            visibility_timeout: VISIBILITY,
            grace: self.grace.subscribe(),
        }
    }

    fn put(&self, id: &str, seconds: u64) {
        self.queue.put([piece(id, id, seconds)]);
    }

    fn record(&self, id: &str) -> Record {
        self.store.records()[&format!("consumer#{id}")].clone()
    }

    async fn at(&self, seconds: u64) {
        let wait = Duration::from_secs(seconds).saturating_sub(self.system.elapsed());
        tokio::time::sleep(wait).await;
    }
}

fn piece(message_id: &str, event_id: &str, seconds: u64) -> Message {
    message(
        message_id,
        envelope(Work::TYPE, event_id, json!({"seconds": seconds})),
    )
}

#[tokio::test(start_paused = true)]
async fn handler_of_ten_minutes_keeps_its_lease_and_its_message() {
    let office = Office::new();
    office.put("slow", 600);
    let watcher = async {
        for seconds in (1..600).step_by(7) {
            office.at(seconds).await;
            let twin = office.processor(Arc::new(office.store.clone()));
            let batch = standard(vec![piece("m-2", "slow", 600)]);
            let report = twin.process(batch, &office.queue, office.system.now() + VISIBILITY);
            let busy = outcomes(&report.await.unwrap());
            assert!(matches!(busy[..], [Outcome::Busy { .. }]), "{busy:?}");
            assert!(office.queue.receive().is_empty());
        }
    };
    let (report, ()) = tokio::join!(office.process_well(), watcher);
    assert_eq!(outcomes(&report), [Outcome::Succeeded]);
    assert_eq!(*office.desk.started.lock().unwrap(), ["slow"]);
    assert_eq!(office.queue.waits()["slow"], VISIBILITY);
}

#[tokio::test(start_paused = true)]
async fn work_that_is_quick_costs_no_renewal() {
    let office = Office::new();
    office.put("quick", 9);
    assert_eq!(outcomes(&office.process_well().await), [Outcome::Succeeded]);
    assert!(office.queue.waits().is_empty());
}

#[tokio::test(start_paused = true)]
async fn handler_whose_lease_is_lost_is_stopped() {
    let office = Office::new();
    office.put("taken", 600);
    let thief = async {
        office.at(12).await;
        let id = "consumer#taken".to_owned();
        let given_back = Settlement {
            id: id.clone(),
            owner: office.record("taken").owner,
            end: SettleAs::Release {
                attempts: 1,
                error: String::new(),
            },
        };
        assert_eq!(
            office.store.settle(&[given_back]).await,
            [SettleAnswer::Settled]
        );
        let claim = Claim {
            id,
            owner: "thief".to_owned(),
            fingerprint: office.record("taken").fingerprint,
            lease_until: office.system.now() + VISIBILITY,
            expires_at: Timestamp::MAX,
        };
        let answers = office.store.claim(&[claim], office.system.now()).await;
        assert_eq!(answers, [ClaimAnswer::Claimed]);
    };
    let (report, ()) = tokio::join!(office.process_well(), thief);
    assert_eq!(outcomes(&report), [Outcome::LeaseLost]);
    assert_eq!(
        office.system.elapsed(),
        VISIBILITY * 2 / 3,
        "at the second renewal"
    );
    assert!(office.desk.done.lock().unwrap().is_empty());
    assert_eq!(office.record("taken").owner, "thief");
}

#[tokio::test(start_paused = true)]
async fn handler_outlives_a_store_that_is_down_for_less_than_a_lease() {
    let office = Office::new();
    office.put("slow", 600);
    // The claim, a renewal, then 20 seconds in which nothing is answered.
    let mut faults = vec![Fault::None, Fault::None];
    faults.extend([Fault::HangBefore, Fault::Before, Fault::HangAfter]);
    let store = FaultyStore::new(Arc::new(office.store.clone()), faults);
    let report = office.process(Arc::new(store)).await;
    assert_eq!(outcomes(&report), [Outcome::Succeeded]);
    assert_eq!(office.record("slow").status, Status::Done);
}

#[tokio::test(start_paused = true)]
async fn handler_is_stopped_before_a_lease_that_cannot_be_renewed_ends() {
    for fault in [Fault::Before, Fault::HangBefore] {
        let office = Office::new();
        office.put("slow", 600);
        let faults = [Fault::None, Fault::None].into_iter();
        let faults = faults.chain(std::iter::repeat_n(fault, 20));
        let store = FaultyStore::new(Arc::new(office.store.clone()), faults);
        let stopped = async {
            while !office
                .desk
                .at_work
                .lock()
                .unwrap()
                .values()
                .all(|&count| count == 0)
                || office.desk.started.lock().unwrap().is_empty()
            {
                tokio::time::sleep(LOOK).await;
            }
            (office.record("slow").lease_until, office.system.now())
        };
        let (report, (lease_until, stopped)) =
            tokio::join!(office.process(Arc::new(store)), stopped);
        let outcomes = outcomes(&report);
        assert!(
            matches!(&outcomes[..], [Outcome::StoreUnavailable { reason }] if reason.starts_with("the lease could not be renewed: ")),
            "{outcomes:?}"
        );
        let left = Duration::try_from(lease_until.duration_since(stopped)).unwrap();
        assert!(
            left + LOOK >= VISIBILITY / 12 && left < VISIBILITY / 3,
            "{fault:?}: {left:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_is_recorded_while_others_of_its_batch_still_run() {
    let office = Office::new();
    office.put("quick", 1);
    office.put("slow", 600);
    let killed = tokio::time::timeout(Duration::from_secs(15), office.process_well()).await;
    assert!(killed.is_err());
    assert_eq!(office.record("quick").status, Status::Done);
    let slow = office.record("slow");
    assert_eq!(slow.status, Status::Leased);
    assert!(
        slow.lease_until < office.system.now() + VISIBILITY,
        "a crash leaks no longer lease"
    );
}

#[tokio::test(start_paused = true)]
async fn process_that_ends_gives_back_what_it_cannot_finish() {
    let office = Office::new();
    office.put("short", 40);
    office.put("long", 600);
    let end = async {
        office.at(35).await;
        let from = office.system.now();
        office.grace.send_replace(Some(Grace {
            from,
            until: from + Duration::from_secs(25),
        }));
    };
    let (report, ()) = tokio::join!(office.process_well(), end);
    let stopped = Outcome::Retried {
        reason: "stopped with its process".to_owned(),
        after: Some(Duration::ZERO),
    };
    assert_eq!(outcomes(&report), [Outcome::Succeeded, stopped]);
    assert!(office.system.elapsed() < Duration::from_secs(60));
    assert!(
        office.system.elapsed() > Duration::from_secs(55),
        "the grace period is used"
    );
    assert_eq!(office.record("long").lease_until, Timestamp::UNIX_EPOCH);
    let visible: Vec<String> = office.queue.receive().into_iter().map(|it| it.id).collect();
    assert_eq!(visible, ["long"], "at once, for another process");
}

#[tokio::test(start_paused = true)]
async fn handler_that_never_ends_is_stopped_before_sqs_takes_its_message_away() {
    let office = Office::new();
    office.put("endless", 13 * 60 * 60);
    let report = office.process_well().await;
    let outcomes = outcomes(&report);
    assert!(
        matches!(&outcomes[..], [Outcome::Retried { reason, after: None }] if reason.starts_with("stopped after 12 hours"))
    );
    let hours = Duration::from_secs(12 * 60 * 60);
    assert!(office.system.elapsed() < hours);
}

/// Calls fail in runs, as they do in an outage.
fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = proptest::sample::select(vec![
        Fault::None,
        Fault::Before,
        Fault::After,
        Fault::HangBefore,
        Fault::HangAfter,
    ]);
    let runs = proptest::collection::vec((fault, 1_usize..10), 0..6);
    runs.prop_map(|runs| {
        let runs = runs.into_iter();
        runs.flat_map(|(fault, length)| std::iter::repeat_n(fault, length))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Two workers that get the same messages again and again, each on a store that fails as it likes,
    /// never run one event at once, run none that is done, and get everything done in the end.
    #[test]
    fn no_event_runs_twice_at_once(
        work in proptest::collection::vec((0_u8..4, 0_u64..100), 1..6),
        faults in [faults(), faults()],
        delay in 0_u64..90,
        ends_after in proptest::option::of(0_u64..120),
    ) {
        // An event takes the same time wherever it comes.
        let seconds: BTreeMap<u8, u64> = work.iter().copied().collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.unwrap().block_on(async {
            let office = Office::new();
            let messages: Vec<Message> = work.iter().enumerate().map(|(index, (event, _))| {
                piece(&format!("m-{index}"), &event.to_string(), seconds[event])
            }).collect();
            let worker = async |faults: Vec<Fault>, delay: u64, ends_after: Option<u64>| {
                tokio::time::sleep(Duration::from_secs(delay)).await;
                let store: Arc<dyn DedupStore> = Arc::new(FaultyStore::new(Arc::new(office.store.clone()), faults));
                let mut left = messages.clone();
                let mut rounds = 0;
                while !left.is_empty() {
                    rounds += 1;
                    assert!(rounds < 60, "{left:?} are never done");
                    let grace = watch::Sender::new(None);
                    let renewal = Renewal { visibility_timeout: VISIBILITY, grace: grace.subscribe() };
                    let processor = office.processor(Arc::clone(&store));
                    let queue = MemoryQueue::new();
                    let processing = processor.process_renewing(standard(left.clone()), &queue, &renewal);
                    let ending = async {
                        if let Some(seconds) = ends_after.filter(|_| rounds == 1) {
                            tokio::time::sleep(Duration::from_secs(seconds)).await;
                            let from = office.system.now();
                            grace.send_replace(Some(Grace { from, until: from + Duration::from_secs(10) }));
                        }
                    };
                    let (report, ()) = tokio::join!(processing, ending);
                    let report = report.unwrap();
                    for (id, outcome) in report.outcomes().filter(|(_, outcome)| outcome.is_handled()) {
                        let index: usize = id.trim_start_matches("m-").parse().unwrap();
                        assert_eq!(office.record(&work[index].0.to_string()).status, Status::Done, "{outcome}");
                    }
                    let failed: Vec<String> = report.failures().map(str::to_owned).collect();
                    left.retain(|message| failed.contains(&message.id));
                    tokio::time::sleep(Duration::from_secs(7)).await;
                }
            };
            let [first, second] = faults;
            tokio::join!(worker(first, 0, ends_after), worker(second, delay, None));
            assert!(*office.desk.most_at_work.lock().unwrap() <= 1, "an event ran twice at once");
        });
    }
}

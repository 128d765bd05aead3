//! Invariants over any batch, any history and any fault of the stores.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use fanline::{Batch, DeadLetter, Message, Outcome, Timestamp, dead_letter::unpack, dedup::Status};
use fanline_testing::{Fault, FaultyStore, MemoryPayloads, MemoryQueue, message};
use proptest::prelude::*;

use crate::world::{
    Act, INVOCATION, World, by_reference, leased_message, outcomes, transacted_message,
};

#[derive(Clone, Debug)]
struct Spec {
    kind: Kind,
    event: u8,
    group: u8,
    receive_count: u32,
    /// Whether its data is in the payload store.
    is_referred: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Leased(Act),
    Transacted(Act),
    Undecodable,
}

#[derive(Clone, Debug)]
struct Scenario {
    specs: Vec<Spec>,
    fifo: bool,
    concurrency: usize,
    faults: Vec<Fault>,
    has_dead_letter_queue: bool,
    queue_faults: Vec<Fault>,
    payload_faults: Vec<Fault>,
    /// Of data fetched for a batch; one event's has some 20.
    most_bytes: u64,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Succeed),
        2 => Just(Act::TakeASecond),
        1 => Just(Act::Fail),
        1 => Just(Act::FailFor(100)),
        1 => Just(Act::FindItDown),
        1 => Just(Act::Reject),
        1 => Just(Act::Panic),
        1 => Just(Act::Hang),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::None),
        1 => Just(Fault::Before),
        1 => Just(Fault::After),
        1 => Just(Fault::HangBefore),
        1 => Just(Fault::HangAfter),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let kind = prop_oneof![
        6 => act().prop_map(Kind::Leased),
        3 => act().prop_map(Kind::Transacted),
        1 => Just(Kind::Undecodable),
    ];
    let spec = (kind, 0_u8..8, 0_u8..3, 1_u32..7, any::<bool>()).prop_map(
        |(kind, event, group, receive_count, is_referred)| Spec {
            kind,
            event,
            group,
            receive_count,
            is_referred,
        },
    );
    let specs = proptest::collection::vec(spec, 1..14);
    let faults = || proptest::collection::vec(fault(), 0..3);
    (
        specs,
        any::<bool>(),
        1_usize..5,
        faults(),
        any::<bool>(),
        faults(),
        faults(),
        10_u64..200,
    )
        .prop_map(
            |(
                specs,
                fifo,
                concurrency,
                faults,
                has_dead_letter_queue,
                queue_faults,
                payload_faults,
                most_bytes,
            )| Scenario {
                specs,
                fifo,
                concurrency,
                faults,
                has_dead_letter_queue,
                queue_faults,
                payload_faults,
                most_bytes,
            },
        )
}

/// The event id says what kind of handler it meets: a key never changes its handler.
fn event_id(spec: &Spec) -> String {
    match spec.kind {
        Kind::Leased(_) => format!("leased-{}", spec.event),
        Kind::Transacted(_) => format!("transacted-{}", spec.event),
        Kind::Undecodable => String::new(),
    }
}

fn to_message(index: usize, spec: &Spec, payloads: &MemoryPayloads) -> Message {
    let (id, event) = (format!("m-{index}"), event_id(spec));
    let message = match spec.kind {
        Kind::Leased(act) => leased_message(&id, &event, act),
        Kind::Transacted(act) => transacted_message(&id, &event, act),
        Kind::Undecodable => message(&id, "not json"),
    };
    let message = match (spec.kind, spec.is_referred) {
        (Kind::Undecodable, _) | (_, false) => message,
        _ => by_reference(message, &event, payloads),
    };
    Message {
        group: Some(spec.group.to_string()),
        receive_count: spec.receive_count,
        ..message
    }
}

impl Scenario {
    fn world(&self) -> World {
        let queue = match self.has_dead_letter_queue {
            true => MemoryQueue::new(),
            false => MemoryQueue::without_dead_letter_queue(),
        };
        World::with_queue(queue.with_faults(self.queue_faults.clone()))
    }

    fn payloads(&self) -> MemoryPayloads {
        MemoryPayloads::default().with_faults(self.payload_faults.clone())
    }

    /// Puts all messages into the world's queue and receives them.
    fn batch(&self, world: &World, payloads: &MemoryPayloads) -> Batch {
        let messages = self.specs.iter().enumerate();
        world
            .queue
            .put(messages.map(|(index, spec)| to_message(index, spec, payloads)));
        Batch {
            fifo: self.fifo,
            messages: world.queue.receive(),
            ..Batch::default()
        }
    }
}

fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn invariants_of_one_invocation(scenario in scenario()) {
        in_virtual_time(async {
            let world = scenario.world();
            let store = FaultyStore::new(Arc::new(world.store.clone()), scenario.faults.clone());
            let payloads = scenario.payloads();
            let processor = world
                .processor_of(scenario.concurrency, Arc::new(store))
                .payloads(Arc::new(payloads.clone()), scenario.most_bytes);
            let batch = scenario.batch(&world, &payloads);
            let report = world.process(&processor, batch.clone()).await;
            let outcomes = outcomes(&report);

            // Every record ends in exactly one outcome, and is reported unless it is handled.
            let ids: Vec<_> = report.outcomes().map(|(id, _)| id.to_owned()).collect();
            let expected: Vec<_> = batch.messages.iter().map(|message| message.id.clone()).collect();
            assert_eq!(ids, expected);
            assert_eq!(report.counts().iter().sum::<u64>(), batch.messages.len() as u64);

            // Acknowledged only if its dedup record is complete or its dead letter stored.
            let records = world.store.records();
            let letters = world.queue.dead_letters();
            for (index, (spec, outcome)) in scenario.specs.iter().zip(&outcomes).enumerate() {
                if matches!(outcome, Outcome::DeadLettered { .. }) {
                    assert_letter(&letters, &batch.messages[index]);
                } else if outcome.is_handled() {
                    let record = &records[&format!("consumer#{}", event_id(spec))];
                    assert_eq!(record.status, Status::Done, "{outcome}");
                }
            }
            // Nothing leaves a lease behind, as long as the store lets us give it back.
            if scenario.faults.get(1).is_none_or(|fault| *fault == Fault::None) {
                for (id, record) in &records {
                    let held = record.status == Status::Leased && record.lease_until > Timestamp::UNIX_EPOCH;
                    assert!(!held, "{id} is still leased");
                }
            }
            // A queue that answers is told of every reported record when it comes back; a FIFO group
            // comes back as one.
            if scenario.queue_faults.iter().all(|fault| *fault == Fault::None) {
                assert_waits(&scenario, &outcomes, &world.queue.waits());
            }
            // One effect per key, within bounded concurrency.
            let mut effects: BTreeMap<String, usize> = BTreeMap::new();
            for id in world.journal.effects.lock().unwrap().iter() {
                *effects.entry(id.clone()).or_default() += 1;
            }
            assert!(effects.values().all(|count| *count == 1), "{effects:?}");
            assert!(world.journal.most_running.load(Ordering::SeqCst) <= scenario.concurrency);
            if scenario.fifo {
                assert_groups_keep_order(&scenario, &outcomes, &world.journal.starts.lock().unwrap());
            }
        });
    }

    /// Whatever the store did to the first delivery, later ones get everything done that can be.
    #[test]
    fn redelivery_handles_everything_that_can_be_handled(scenario in scenario()) {
        in_virtual_time(async {
            let world = scenario.world();
            let payloads = scenario.payloads();
            let mut waiting = scenario.batch(&world, &payloads);
            let mut faults = scenario.faults.clone();
            for _ in 0..12 {
                let store = FaultyStore::new(Arc::new(world.store.clone()), std::mem::take(&mut faults));
                let processor = world
                    .processor_of(scenario.concurrency, Arc::new(store))
                    .payloads(Arc::new(payloads.clone()), 1024);
                let report = world.process(&processor, waiting.clone()).await;
                let failures: Vec<_> = report.failures().map(str::to_owned).collect();
                waiting.messages.retain(|message| failures.contains(&message.id));
                world.system.advance(INVOCATION * 2);
            }
            let poison = |spec: &Spec| !matches!(
                spec.kind,
                Kind::Leased(Act::Succeed | Act::TakeASecond) | Kind::Transacted(Act::Succeed | Act::TakeASecond)
            );
            let blocked = |spec: &Spec| scenario.specs.iter().any(|other| {
                let same_key = event_id(other) == event_id(spec);
                let same_group = scenario.fifo && other.group == spec.group;
                (same_key || same_group) && poison(other)
            });
            // A handler that never ends holds its permit until the deadline: with fewer permits
            // than records, others of the same batch may never start.
            let hangs = |spec: &Spec| matches!(spec.kind, Kind::Leased(Act::Hang) | Kind::Transacted(Act::Hang));
            if scenario.specs.iter().any(hangs) && scenario.concurrency < scenario.specs.len() {
                return;
            }
            // Given up while the store or the queue failed.
            let letters = world.queue.dead_letters();
            let conflicting = |spec: &Spec| scenario.specs.iter().any(|other| {
                event_id(other) == event_id(spec) && format!("{:?}", other.kind) != format!("{:?}", spec.kind)
            });
            for (index, spec) in scenario.specs.iter().enumerate() {
                if poison(spec) || blocked(spec) || conflicting(spec) || scenario.fifo && scenario.specs.iter().any(&conflicting) {
                    continue;
                }
                let id = format!("m-{index}");
                if letters.iter().any(|letter| letter.message_id == id) {
                    continue;
                }
                assert!(!waiting.messages.iter().any(|message| message.id == id), "{id} is stuck");
                assert!(world.journal.effects_of(&event_id(spec)) >= 1, "{id} had no effect");
            }
            // In a transaction the effect happens once, whatever was lost on the way.
            let effects = world.journal.effects.lock().unwrap().clone();
            for id in effects.iter().filter(|id| id.starts_with("transacted")) {
                assert_eq!(world.journal.effects_of(id), 1, "{id}");
            }
        });
    }
}

/// In a group, the records handled come before all that are reported, dead letters aside, and handlers start in order.
fn assert_groups_keep_order(scenario: &Scenario, outcomes: &[Outcome], starts: &[String]) {
    let mut stopped: HashMap<u8, usize> = HashMap::new();
    for (index, spec) in scenario.specs.iter().enumerate() {
        if matches!(outcomes[index], Outcome::DeadLettered { .. }) {
            // Out of its group, for a person to look at.
            continue;
        }
        if outcomes[index].is_handled() {
            assert!(
                !stopped.contains_key(&spec.group),
                "m-{index} overtook its group"
            );
        } else {
            stopped.entry(spec.group).or_insert(index);
        }
    }
    // A key that stands in two groups runs with whichever reaches it first.
    let only_here = |spec: &Spec| {
        let with_key = || {
            scenario
                .specs
                .iter()
                .filter(|other| event_id(other) == event_id(spec))
        };
        with_key().all(|other| other.group == spec.group)
    };
    // Given up before it had a key: a copy of it that has its data may run further behind.
    let never_ran = |outcome: &Outcome| match outcome {
        Outcome::DeadLettered { error, .. } => error.starts_with("its data "),
        _ => false,
    };
    for group in 0..3 {
        let in_group = scenario.specs.iter().zip(outcomes);
        let in_group = in_group
            .filter(|(spec, outcome)| spec.group == group && !never_ran(outcome))
            .map(|(spec, _)| spec);
        let mut expected: Vec<String> = Vec::new();
        for id in in_group.filter(|spec| only_here(spec)).map(event_id) {
            if starts.contains(&id) && !expected.contains(&id) {
                expected.push(id);
            }
        }
        let started: Vec<_> = starts
            .iter()
            .filter(|id| expected.contains(id))
            .cloned()
            .collect();
        assert_eq!(started, expected, "group {group} ran out of order");
    }
}

/// It is there as it came, with a note that fits.
fn assert_letter(letters: &[DeadLetter], message: &Message) {
    let letter = letters
        .iter()
        .find(|letter| letter.message_id == message.id)
        .unwrap_or_else(|| panic!("{} is nowhere", message.id));
    assert_eq!(letter.body, message.body);
    assert_eq!(letter.group, message.group);
    let (attributes, note) = unpack(letter.attributes.clone());
    assert_eq!(attributes, message.attributes);
    let note = note.expect("a note");
    assert_eq!(note.attempts, message.receive_count);
    assert_eq!(note.message_id, message.id);
}

fn assert_waits(scenario: &Scenario, outcomes: &[Outcome], waits: &BTreeMap<String, Duration>) {
    let mut of_group = HashMap::new();
    for (index, (spec, outcome)) in scenario.specs.iter().zip(outcomes).enumerate() {
        let wait = waits.get(&format!("m-{index}"));
        assert_eq!(
            wait.is_some(),
            !outcome.is_handled(),
            "m-{index}: {outcome}"
        );
        if let Some(wait) = wait.filter(|_| scenario.fifo) {
            let first = of_group.entry(spec.group).or_insert(wait);
            assert_eq!(*first, wait, "group {} comes back in parts", spec.group);
        }
    }
}

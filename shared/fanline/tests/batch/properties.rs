//! Invariants over any batch, any history and any fault of the store.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::Ordering},
};

use fanline::{Batch, Message, Outcome, Timestamp, dedup::Status};
use fanline_testing::{Fault, FaultyStore, message};
use proptest::prelude::*;

use crate::world::{Act, INVOCATION, World, leased_message, outcomes, transacted_message};

#[derive(Clone, Debug)]
struct Spec {
    kind: Kind,
    event: u8,
    group: u8,
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
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Succeed),
        2 => Just(Act::TakeASecond),
        1 => Just(Act::Fail),
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
    let spec =
        (kind, 0_u8..8, 0_u8..3).prop_map(|(kind, event, group)| Spec { kind, event, group });
    let specs = proptest::collection::vec(spec, 1..14);
    let faults = proptest::collection::vec(fault(), 0..3);
    (specs, any::<bool>(), 1_usize..5, faults).prop_map(|(specs, fifo, concurrency, faults)| {
        Scenario {
            specs,
            fifo,
            concurrency,
            faults,
        }
    })
}

/// The event id says what kind of handler it meets: a key never changes its handler.
fn event_id(spec: &Spec) -> String {
    match spec.kind {
        Kind::Leased(_) => format!("leased-{}", spec.event),
        Kind::Transacted(_) => format!("transacted-{}", spec.event),
        Kind::Undecodable => String::new(),
    }
}

fn to_message(index: usize, spec: &Spec) -> Message {
    let (id, event) = (format!("m-{index}"), event_id(spec));
    let message = match spec.kind {
        Kind::Leased(act) => leased_message(&id, &event, act),
        Kind::Transacted(act) => transacted_message(&id, &event, act),
        Kind::Undecodable => message(&id, "not json"),
    };
    Message {
        group: Some(spec.group.to_string()),
        ..message
    }
}

impl Scenario {
    fn batch(&self) -> Batch {
        let messages = self.specs.iter().enumerate();
        Batch {
            fifo: self.fifo,
            messages: messages
                .map(|(index, spec)| to_message(index, spec))
                .collect(),
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
            let world = World::new();
            let store = FaultyStore::new(Arc::new(world.store.clone()), scenario.faults.clone());
            let processor = world.processor_of(scenario.concurrency, Arc::new(store));
            let batch = scenario.batch();
            let report = world.process(&processor, batch.clone()).await;
            let outcomes = outcomes(&report);

            // Every record ends in exactly one outcome, and is reported unless it is handled.
            let ids: Vec<_> = report.outcomes().map(|(id, _)| id.to_owned()).collect();
            let expected: Vec<_> = batch.messages.iter().map(|message| message.id.clone()).collect();
            assert_eq!(ids, expected);
            assert_eq!(report.counts().iter().sum::<u64>(), batch.messages.len() as u64);

            // Acknowledged only if its dedup record is complete.
            let records = world.store.records();
            for (spec, outcome) in scenario.specs.iter().zip(&outcomes) {
                if outcome.is_handled() {
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
            let world = World::new();
            let mut waiting = scenario.batch();
            let mut faults = scenario.faults.clone();
            for _ in 0..12 {
                let store = FaultyStore::new(Arc::new(world.store.clone()), std::mem::take(&mut faults));
                let processor = world.processor_of(scenario.concurrency, Arc::new(store));
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
            let conflicting = |spec: &Spec| scenario.specs.iter().any(|other| {
                event_id(other) == event_id(spec) && format!("{:?}", other.kind) != format!("{:?}", spec.kind)
            });
            for (index, spec) in scenario.specs.iter().enumerate() {
                if poison(spec) || blocked(spec) || conflicting(spec) || scenario.fifo && scenario.specs.iter().any(&conflicting) {
                    continue;
                }
                let id = format!("m-{index}");
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

/// In a group, the records handled come before all that are reported, and handlers start in order.
fn assert_groups_keep_order(scenario: &Scenario, outcomes: &[Outcome], starts: &[String]) {
    let mut stopped: HashMap<u8, usize> = HashMap::new();
    for (index, spec) in scenario.specs.iter().enumerate() {
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
    for group in 0..3 {
        let in_group = scenario.specs.iter().filter(|spec| spec.group == group);
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

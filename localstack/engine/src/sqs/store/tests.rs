use super::*;
use crate::sqs::message::Rare;
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

const RETENTION: EpochMillis = 60_000;

fn message(id: u128, now: EpochMillis, group: Option<&str>) -> Message {
    Message {
        id,
        body: "x".into(),
        attributes: None,
        rare: group.map(|group| {
            Box::new(Rare {
                group: Some(group.into()),
                ..Rare::default()
            })
        }),
        sent: now,
        first_received: None,
        receive_count: 0,
        receives_here: 0,
        state: State::Available,
    }
}

pub(crate) fn taking(
    now: EpochMillis,
    most: usize,
    hidden_until: EpochMillis,
    receive_limit: Option<u32>,
) -> Taking {
    Taking {
        now,
        most,
        hidden_until,
        receive_limit,
    }
}

#[derive(Debug, Clone)]
enum Step {
    Send { group: u8, delay: u64 },
    Receive { most: usize, hidden: u64 },
    Delete { pick: usize },
    Hide { pick: usize, hidden: u64 },
    Delay { delay: u64 },
    Pass { time: u64 },
    Purge,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0u8..4, prop_oneof![Just(0u64), 1u64..3000]).prop_map(|(group, delay)| Step::Send { group, delay }),
        5 => (1usize..11, 0u64..5000).prop_map(|(most, hidden)| Step::Receive { most, hidden }),
        4 => any::<usize>().prop_map(|pick| Step::Delete { pick }),
        3 => (any::<usize>(), 0u64..5000).prop_map(|(pick, hidden)| Step::Hide { pick, hidden }),
        4 => prop_oneof![0u64..2000, Just(40_000u64)].prop_map(|time| Step::Pass { time }),
        1 => prop_oneof![Just(0u64), 1u64..3000].prop_map(|delay| Step::Delay { delay }),
        1 => Just(Step::Purge),
    ];
    proptest::collection::vec(step, 1..120)
}

/// Every message is in one state, counted once, and nothing is lost.
fn check_books(store: &Store) {
    let mut counted = Counts::default();
    for Slot { message, .. } in store.slots.iter().flatten() {
        match message.state {
            State::Delayed { .. } => counted.delayed += 1,
            State::Available => counted.available += 1,
            State::InFlight { .. } => counted.in_flight += 1,
        }
    }
    assert_eq!(counted, store.counts);
    let QueueTotals {
        arrived,
        deleted,
        expired,
        moved,
        purged,
        ..
    } = store.totals;
    assert_eq!(
        arrived,
        deleted + expired + moved + purged + counted.total() as u64
    );
    if let Order::Standard(line) = &store.order {
        let waiting: HashSet<Key> = line
            .iter()
            .copied()
            .filter(|key| store.get(*key).is_some())
            .collect();
        assert_eq!(waiting.len(), counted.available);
    }
    assert!(store.timers.len() <= 2 * (counted.delayed + counted.in_flight) + 64 + 20);
}

struct Run {
    store: Store,
    now: EpochMillis,
    next_id: u128,
    held: Vec<Key>,
    exhausted: u64,
}

impl Run {
    fn new(fifo: bool) -> Self {
        Self {
            store: Store::new(fifo),
            now: 1_000_000,
            next_id: 0,
            held: Vec::new(),
            exhausted: 0,
        }
    }

    /// Carries out a step; what was received comes back as (group, id).
    fn apply(&mut self, step: &Step, fifo: bool) -> Vec<(Arc<str>, u128)> {
        self.store.tick(self.now, RETENTION);
        let mut received = Vec::new();
        match *step {
            Step::Send { group, delay } => {
                let group = fifo.then(|| format!("g{group}"));
                // On FIFO queues the delay is the queue's, so it does not reorder a group.
                let delay = if fifo { 0 } else { delay };
                let message = message(self.next_id, self.now, group.as_deref());
                self.next_id += 1;
                self.store.insert(self.now, message, self.now + delay);
            }
            Step::Receive { most, hidden } => {
                let taken = self
                    .store
                    .receive(taking(self.now, most, self.now + hidden, Some(3)), |_| 0);
                assert!(taken.keys.len() <= most);
                self.exhausted += taken.exhausted.len() as u64;
                for key in &taken.keys {
                    let message = self.store.get(*key).expect("was received");
                    assert!(matches!(message.state, State::InFlight { .. }));
                    let group = message.group().cloned().unwrap_or_else(|| "".into());
                    received.push((group, message.id));
                }
                self.held.extend(taken.keys);
            }
            Step::Delete { pick } if !self.held.is_empty() => {
                let key = self.held.remove(pick % self.held.len());
                self.store.delete(key);
            }
            Step::Hide { pick, hidden } if !self.held.is_empty() => {
                let key = self.held[pick % self.held.len()];
                self.store.hide_until(self.now, key, self.now + hidden);
            }
            Step::Pass { time } => self.now += time,
            Step::Purge => self.store.purge(),
            // Only a FIFO queue's delay reaches back.
            Step::Delay { delay } if fifo => self.store.delay_all(self.now, delay),
            Step::Delay { .. } => {}
            Step::Delete { .. } | Step::Hide { .. } => {}
        }
        check_books(&self.store);
        received
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_message_is_lost_or_counted_twice(steps in steps(), fifo in any::<bool>()) {
        let mut run = Run::new(fifo);
        for step in &steps {
            run.apply(step, fifo);
        }
        prop_assert_eq!(run.exhausted, run.store.totals.moved);
        // Whatever is left can be received and deleted, to the last message.
        loop {
            run.now += 5_001;
            run.store.tick(run.now, EpochMillis::MAX);
            let taken = run.store.receive(taking(run.now, 10, run.now + 1, None), |_| 0);
            if taken.keys.is_empty() {
                break;
            }
            for key in taken.keys {
                prop_assert!(run.store.delete(key));
            }
        }
        prop_assert_eq!(run.store.counts.total(), 0);
        check_books(&run.store);
    }

    #[test]
    fn a_group_is_in_order_and_has_one_holder(steps in steps()) {
        let mut run = Run::new(true);
        for step in &steps {
            let in_flight_before: HashSet<Arc<str>> = {
                run.store.tick(run.now, RETENTION);
                let held = run.store.slots.iter().flatten();
                held.filter(|slot| matches!(slot.message.state, State::InFlight { .. }))
                    .filter_map(|slot| slot.message.group().cloned())
                    .collect()
            };
            let mut last: HashMap<Arc<str>, u128> = HashMap::new();
            for (group, id) in run.apply(step, true) {
                prop_assert!(!in_flight_before.contains(&group), "{group} was handed out twice");
                // Nothing older of the group may be left behind.
                let older = run.store.slots.iter().flatten().any(|Slot { message, .. }| {
                    message.group() == Some(&group) && message.id < id && message.state == State::Available
                });
                prop_assert!(!older, "{group} was overtaken");
                prop_assert!(last.insert(group.clone(), id).is_none_or(|before| before < id));
            }
        }
    }
}

#[test]
fn a_group_is_forgotten_when_it_is_empty() {
    let mut store = Store::new(true);
    for id in 0..100 {
        store.insert(0, message(id, 0, Some(&format!("g{id}"))), 0);
    }
    let mut received = 0;
    loop {
        let taken = store.receive(taking(0, 10, 1000, None), |_| 0);
        if taken.keys.is_empty() {
            break;
        }
        for key in taken.keys {
            received += 1;
            store.delete(key);
        }
    }
    assert_eq!(received, 100);
    let Order::Fifo(groups) = &store.order else {
        panic!("is FIFO")
    };
    assert!(groups.is_empty());
}

use proptest::prelude::*;

use super::circuit::{Change, Circuit, Ending, Settings, Ticket};
use super::*;
use crate::{Timestamp, layers::after};

const OPENS_AFTER: u32 = 3;
const COOL_DOWN: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(300);

fn circuit() -> Circuit {
    Circuit::new(Settings {
        opens_after: NonZeroU32::new(OPENS_AFTER).unwrap(),
        cool_down: COOL_DOWN,
        longest_cool_down: LONGEST,
    })
}

fn start() -> Timestamp {
    Timestamp::from_second(1_771_065_000).unwrap()
}

fn down() -> Ending {
    Ending::Unavailable("connection refused".to_owned())
}

fn open(circuit: &mut Circuit, now: Timestamp) -> Timestamp {
    for call in 1..=OPENS_AFTER {
        let ticket = circuit.admit(now).unwrap();
        let change = circuit.end(ticket, down(), now, u128::MAX);
        match change {
            Some(Change::Opened { until }) if call == OPENS_AFTER => return until,
            None if call < OPENS_AFTER => {}
            other => panic!("call {call}: {other:?}"),
        }
    }
    unreachable!("it opens at the last call")
}

#[derive(Clone, Debug)]
enum Step {
    Admit,
    End { call: usize, ending: Ending },
    Wait { seconds: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let ending = prop_oneof![
        1 => Just(Ending::Answered),
        5 => Just(down()),
        1 => Just(Ending::Unknown)
    ];
    prop_oneof![
        4 => Just(Step::Admit),
        4 => (any::<usize>(), ending).prop_map(|(call, ending)| Step::End { call, ending }),
        2 => (0_i64..200).prop_map(|seconds| Step::Wait { seconds }),
        // A clock that is set back.
        1 => (-4000_i64..0).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// A call under way, and whether it is the probe of the outage with this number.
struct Running {
    ticket: Ticket,
    probe_of: Option<usize>,
}

/// A circuit with what an observer knows of it.
struct Observed {
    circuit: Circuit,
    now: Timestamp,
    /// When the circuit opened last and until when it lets nothing through; none while it is closed.
    opened: Option<(Timestamp, Timestamp)>,
    openings: usize,
    running: Vec<Running>,
}

impl Observed {
    fn new() -> Self {
        Self {
            circuit: circuit(),
            now: start(),
            opened: None,
            openings: 0,
            running: Vec::new(),
        }
    }

    fn probe(&self) -> Option<usize> {
        let current = Some(self.openings);
        self.running.iter().position(|it| it.probe_of == current)
    }

    fn admit(&mut self) -> bool {
        let Ok(ticket) = self.circuit.admit(self.now) else {
            assert!(self.opened.is_some(), "refused while closed");
            return false;
        };
        let probe_of = self.opened.map(|(since, until)| {
            let cooled_down = until <= self.now || self.now < since;
            assert!(cooled_down, "let through while open");
            assert_eq!(self.probe(), None, "two probes at once");
            self.openings
        });
        self.running.push(Running { ticket, probe_of });
        true
    }

    fn end(&mut self, call: usize, ending: Ending, random: u128) {
        let call = self.running.swap_remove(call);
        let was_the_probe = self.opened.is_some() && call.probe_of == Some(self.openings);
        let change = self
            .circuit
            .end(call.ticket, ending.clone(), self.now, random);
        match change {
            Some(Change::Opened { until }) => {
                assert!(was_the_probe || self.opened.is_none());
                assert!(COOL_DOWN / 2 <= crate::delivery::remaining(until, self.now));
                assert!(until <= after(self.now, LONGEST));
                self.opened = Some((self.now, until));
                self.openings += 1;
            }
            Some(Change::Closed) => {
                assert!(was_the_probe, "closed by another call than the probe");
                assert_eq!(ending, Ending::Answered);
                self.opened = None;
            }
            None => assert!(!was_the_probe, "a probe that decides nothing"),
        }
    }

    fn take(&mut self, step: Step, random: u128) {
        match step {
            Step::Admit => {
                self.admit();
            }
            Step::End { call, ending } if !self.running.is_empty() => {
                self.end(call % self.running.len(), ending, random);
            }
            Step::End { .. } => {}
            Step::Wait { seconds } => {
                self.now = self
                    .now
                    .checked_add(jiff::SignedDuration::from_secs(seconds))
                    .unwrap();
            }
        }
    }
}

proptest! {
    /// While it is open nothing passes, then one call at a time, whose end alone decides.
    #[test]
    fn one_probe_at_a_time_and_it_decides(
        steps in proptest::collection::vec((step(), any::<u128>()), 1..200),
    ) {
        let mut observed = Observed::new();
        for (step, random) in steps {
            observed.take(step, random);
        }
    }

    /// Whatever happened: once a probe has ended, however it did, and the cool-down is over, a call
    /// passes; and if it finds an answer, every call does.
    #[test]
    fn nothing_stays_open_for_ever(
        steps in proptest::collection::vec((step(), any::<u128>()), 1..200),
    ) {
        let mut observed = Observed::new();
        for (step, random) in steps {
            observed.take(step, random);
        }
        if let Some(probe) = observed.probe() {
            observed.end(probe, Ending::Unknown, u128::MAX);
        }
        let at_once = observed.admit();
        observed.now = after(observed.now, LONGEST);
        prop_assert!(at_once || observed.admit());
        observed.end(observed.running.len() - 1, Ending::Answered, 0);
        prop_assert!(observed.admit() && observed.admit());
    }
}

#[test]
fn opens_only_after_unavailable_calls_in_a_row() {
    let mut circuit = circuit();
    for ending in [down(), down(), Ending::Answered, down(), down()] {
        let ticket = circuit.admit(start()).unwrap();
        assert_eq!(circuit.end(ticket, ending, start(), 0), None);
    }
    let unknown = circuit.admit(start()).unwrap();
    assert_eq!(circuit.end(unknown, Ending::Unknown, start(), 0), None);
    let third = circuit.admit(start()).unwrap();
    assert!(circuit.end(third, down(), start(), 0).is_some());
    let outage = circuit.admit(start()).unwrap_err();
    assert_eq!(
        (outage.since, &*outage.cause),
        (start(), "connection refused")
    );
}

#[test]
fn cool_down_doubles_with_each_failed_probe_up_to_the_longest() {
    let mut circuit = circuit();
    let mut now = start();
    let mut until = open(&mut circuit, now);
    for seconds in [30, 60, 120, 240, 300, 300] {
        assert_eq!(until, after(now, Duration::from_secs(seconds)));
        now = until;
        let probe = circuit.admit(now).unwrap();
        assert!(circuit.admit(now).is_err(), "a second probe");
        let Some(Change::Opened { until: next }) = circuit.end(probe, down(), now, u128::MAX)
        else {
            panic!("a failed probe opens the circuit")
        };
        until = next;
    }
    assert_eq!(circuit.admit(until.min(now)).unwrap_err().since, start());
}

#[test]
fn chance_shortens_a_cool_down_by_a_half_at_most() {
    for (random, seconds) in [(0, 15), (u128::MAX, 30)] {
        let mut circuit = Circuit::new(Settings {
            opens_after: NonZeroU32::MIN,
            ..circuit().settings()
        });
        let ticket = circuit.admit(start()).unwrap();
        let until = after(start(), Duration::from_secs(seconds));
        let change = circuit.end(ticket, down(), start(), random);
        assert_eq!(change, Some(Change::Opened { until }));
    }
}

#[test]
fn dropped_probe_is_followed_by_another_after_the_same_cool_down() {
    let mut circuit = circuit();
    let until = open(&mut circuit, start());
    let dropped = circuit.admit(until).unwrap();
    let next = after(until, COOL_DOWN);
    assert_eq!(
        circuit.end(dropped, Ending::Unknown, until, u128::MAX),
        Some(Change::Opened { until: next })
    );
    assert!(circuit.admit(until).is_err());
    let probe = circuit.admit(next).unwrap();
    assert_eq!(
        circuit.end(probe, Ending::Answered, next, 0),
        Some(Change::Closed)
    );
}

#[test]
fn a_call_from_before_the_opening_changes_nothing() {
    let mut circuit = circuit();
    let slow = [(); 3].map(|()| circuit.admit(start()).unwrap());
    let until = open(&mut circuit, start());
    for (ticket, ending) in slow
        .into_iter()
        .zip([Ending::Answered, down(), Ending::Unknown])
    {
        assert_eq!(circuit.end(ticket, ending, start(), 0), None);
    }
    assert!(circuit.admit(start()).is_err());
    assert!(circuit.admit(until).is_ok());
}

#[test]
fn settings_without_end_do_not_overflow() {
    let mut circuit = Circuit::new(Settings {
        opens_after: NonZeroU32::MIN,
        cool_down: Duration::MAX,
        longest_cool_down: Duration::MAX,
    });
    let ticket = circuit.admit(start()).unwrap();
    let change = circuit.end(ticket, down(), start(), u128::MAX);
    let until = Timestamp::MAX;
    assert_eq!(change, Some(Change::Opened { until }));
}

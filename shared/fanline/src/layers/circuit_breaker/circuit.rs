//! When calls are let through: the whole of the breaker's logic, without I/O and without a clock.
//!
//! What one could get wrong is to believe a call that began in another period: one let through before the
//! circuit opened may still end, and tells nothing about now.

use std::{num::NonZeroU32, time::Duration};

use jiff::Timestamp;

use crate::layers::after;

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) opens_after: NonZeroU32,
    pub(super) cool_down: Duration,
    pub(super) longest_cool_down: Duration,
}

#[derive(Debug)]
pub(super) struct Circuit {
    settings: Settings,
    state: State,
    /// Counts changes of state.
    period: u64,
}

#[derive(Clone, Debug)]
enum State {
    /// Calls pass; so many of the last ones in a row found nobody.
    Closed { unavailable: u32 },
    /// No call passes.
    Open { outage: Outage, cooling: Cooling },
    /// One call was let through; its end decides.
    HalfOpen { outage: Outage },
}

/// Why the circuit is not closed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outage {
    pub(super) since: Timestamp,
    /// What the last call that ran said.
    pub(super) cause: String,
    failed_probes: u32,
}

#[derive(Clone, Copy, Debug)]
struct Cooling {
    from: Timestamp,
    until: Timestamp,
}

impl Cooling {
    /// A clock that shows less than at the start was set back; waiting for it could take for ever.
    fn is_over(self, now: Timestamp) -> bool {
        self.until <= now || now < self.from
    }
}

/// Leave to run one call; whoever gets it owes [`Circuit::end`].
#[derive(Debug)]
#[must_use]
pub(super) struct Ticket {
    period: u64,
}

/// What a call says about what it depends on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ending {
    /// It is there, whatever it thought of the call.
    Answered,
    /// It is not, for this reason.
    Unavailable(String),
    /// Nothing: the call was dropped, panicked or never got that far.
    Unknown,
}

/// A change that people want to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// No call passes before this time.
    Opened {
        until: Timestamp,
    },
    Closed,
}

impl Circuit {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Closed { unavailable: 0 },
            period: 0,
        }
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings
    }

    /// Lets a call through, or says why not.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<Ticket, Outage> {
        match &self.state {
            State::Closed { .. } => {}
            State::Open { outage, cooling } if cooling.is_over(now) => {
                let outage = outage.clone();
                self.enter(State::HalfOpen { outage });
            }
            State::Open { outage, .. } | State::HalfOpen { outage } => return Err(outage.clone()),
        }
        Ok(Ticket {
            period: self.period,
        })
    }

    /// Takes note of how a call ended. `random` spreads the cool-downs of many processes.
    pub(super) fn end(
        &mut self,
        ticket: Ticket,
        ending: Ending,
        now: Timestamp,
        random: u128,
    ) -> Option<Change> {
        if ticket.period != self.period {
            return None;
        }
        match (self.state.clone(), ending) {
            (State::Closed { unavailable }, Ending::Unavailable(cause)) => {
                let unavailable = unavailable.saturating_add(1);
                if unavailable < self.settings.opens_after.get() {
                    self.state = State::Closed { unavailable };
                    return None;
                }
                let outage = Outage {
                    since: now,
                    cause,
                    failed_probes: 0,
                };
                Some(self.open(outage, now, random))
            }
            (State::Closed { .. }, Ending::Answered) => {
                self.state = State::Closed { unavailable: 0 };
                None
            }
            (State::HalfOpen { .. }, Ending::Answered) => {
                self.enter(State::Closed { unavailable: 0 });
                Some(Change::Closed)
            }
            (State::HalfOpen { outage }, Ending::Unavailable(cause)) => {
                let outage = Outage {
                    cause,
                    failed_probes: outage.failed_probes.saturating_add(1),
                    ..outage
                };
                Some(self.open(outage, now, random))
            }
            // As long as before: it is not known to be there, nor to be still away.
            (State::HalfOpen { outage }, Ending::Unknown) => Some(self.open(outage, now, random)),
            (State::Closed { .. }, Ending::Unknown) | (State::Open { .. }, _) => None,
        }
    }

    fn open(&mut self, outage: Outage, now: Timestamp, random: u128) -> Change {
        let doubled = 1_u32.checked_shl(outage.failed_probes).unwrap_or(u32::MAX);
        let Settings {
            cool_down,
            longest_cool_down,
            ..
        } = self.settings;
        let full = cool_down.saturating_mul(doubled).min(longest_cool_down);
        let until = after(now, between_half_and(full, random));
        let cooling = Cooling { from: now, until };
        self.enter(State::Open { outage, cooling });
        Change::Opened { until }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.period += 1;
    }
}

/// At least half, so that what is down gets its pause; the other half spreads the probes.
fn between_half_and(full: Duration, random: u128) -> Duration {
    let share = (random >> 96) as f64 / f64::from(u32::MAX);
    let half = full / 2;
    half.saturating_add(half.mul_f64(share))
}

//! What can go wrong in a run, how often, and when.

use std::{collections::BTreeMap, fmt, ops::Range, time::Duration};

/// A kind of fault. Its rate is the share of the occasions, from 0 to 1, at which it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A call fails without effect. Occasion: a call of a worker, a mapping, a producer.
    LostRequest,
    /// A call takes effect, and its caller sees an error.
    LostResponse,
    /// A call gets no answer at all, with or without effect.
    NoAnswer,
    /// Of a call with several entries, some are refused.
    Throttling,
    /// The dedup store is down for 1 to 20 minutes. Occasion: a call to it.
    StoreDown,
    /// The queues are down for 1 to 20 minutes.
    QueueDown,
    /// A standard queue hands out a message again while it is being handled. Occasion: a message received.
    DuplicateDelivery,
    /// A deleted message of a standard queue turns up again. Occasion: a message deleted.
    DeliveryAfterDeletion,
    /// A standard queue keeps no order at all. Occasion: a run.
    AnyOrder,
    /// A worker's process ends at some await. Occasion: an invocation.
    Crash,
    /// A process stands still at some await: a function until Lambda's timeout ends it, one that polls for up to three
    /// minutes, after which it goes on, its leases over.
    StandStill,
    /// A handler takes up to a minute longer, before or after its work: longer than its invocation may. Occasion: a
    /// handler's run.
    SlowHandler,
    /// A handler fails, before or after its work.
    FailingHandler,
    /// An event that cannot be decoded, or that its handler always fails at. Occasion: an event.
    Poison,
    /// Nobody receives for 1 to 15 minutes. Occasion: a receive.
    SlowConsumer,
    /// A process whose clock is up to a second off. Occasion: the start of a process.
    ClockSkew,
    /// All processes are replaced; those at work end first. Occasion: an invocation.
    Redeploy,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::LostRequest,
        Self::LostResponse,
        Self::NoAnswer,
        Self::Throttling,
        Self::StoreDown,
        Self::QueueDown,
        Self::DuplicateDelivery,
        Self::DeliveryAfterDeletion,
        Self::AnyOrder,
        Self::Crash,
        Self::StandStill,
        Self::SlowHandler,
        Self::FailingHandler,
        Self::Poison,
        Self::SlowConsumer,
        Self::ClockSkew,
        Self::Redeploy,
    ];

    /// Chosen so that a run of some dozens of events has several of most kinds, and most messages have none.
    fn usual_rate(self) -> f64 {
        match self {
            Self::LostRequest | Self::LostResponse | Self::NoAnswer | Self::Throttling => 0.02,
            Self::StoreDown | Self::QueueDown => 0.004,
            Self::DuplicateDelivery | Self::DeliveryAfterDeletion => 0.03,
            Self::Crash | Self::StandStill => 0.04,
            Self::SlowHandler | Self::FailingHandler => 0.05,
            Self::Poison => 0.03,
            Self::SlowConsumer => 0.01,
            Self::ClockSkew | Self::AnyOrder => 0.5,
            Self::Redeploy => 0.02,
        }
    }

    /// As it stands in timelines and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::LostRequest => "lost request",
            Self::LostResponse => "lost response",
            Self::NoAnswer => "no answer",
            Self::Throttling => "throttling",
            Self::StoreDown => "store down",
            Self::QueueDown => "queue down",
            Self::DuplicateDelivery => "duplicate delivery",
            Self::DeliveryAfterDeletion => "delivery after deletion",
            Self::AnyOrder => "any order",
            Self::Crash => "crash",
            Self::StandStill => "stand still",
            Self::SlowHandler => "slow handler",
            Self::FailingHandler => "failing handler",
            Self::Poison => "poison",
            Self::SlowConsumer => "slow consumer",
            Self::ClockSkew => "clock skew",
            Self::Redeploy => "redeploy",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Which faults strike, how often and when.
///
/// Each run takes of them what its seed says: half of the kinds, at a third, once or three times their rate. Runs with
/// few kinds of faults find what runs with all of them hide.
///
/// ```
/// use std::time::Duration;
/// use fanline_testing::sim::{Fault, Faults};
///
/// let minute = Duration::from_secs(60);
/// let faults = Faults::usual()
///     .without(Fault::Poison)
///     .with(Fault::Crash, 0.2)
///     .during(Fault::StoreDown, minute..5 * minute);
/// assert_eq!(faults.rate(Fault::Crash), 0.2);
/// assert_eq!(Faults::none().rate(Fault::Crash), 0.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    settings: BTreeMap<Fault, Setting>,
}

#[derive(Clone, Debug, PartialEq)]
struct Setting {
    rate: f64,
    during: Option<Range<Duration>>,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything can go wrong.
    pub fn usual() -> Self {
        let all = Fault::ALL.into_iter();
        all.fold(Self::none(), |faults, fault| {
            faults.with(fault, fault.usual_rate())
        })
    }

    /// This fault at this rate, from 0 to 1.
    #[must_use]
    pub fn with(mut self, fault: Fault, rate: f64) -> Self {
        let setting = self
            .settings
            .entry(fault)
            .or_insert(Setting { rate, during: None });
        setting.rate = rate;
        self
    }

    /// This fault never.
    #[must_use]
    pub fn without(mut self, fault: Fault) -> Self {
        self.settings.remove(&fault);
        self
    }

    /// This fault only in this stretch of the run; outages begin in it. Without, faults strike until half an hour after
    /// the last event.
    #[must_use]
    pub fn during(mut self, fault: Fault, stretch: Range<Duration>) -> Self {
        let rate = fault.usual_rate();
        let setting = self
            .settings
            .entry(fault)
            .or_insert(Setting { rate, during: None });
        setting.during = Some(stretch);
        self
    }

    /// How often it strikes.
    pub fn rate(&self, fault: Fault) -> f64 {
        self.settings
            .get(&fault)
            .map_or(0.0, |setting| setting.rate)
    }

    pub(super) fn stretch(&self, fault: Fault) -> Option<Range<Duration>> {
        self.settings.get(&fault)?.during.clone()
    }
}

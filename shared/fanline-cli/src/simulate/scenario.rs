//! The worlds that can be run.

use clap::builder::{PossibleValue, PossibleValuesParser};
use fanline_testing::sim::{Failure, Run, Simulation, scenarios};

use super::{mails_on_dynamodb, orders, orders_in_any_order};

/// Runs on DynamoDB take some twenty times as long.
const DEEP: u64 = 20;

/// A simulation whatever its application is.
trait Simulated: Send + Sync {
    fn run(&self, seed: u64, with_timeline: bool) -> Run;

    fn find_failure(&self, seed: u64) -> Option<Failure>;
}

impl<App: Send + Sync + 'static> Simulated for Simulation<App> {
    fn run(&self, seed: u64, with_timeline: bool) -> Run {
        match with_timeline {
            true => self.run(seed),
            false => self.try_seed(seed),
        }
    }

    fn find_failure(&self, seed: u64) -> Option<Failure> {
        self.find_failure(seed)
    }
}

/// A world by its name.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// It runs one of so many seeds: where a run takes longer.
    pub(super) share: u64,
    simulation: Box<dyn Simulated>,
}

impl Scenario {
    fn new<App: Send + Sync + 'static>(
        name: &'static str,
        about: &'static str,
        share: u64,
        simulation: Simulation<App>,
    ) -> Self {
        let simulation = Box::new(simulation);
        Self {
            name,
            about,
            share,
            simulation,
        }
    }

    pub(super) fn run(&self, seed: u64) -> Run {
        self.simulation.run(seed, false)
    }

    pub(super) fn run_with_timeline(&self, seed: u64) -> Run {
        self.simulation.run(seed, true)
    }

    pub(super) fn find_failure(&self, seed: u64) -> Option<Failure> {
        self.simulation.find_failure(seed)
    }
}

/// All of them.
pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "signups",
            "standard queues: a lease, a transaction, at most once",
            1,
            scenarios::signups(),
        ),
        Scenario::new(
            "accounts",
            "FIFO queues: a lease, a transaction",
            1,
            scenarios::accounts(),
        ),
        Scenario::new(
            "orders",
            "outbox, relay, sweeper, FIFO: all of it on the engine and DynamoDB",
            DEEP,
            orders(),
        ),
        Scenario::new(
            "orders-in-any-order",
            "the same on standard queues, put in order by sequence",
            DEEP,
            orders_in_any_order(),
        ),
        Scenario::new(
            "mails-on-dynamodb",
            "a lease, on the DynamoDB dedup store",
            DEEP,
            mails_on_dynamodb(),
        ),
    ]
}

/// Their names, as the command takes them.
pub(super) fn names() -> PossibleValuesParser {
    let values = all().into_iter();
    PossibleValuesParser::new(
        values.map(|scenario| PossibleValue::new(scenario.name).help(scenario.about)),
    )
}

/// Those with these names; all without names.
pub(super) fn named(names: &[String]) -> Vec<Scenario> {
    let is_wanted =
        |scenario: &Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    all().into_iter().filter(is_wanted).collect()
}

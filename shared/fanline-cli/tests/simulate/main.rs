//! The simulations that need AWS: real store, outbox, relay and publisher on the engine, in a world that a seed decides.

use fanline_cli::simulate::{mails_on_dynamodb, orders, orders_in_any_order};
use fanline_testing::sim::Simulation;

#[test]
fn orders_keep_every_promise() {
    orders().assert(0..20);
}

#[test]
fn orders_keep_every_promise_in_any_order() {
    orders_in_any_order().assert(0..20);
}

#[test]
fn mails_keep_every_promise_on_dynamodb() {
    mails_on_dynamodb().assert(0..20);
}

/// SDK clients, ids, rows and the stream included.
#[test]
fn same_seed_gives_the_same_timeline() {
    fn same<App: Send + Sync + 'static>(simulation: &Simulation<App>) {
        for seed in 0..4 {
            let (one, other) = (simulation.run(seed), simulation.run(seed));
            assert!(one.counts.events > 0, "seed {seed}");
            assert_eq!(
                one.timeline.to_string(),
                other.timeline.to_string(),
                "seed {seed}"
            );
        }
    }
    same(&orders());
    same(&orders_in_any_order());
    same(&mails_on_dynamodb());
}

/// A row that is deleted before its event is published is lost by a crash in between.
#[cfg(feature = "broken")]
#[test]
fn relay_that_deletes_first_is_found_out() {
    use fanline_cli::simulate::{RelayOrder, orders_with};
    use fanline_testing::sim::Property;

    let broken = orders_with(RelayOrder::DeletesFirst);
    let failure = (0..300).find_map(|seed| broken.find_failure(seed));
    let failure = failure.expect("one of 300 seeds finds it");
    assert_eq!(
        failure.violation.property,
        Property::NothingLost,
        "{failure}"
    );
    println!("{failure}");
}

/// As many seeds as `FANLINE_SEEDS` says, from `FANLINE_FIRST_SEED`.
#[test]
#[ignore = "for a long look"]
fn many_seeds() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first: u64 = number("FANLINE_FIRST_SEED").unwrap_or(0);
    let count: u64 = number("FANLINE_SEEDS").unwrap_or(100);
    fn look<App: Send + Sync + 'static>(
        name: &str,
        simulation: &Simulation<App>,
        first: u64,
        count: u64,
    ) {
        let (mut messages, mut runs, mut failed) = (0, 0, 0);
        for seed in first..first + count {
            let run = simulation.try_seed(seed);
            messages += run.counts.messages;
            runs += run.counts.runs;
            if let Some(violation) = run.violations.first() {
                failed += 1;
                println!("{name} seed {seed}: {violation}");
            }
        }
        println!(
            "{name}: {count} seeds, {messages} messages, {runs} runs of handlers, {failed} failed"
        );
    }
    look("orders", &orders(), first, count);
    look("orders in any order", &orders_in_any_order(), first, count);
    look("mails", &mails_on_dynamodb(), first, count);
}

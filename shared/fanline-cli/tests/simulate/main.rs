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

//! The simulation itself: that it keeps its own promises.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod keys;
mod mapping;
mod mistakes;

use std::collections::BTreeSet;

use fanline_testing::sim::{Fault, Faults, Simulation, scenarios};

#[test]
fn seeds_of_each_scenario_keep_every_promise() {
    scenarios::signups().assert(0..15);
    scenarios::accounts().assert(0..15);
    scenarios::mails().assert(0..15);
}

#[test]
fn same_seed_gives_the_same_timeline_byte_for_byte() {
    fn assert_same<App: Send + Sync + 'static>(simulation: &Simulation<App>) {
        let mut timelines = BTreeSet::new();
        for seed in 0..5 {
            let (first, second) = (simulation.run(seed), simulation.run(seed));
            assert_eq!(first.timeline.to_string(), second.timeline.to_string());
            assert_eq!(first.timeline.to_svg(), second.timeline.to_svg());
            assert_eq!(first.faults, second.faults);
            assert!(first.timeline.steps().len() > 1_000);
            timelines.insert(first.timeline.to_string());
        }
        assert_eq!(timelines.len(), 5, "seeds differ");
    }
    assert_same(&scenarios::signups());
    assert_same(&scenarios::accounts());
}

#[tokio::test]
async fn simulations_run_inside_a_runtime_too() {
    let simulation = scenarios::mails();
    let alone = std::thread::spawn(|| scenarios::mails().try_seed(3));
    assert_eq!(simulation.try_seed(3).counts, alone.join().unwrap().counts);
}

#[test]
fn timeline_changes_nothing() {
    let simulation = scenarios::accounts();
    for seed in 0..10 {
        let (with, without) = (simulation.run(seed), simulation.try_seed(seed));
        assert_eq!(with.counts, without.counts);
        assert_eq!(with.faults, without.faults);
        assert_eq!(with.simulated, without.simulated);
    }
}

#[test]
fn without_faults_everything_is_done_once() {
    for seed in 0..10 {
        let run = scenarios::signups().faults(Faults::none()).try_seed(seed);
        assert_eq!(run.violations, []);
        let counts = run.counts;
        assert_eq!(
            (counts.messages, counts.receives, counts.runs),
            (300, 300, 300)
        );
        assert_eq!(counts.dead_letters, 0);
        assert_eq!(run.faults, []);
    }
}

#[test]
fn every_kind_of_fault_strikes() {
    let runs = (0..30).map(|seed| scenarios::signups().try_seed(seed));
    let struck: BTreeSet<Fault> = runs
        .flat_map(|run| run.faults)
        .map(|injected| injected.fault())
        .collect();
    assert_eq!(struck, BTreeSet::from(Fault::ALL));
}

#[test]
fn faults_keep_to_their_stretch() {
    let minute = std::time::Duration::from_secs(60);
    let faults = Faults::none()
        .with(Fault::FailingHandler, 0.5)
        .during(Fault::FailingHandler, 2 * minute..3 * minute);
    let runs = (0..20).map(|seed| scenarios::mails().faults(faults.clone()).try_seed(seed));
    let injected: Vec<_> = runs.flat_map(|run| run.faults).collect();
    assert!(!injected.is_empty());
    let in_time = |at| (2 * minute..3 * minute).contains(&at);
    assert!(injected.iter().all(|injected| in_time(injected.at())));
}

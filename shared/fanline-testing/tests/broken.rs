//! The checker, checked: each way to break the framework must be caught by the promise it breaks.

use fanline_testing::sim::{Broken, Property, Simulation, scenarios};

/// Seeds within which each must be caught; on average a few dozen are enough.
const SEEDS: u64 = 10_000;

fn assert_caught<App: Send + Sync + 'static>(
    simulation: Simulation<App>,
    broken: Broken,
    expected: &[Property],
) {
    let simulation = simulation.broken(broken);
    let caught = (0..SEEDS).find_map(|seed| {
        let violations = simulation.try_seed(seed).violations;
        violations
            .first()
            .map(|violation| (seed, violation.property))
    });
    let (seed, property) = caught.unwrap_or_else(|| panic!("{broken:?} is not caught"));
    println!("{broken:?}: caught by seed {seed}: {property}");
    assert!(expected.contains(&property), "{broken:?}: {property:?}");
}

#[test]
fn unfenced_complete() {
    assert_caught(
        scenarios::signups(),
        Broken::UnfencedComplete,
        &[Property::OneHolder],
    );
}

#[test]
fn release_forgotten() {
    assert_caught(
        scenarios::signups(),
        Broken::ReleaseForgotten,
        &[Property::NoLeaseLeft],
    );
}

#[test]
fn acknowledged_before_complete() {
    let expected = [Property::NotAcknowledgedTooEarly, Property::NoLeaseLeft];
    assert_caught(
        scenarios::signups(),
        Broken::AcknowledgedBeforeComplete,
        &expected,
    );
}

#[test]
fn marked_before_handled() {
    assert_caught(
        scenarios::signups(),
        Broken::MarkedBeforeHandled,
        &[Property::NotAgainOnceDone],
    );
}

#[test]
fn group_not_stopped() {
    assert_caught(
        scenarios::accounts(),
        Broken::GroupNotStopped,
        &[Property::GroupOrder],
    );
}

#[test]
fn retried_past_plan() {
    assert_caught(
        scenarios::signups(),
        Broken::RetriedPastPlan,
        &[Property::WithinPlan],
    );
}

#[test]
fn dead_letter_forgotten() {
    let expected = [Property::NotAcknowledgedTooEarly];
    assert_caught(scenarios::signups(), Broken::DeadLetterForgotten, &expected);
}

#[test]
fn committed_again() {
    let expected = [
        Property::EffectOnce,
        Property::Application,
        Property::NotAcknowledgedTooEarly,
    ];
    assert_caught(scenarios::signups(), Broken::CommittedAgain, &expected);
}

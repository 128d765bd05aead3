//! Calls that fail, answers that are lost, invocations that are killed.

use fanline::{
    Attempt, Envelope, Failure, Outcome, Worker,
    publish::{Publish, PublishError},
};
use fanline_testing::{Fault, Harness, RecordingPublisher, Step, crash_at};

use crate::rig::{OrderPaid, OrderPlaced, Rig, metrics, paid};

#[tokio::test(start_paused = true)]
async fn killed_at_every_await_the_effect_is_never_lost() {
    let mut deliveries = Vec::new();
    for wait in 1.. {
        let rig = Rig::new();
        let event = rig.order("o-1", 1);
        let first = crash_at(wait, rig.harness.deliver(&event)).await;
        if first.is_none() {
            assert_eq!(rig.harness.next_wait(), Some(Harness::VISIBILITY_TIMEOUT));
        }
        let outcomes = rig.harness.drain().await;
        deliveries.push((metrics(&outcomes), rig.charges().len()));
        assert!(!rig.harness.published::<OrderPaid>().is_empty(), "{wait}");
        assert_eq!(
            rig.harness.twice(&event).await,
            [Outcome::Duplicate, Outcome::Duplicate]
        );
        if first.is_some() {
            break;
        }
    }
    assert!(deliveries.len() >= 8, "{deliveries:?}");
    deliveries.dedup();
    let expected = [
        (vec!["succeeded"], 1), // before the handler had its effect
        (vec!["succeeded"], 2), // after that
        (vec!["duplicate"], 1), // after its success was recorded
        (vec![], 1),            // not at all
    ];
    assert_eq!(deliveries, expected);
}

#[tokio::test(start_paused = true)]
async fn whatever_call_fails_the_effect_is_never_lost() {
    let faults = [
        Fault::Before,
        Fault::After,
        Fault::HangBefore,
        Fault::HangAfter,
    ];
    let rig = Rig::new();
    rig.harness.deliver(&rig.order("o-1", 2)).await;
    rig.harness.drain().await;
    let calls = rig.harness.calls();
    let refused = [Step::Claim, Step::Settle, Step::ChangeVisibility];
    let paid = [Step::Claim, Step::Publish, Step::Settle];
    assert_eq!(calls, [refused, paid].concat());

    for number in 1..=calls.len() {
        for fault in faults {
            let rig = Rig::new();
            rig.harness.fault_at(number, fault);
            rig.harness.deliver(&rig.order("o-1", 2)).await;
            rig.harness.drain().await;
            assert_eq!(rig.harness.left(), 0);
            assert!(!rig.charges().is_empty(), "{fault:?} of call {number}");
            assert!(rig.harness.dead_letters().is_empty());
        }
    }
}

#[tokio::test]
async fn lost_answer_of_the_store_is_a_duplicate_next_time() {
    let rig = Rig::new();
    rig.harness.fault_at(Step::Settle, Fault::After);
    let outcome = rig.harness.deliver(&rig.order("o-1", 1)).await;
    assert_eq!(outcome.to_string(), "store_unavailable: injected fault");
    assert_eq!(rig.harness.drain().await, [Outcome::Duplicate]);
    assert_eq!(rig.charges(), ["o-1"]);
}

#[tokio::test]
async fn dead_letter_that_is_not_stored_comes_back() {
    let rig = Rig::new();
    rig.harness.fail_at(Step::SendDeadLetters);
    let outcome = rig.harness.deliver_body("not json").await;
    assert_eq!(outcome.metric(), "rejected");
    assert!(rig.harness.dead_letters().is_empty());
    assert_eq!(metrics(&rig.harness.drain().await), ["dead_lettered"]);
    assert_eq!(rig.harness.dead_letters().len(), 1);
}

#[tokio::test]
async fn publisher_that_fails_is_tried_again() {
    let rig = Rig::new();
    rig.harness.fail_at(2);
    let outcome = rig.harness.deliver(&rig.order("o-1", 1)).await;
    let reason = outcome.to_string();
    assert!(
        reason.starts_with("retried: 1 of 1 events not published; the first, ")
            && reason.ends_with(": injected fault"),
        "{reason}"
    );
    assert_eq!(rig.harness.drain().await, [Outcome::Succeeded]);
    assert_eq!(rig.charges(), ["o-1", "o-1"]);
    assert_eq!(rig.harness.published::<OrderPaid>().len(), 1);
}

#[tokio::test]
async fn later_calls_of_a_kind_can_fail_as_well() {
    let rig = Rig::new();
    rig.harness.fail_at(Step::Claim.nth(2));
    rig.harness.fault_at(Step::Claim.nth(2), Fault::After);
    let orders = ["o-1", "o-2", "o-3"].map(|id| rig.order(id, 1));
    let mut outcomes = Vec::new();
    for order in &orders {
        outcomes.push(rig.harness.deliver(order).await);
    }
    let expected = ["succeeded", "store_unavailable", "succeeded"];
    assert_eq!(metrics(&outcomes), expected);
}

#[tokio::test(start_paused = true)]
async fn twin_that_comes_while_the_first_runs_is_busy() {
    let rig = Rig::new();
    let event = rig.order("o-1", 1);
    // In each poll another of the two goes first.
    let both = tokio::join!(rig.harness.deliver(&event), rig.harness.deliver(&event));
    let mut both = metrics(&[both.0, both.1]);
    both.sort_unstable();
    assert_eq!(both, ["busy", "succeeded"]);
    assert_eq!(rig.harness.drain().await, [Outcome::Duplicate]);
    assert_eq!(rig.charges(), ["o-1"]);
}

#[tokio::test(start_paused = true)]
async fn handler_that_hangs_is_stopped_and_tried_again() {
    async fn hang(_: Envelope<OrderPlaced>, Attempt(attempt): Attempt) -> Result<(), Failure> {
        match attempt {
            1 => std::future::pending().await,
            _ => Ok(()),
        }
    }
    let rig = Rig::new();
    let harness = Harness::new(Worker::new(()).on(hang));
    let outcome = harness.deliver(&rig.order("o-1", 1)).await;
    assert!(outcome.to_string().contains("deadline"), "{outcome}");
    assert_eq!(harness.drain().await, [Outcome::Succeeded]);
}

#[tokio::test]
async fn publisher_can_fail_without_a_harness() {
    let recording = RecordingPublisher::new("bank");
    let publisher: &dyn Publish = &recording;
    recording.fault_at(1, Fault::After);
    let paid = publisher.event(paid("o-1"));
    let answer: Result<(), PublishError> = publisher.publish(&[paid]).await;
    assert!(!answer.unwrap_err().refused[0].is_final);
    assert_eq!(recording.events::<OrderPaid>().len(), 1);
}

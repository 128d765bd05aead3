//! Deliveries, redeliveries and what they leave behind.

use std::{sync::Arc, time::Duration};

use fanline::{Outcome, Unknown, Worker, dead_letter::Reason, dedup::Status};
use fanline_testing::{Harness, RecordingPublisher};

use crate::rig::{App, OrderPaid, OrderPlaced, Rig, charge, metrics, paid};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn duplicate_is_recognised_and_published_once() {
    let rig = Rig::new();
    let event = rig.order("o-1", 1);
    let outcomes = rig.harness.twice(&event).await;
    assert_eq!(outcomes, [Outcome::Succeeded, Outcome::Duplicate]);
    assert_eq!(rig.harness.outcomes(), outcomes);
    assert_eq!(rig.charges(), ["o-1"]);
    assert_eq!(rig.harness.left(), 0);

    let published = rig.harness.published::<OrderPaid>();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].data.order_id, "o-1");
    assert_eq!(published[0].metadata.source, "bank");
    assert_eq!(
        published[0].metadata.causation_id.as_deref(),
        Some(event.id())
    );
    assert!(rig.harness.published::<OrderPlaced>().is_empty());
    let records = rig.harness.records();
    let key = format!("worker#{}", event.id());
    assert_eq!(records[&key].status, Status::Done);
}

#[tokio::test(start_paused = true)]
async fn fails_twice_and_succeeds_after_the_planned_waits() {
    let rig = Rig::new();
    let outcome = rig.harness.deliver(&rig.order("o-1", 3)).await;
    assert_eq!(outcome.to_string(), "retried: the bank is closed");
    let mut waits = Vec::new();
    while let Some(wait) = rig.harness.next_wait() {
        assert!(rig.harness.redeliver().await.is_empty(), "before its time");
        rig.harness.advance(wait);
        waits.push((wait, rig.harness.redeliver().await.remove(0).metric()));
    }
    let [first, second] = waits.as_slice() else {
        panic!("{waits:?}");
    };
    assert_eq!(*first, (SECOND, "retried"));
    assert!(
        (SECOND..=5 * SECOND).contains(&second.0) && second.1 == "succeeded",
        "{second:?}"
    );
    assert_eq!(rig.charges(), ["o-1"]);
}

#[tokio::test(start_paused = true)]
async fn fifth_receive_makes_a_dead_letter_with_its_reason() {
    let rig = Rig::new();
    let event = rig.order("o-1", 99);
    let mut outcomes = vec![rig.harness.deliver(&event).await];
    outcomes.extend(rig.harness.drain().await);
    assert_eq!(
        metrics(&outcomes),
        ["retried", "retried", "retried", "retried", "dead_lettered"]
    );
    let letters = rig.harness.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason(), Some(Reason::AttemptsUsedUp));
    assert_eq!(letters[0].error(), Some("the bank is closed"));
    assert_eq!(letters[0].body, event.to_json());
    let note = letters[0].note.as_ref().unwrap();
    assert_eq!((note.attempts, note.failed_at), (5, rig.harness.now()));
    assert_eq!(rig.harness.left(), 0);
}

#[tokio::test]
async fn what_is_no_event_is_a_dead_letter_at_once() {
    let rig = Rig::new();
    let outcome = rig.harness.deliver_body("not json").await;
    assert_eq!(outcome.metric(), "dead_lettered");
    let letters = rig.harness.dead_letters();
    assert_eq!(letters[0].reason(), Some(Reason::Rejected));
    assert_eq!(letters[0].body, "not json");
}

/// Until it completes; the effect may have happened twice, and is never lost.
/// The store has the success, and nobody was told.
#[tokio::test]
async fn batch_has_an_outcome_for_each_and_runs_an_event_once() {
    let rig = Rig::new();
    let (first, late) = (rig.order("o-1", 1), rig.order("o-2", 2));
    let outcomes = rig
        .harness
        .deliver_all(&[first.clone(), late, first.clone()])
        .await;
    assert_eq!(metrics(&outcomes), ["succeeded", "retried", "duplicate"]);
    let paid = rig.harness.event(paid("o-1"));
    let mixed = [rig.harness.message(&paid), rig.harness.message(&first)];
    let outcomes = rig.harness.deliver_messages(mixed).await;
    assert_eq!(metrics(&outcomes), ["dead_lettered", "duplicate"]);
    assert_eq!(rig.harness.left(), 1, "the late one waits");
}

#[tokio::test]
async fn unknown_type_is_skipped_if_the_worker_says_so() {
    let rig = Rig::new();
    let app = App {
        publisher: Arc::new(RecordingPublisher::new("bank")),
        charges: Arc::default(),
    };
    let harness = Harness::new(Worker::new(app).on(charge).unknown(Unknown::Skip));
    let event = harness.event(paid("o-1"));
    assert_eq!(harness.deliver(&event).await.metric(), "skipped");
    assert!(rig.harness.redeliver().await.is_empty());
}

#[tokio::test]
#[should_panic(expected = "worker cannot run: it has no handler")]
async fn invalid_worker_is_told_of() {
    Harness::new(Worker::new(()));
}

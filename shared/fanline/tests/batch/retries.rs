//! What the queue is told of records that failed: dead letters with their reason, and waits.

use std::{sync::Arc, time::Duration};

use fanline::{
    Attribute, Batch, Message, Outcome, Processor, RetryPlan, System, Worker,
    dead_letter::{FailureNote, Reason, unpack},
    dedup::{Claim, ClaimAnswer, DedupStore, Status},
    planned,
};
use fanline_testing::{Fault, FaultyStore, MemoryQueue, message};

use crate::world::{Act, INVOCATION, World, leased, leased_message, outcomes, standard};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn failed(attempt: u32, act: Act) -> Message {
    Message {
        receive_count: attempt,
        ..leased_message("m-1", "e-1", act)
    }
}

/// Delivers the messages, as a FIFO queue with one group if so wished.
async fn deliver(
    world: &World,
    processor: &Processor,
    fifo: bool,
    messages: Vec<Message>,
) -> Vec<Outcome> {
    let in_group = |message| Message {
        group: fifo.then(|| "group-1".to_owned()),
        ..message
    };
    world.queue.put(messages.into_iter().map(in_group));
    let batch = Batch {
        fifo,
        ..standard(world.queue.receive())
    };
    outcomes(&world.process(processor, batch).await)
}

/// The outcome of one message and its wait, if it has one.
async fn one(world: &World, message: Message) -> (Outcome, Option<Duration>) {
    let id = message.id.clone();
    let mut outcomes = deliver(world, &world.processor(), false, vec![message]).await;
    (outcomes.remove(0), world.queue.waits().get(&id).copied())
}

fn with_dead_letters() -> World {
    World::with_queue(MemoryQueue::new())
}

fn note(world: &World) -> FailureNote {
    let letters = world.queue.dead_letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    unpack(letters[0].attributes.clone()).1.unwrap()
}

#[tokio::test(start_paused = true)]
async fn failures_wait_by_the_plan_and_the_fifth_is_a_dead_letter() {
    for (attempt, longest) in [
        (1, SECOND),
        (2, SECOND * 5),
        (3, SECOND * 30),
        (4, MINUTE * 5),
    ] {
        let world = with_dead_letters();
        let (outcome, wait) = one(&world, failed(attempt, Act::Fail)).await;
        assert_eq!(outcome.metric(), "retried");
        let wait = wait.unwrap();
        assert!(
            wait > Duration::ZERO && wait <= longest,
            "{attempt}: {wait:?}"
        );
        assert!(world.queue.dead_letters().is_empty());
    }
    let world = with_dead_letters();
    let (outcome, wait) = one(&world, failed(5, Act::Fail)).await;
    assert_eq!((outcome.metric(), wait), ("dead_lettered", None));
    let record = world.store.records().remove("consumer#e-1").unwrap();
    assert_eq!((record.status, record.attempts), (Status::Leased, 5));
    assert_eq!(record.last_error.as_deref(), Some("retried: did not work"));
}

#[tokio::test(start_paused = true)]
async fn dead_letter_says_why() {
    let world = with_dead_letters();
    let rejected = Message {
        attributes: [("type".to_owned(), Attribute::text("lease.used"))].into(),
        ..failed(2, Act::Reject)
    };
    world.system.advance(MINUTE);
    let (outcome, _) = one(&world, rejected.clone()).await;
    assert_eq!(outcome.to_string(), "dead_lettered: will never work");
    let expected = FailureNote {
        reason: Reason::Rejected,
        error: "will never work".to_owned(),
        handler: "consumer".to_owned(),
        event_type: Some("lease.used".to_owned()),
        event_id: Some("e-1".to_owned()),
        correlation_id: None,
        attempts: 2,
        first_seen: rejected.sent_at,
        failed_at: world.system.now(),
        source: "queue-1".to_owned(),
        message_id: "m-1".to_owned(),
        request_id: "request-1".to_owned(),
    };
    assert_eq!(note(&world), expected);
    let letter = world.queue.dead_letters().remove(0);
    assert_eq!(letter.body, rejected.body);
    assert_eq!(letter.attributes["type"], Attribute::text("lease.used"));
}

#[tokio::test(start_paused = true)]
async fn each_reason_is_told_apart() {
    let unknown = message("m-1", "not json");
    let cases = [
        (unknown, Reason::Rejected, None),
        (failed(5, Act::Panic), Reason::AttemptsUsedUp, Some("e-1")),
        (failed(9, Act::Hang), Reason::AttemptsUsedUp, Some("e-1")),
        (failed(5, Act::FindItDown), Reason::Unavailable, Some("e-1")),
    ];
    for (message, reason, event_id) in cases {
        let world = with_dead_letters();
        one(&world, message).await;
        let note = note(&world);
        assert_eq!(
            (note.reason, note.event_id.as_deref()),
            (reason, event_id),
            "{note:?}"
        );
    }

    let world = with_dead_letters();
    let (first, _) = one(&world, failed(1, Act::Succeed)).await;
    assert_eq!(first, Outcome::Succeeded);
    let (second, _) = one(&world, leased_message("m-2", "e-1", Act::TakeASecond)).await;
    assert_eq!(second.metric(), "dead_lettered");
    let note = note(&world);
    assert_eq!(note.reason, Reason::Conflict);
    assert_eq!(note.error, "idempotency key reused with other data");
}

/// Fault injection at the call that decides whether a message may be forgotten.
#[tokio::test(start_paused = true)]
async fn dead_letter_that_is_not_known_to_be_stored_is_reported() {
    for fault in [
        Fault::Before,
        Fault::After,
        Fault::HangBefore,
        Fault::HangAfter,
    ] {
        let world = World::with_queue(MemoryQueue::new().with_faults([fault]));
        let (outcome, _) = one(&world, failed(5, Act::Fail)).await;
        assert_eq!(outcome.metric(), "retried", "{fault:?}");
        let (outcome, _) = one(
            &world,
            Message {
                id: "m-2".to_owned(),
                ..failed(6, Act::Fail)
            },
        )
        .await;
        assert_eq!(outcome.metric(), "dead_lettered", "{fault:?}, next time");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_dead_letter_queue_everything_is_reported() {
    for message in [
        failed(5, Act::Fail),
        failed(1, Act::Reject),
        failed(8, Act::FindItDown),
    ] {
        let world = World::new();
        let (outcome, wait) = one(&world, message).await;
        assert!(
            !outcome.is_handled() && wait.unwrap() > Duration::ZERO,
            "{outcome}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn handler_and_circumstances_name_the_wait() {
    let world = with_dead_letters();
    let (outcome, wait) = one(&world, failed(1, Act::FailFor(77))).await;
    assert_eq!((outcome.metric(), wait), ("retried", Some(SECOND * 77)));

    let world = with_dead_letters();
    let (outcome, wait) = one(&world, failed(3, Act::FindItDown)).await;
    assert_eq!(outcome.metric(), "unavailable");
    assert!(
        (MINUTE * 8..=MINUTE * 16).contains(&wait.unwrap()),
        "{wait:?}"
    );

    // SQS keeps a message invisible for 12 hours at most.
    let world = with_dead_letters();
    let (_, wait) = one(&world, failed(1, Act::FailFor(86_400))).await;
    let hours = MINUTE * 60;
    assert!(
        (hours * 11..hours * 12).contains(&wait.unwrap()),
        "{wait:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn busy_record_comes_back_when_the_twins_lease_ends() {
    let world = with_dead_letters();
    let now = world.system.now();
    let claim = Claim {
        id: "consumer#e-1".to_owned(),
        owner: "twin".to_owned(),
        fingerprint: "twin's data".to_owned(),
        lease_until: now + SECOND * 40,
        expires_at: now + INVOCATION * 100,
    };
    assert_eq!(
        world.store.claim(&[claim], now).await,
        [ClaimAnswer::Claimed]
    );
    // Even at its last receive: the twin may succeed.
    let (outcome, wait) = one(&world, failed(5, Act::Succeed)).await;
    assert_eq!(outcome.metric(), "busy");
    assert!(
        (SECOND * 40..=SECOND * 42).contains(&wait.unwrap()),
        "{wait:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn store_that_is_down_is_an_outage_and_not_the_messages_fault() {
    let faults = [
        (vec![Fault::HangBefore], "claim without an answer"),
        (vec![Fault::Before], "claim"),
        (vec![Fault::None, Fault::Before], "completion"),
    ];
    for (faults, call) in faults {
        let world = with_dead_letters();
        let store = FaultyStore::new(Arc::new(world.store.clone()), faults);
        let processor = world.processor_with(world.worker(), Arc::new(store));
        deliver(&world, &processor, false, vec![failed(1, Act::Succeed)]).await;
        let wait = world.queue.waits()["m-1"];
        assert!((SECOND * 30..=MINUTE).contains(&wait), "{call}: {wait:?}");
    }
}

/// SQS would move it at its next receive, and not say why. Brought back it is recognised, if the
/// completion took effect.
#[tokio::test(start_paused = true)]
async fn success_that_cannot_be_recorded_at_the_last_attempt_is_a_dead_letter_of_the_outage() {
    let world = with_dead_letters();
    let faults = [Fault::None, Fault::After];
    let store = FaultyStore::new(Arc::new(world.store.clone()), faults);
    let processor = world.processor_with(world.worker(), Arc::new(store));
    let outcomes = deliver(&world, &processor, false, vec![failed(5, Act::Succeed)]).await;
    assert_eq!(outcomes[0].metric(), "dead_lettered");
    assert_eq!(note(&world).reason, Reason::Unavailable);
    let redriven = leased_message("m-2", "e-1", Act::Succeed);
    assert_eq!(one(&world, redriven).await.0, Outcome::Duplicate);
}

#[tokio::test(start_paused = true)]
async fn unattempted_record_comes_back_at_once() {
    let world = with_dead_letters();
    let processor = world.processor_of(1, Arc::new(world.store.clone()));
    let messages = vec![
        leased_message("m-1", "e-1", Act::Hang),
        leased_message("m-2", "e-2", Act::Succeed),
    ];
    let outcomes = deliver(&world, &processor, false, messages).await;
    assert_eq!(outcomes[1], Outcome::Unattempted);
    assert_eq!(world.queue.waits()["m-2"], Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn group_goes_on_behind_its_dead_letters() {
    let world = with_dead_letters();
    let act =
        |number: u32, act| leased_message(&format!("m-{number}"), &format!("e-{number}"), act);
    let messages = vec![
        act(1, Act::Reject),
        message("m-2", "not json"),
        act(3, Act::Succeed),
        Message {
            receive_count: 5,
            ..act(4, Act::Fail)
        },
        act(5, Act::Succeed),
        act(6, Act::Reject),
    ];
    let outcomes = deliver(&world, &world.processor(), true, messages).await;
    let metrics: Vec<_> = outcomes.iter().map(Outcome::metric).collect();
    let dead = "dead_lettered";
    assert_eq!(metrics, [dead, dead, "succeeded", dead, "succeeded", dead]);
    let letters = world.queue.dead_letters();
    let ids: Vec<_> = letters
        .iter()
        .map(|letter| letter.message_id.as_str())
        .collect();
    assert_eq!(ids, ["m-1", "m-2", "m-4", "m-6"]);
    assert!(
        letters
            .iter()
            .all(|letter| letter.group.as_deref() == Some("group-1"))
    );
    assert_eq!(*world.journal.effects.lock().unwrap(), ["e-3", "e-5"]);
}

#[tokio::test(start_paused = true)]
async fn group_whose_dead_letter_is_not_stored_stops_and_waits_as_one() {
    let world = World::with_queue(MemoryQueue::new().with_faults([Fault::Before, Fault::Before]));
    let messages = vec![
        leased_message("m-1", "e-1", Act::Reject),
        leased_message("m-2", "e-2", Act::Succeed),
        leased_message("m-3", "e-3", Act::Reject),
    ];
    let outcomes = deliver(&world, &world.processor(), true, messages).await;
    let metrics: Vec<_> = outcomes.iter().map(Outcome::metric).collect();
    assert_eq!(metrics, ["rejected", "unattempted", "unattempted"]);
    let waits = world.queue.waits();
    assert!(waits["m-1"] > Duration::ZERO);
    assert!(
        waits.values().all(|wait| *wait == waits["m-1"]),
        "{waits:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn handler_can_have_a_plan_of_its_own() {
    let world = with_dead_letters();
    let once = planned(leased, RetryPlan::new([]));
    let worker = || Worker::new(world.journal.clone());
    for (worker, expected) in [
        (worker().on(once), "dead_lettered"),
        (
            worker().on(leased).retry_plan(RetryPlan::new([])),
            "dead_lettered",
        ),
        (
            worker()
                .on(planned(leased, RetryPlan::default()))
                .retry_plan(RetryPlan::new([])),
            "retried",
        ),
    ] {
        let processor = world.processor_with(worker, Arc::new(world.store.clone()));
        let outcomes = deliver(&world, &processor, false, vec![failed(1, Act::Fail)]).await;
        assert_eq!(outcomes[0].metric(), expected);
    }
}

/// A batch without failures costs the queue nothing.
#[tokio::test(start_paused = true)]
async fn queue_is_not_asked_unless_something_failed() {
    let world = World::with_queue(MemoryQueue::new().with_faults([Fault::HangBefore]));
    let (outcome, wait) = one(&world, failed(1, Act::Succeed)).await;
    assert_eq!((outcome, wait), (Outcome::Succeeded, None));
}

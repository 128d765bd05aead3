//! Messages whose data is in a payload store.

use std::{sync::Arc, time::Duration};

use fanline::{
    Batch, Message, Outcome, Processor,
    claim_check::DataRef,
    dead_letter::{Reason, unpack},
    dedup::Status,
};
use fanline_testing::{Fault, MemoryPayloads, MemoryQueue};
use serde_json::{Value, json};

use crate::world::{Act, World, by_reference, leased_message, outcomes, standard};

/// What a batch may fetch here.
const MOST_BYTES: u64 = 60;

fn processor(world: &World, payloads: &MemoryPayloads) -> Processor {
    let payloads = Arc::new(payloads.clone());
    world.processor().payloads(payloads, MOST_BYTES)
}

fn referring(number: u32, act: Act, payloads: &MemoryPayloads) -> Message {
    let (message_id, event_id) = (format!("m-{number}"), format!("e-{number}"));
    let message = leased_message(&message_id, &event_id, act);
    by_reference(message, &event_id, payloads)
}

async fn processed(world: &World, processor: &Processor, messages: Vec<Message>) -> Vec<Outcome> {
    world.queue.put(messages);
    let batch = standard(world.queue.receive());
    outcomes(&world.process(processor, batch).await)
}

fn rejected(reason: &str) -> Outcome {
    let reason = reason.to_owned();
    Outcome::Rejected { reason }
}

fn unavailable(reason: &str) -> Outcome {
    let reason = format!("its data could not be fetched: {reason}");
    Outcome::Unavailable { reason }
}

#[tokio::test]
async fn handler_gets_the_data_and_a_copy_in_the_message_is_the_same_event() {
    let (world, payloads) = (World::new(), MemoryPayloads::default());
    let processor = processor(&world, &payloads);
    let message = referring(1, Act::Succeed, &payloads);
    assert!(!message.body.contains("Succeed"), "{}", message.body);
    let wrapped = json!({"Type": "Notification", "TopicArn": "arn", "Message": message.body});
    let first = processed(&world, &processor, vec![message]).await;
    assert_eq!(first, [Outcome::Succeeded]);
    assert_eq!(world.journal.effects_of("e-1"), 1);

    let inline = leased_message("m-2", "e-1", Act::Succeed);
    let wrapped = Message {
        body: wrapped.to_string(),
        ..referring(1, Act::Succeed, &payloads)
    };
    let again = processed(&world, &processor, vec![inline, wrapped]).await;
    assert_eq!(again, [Outcome::Duplicate, Outcome::Duplicate]);

    let inline = leased_message("m-3", "e-3", Act::Succeed);
    let twin = referring(3, Act::Succeed, &payloads);
    let both = processed(&world, &processor, vec![inline, twin]).await;
    assert_eq!(both, [Outcome::Succeeded, Outcome::Duplicate]);
    let fetched = payloads.calls();
    let inline = leased_message("m-4", "e-4", Act::Succeed);
    processed(&world, &processor, vec![inline]).await;
    assert_eq!(payloads.calls(), fetched, "nothing to fetch");
}

#[tokio::test(start_paused = true)]
async fn store_that_is_away_makes_its_messages_wait_as_in_an_outage() {
    for (fault, problem) in [
        (Fault::Before, "injected fault"),
        (
            Fault::HangBefore,
            "the payload store did not answer in time",
        ),
    ] {
        let world = World::with_queue(MemoryQueue::new());
        let payloads = MemoryPayloads::default().with_faults([fault]);
        let processor = processor(&world, &payloads);
        let messages = vec![
            referring(1, Act::Succeed, &payloads),
            leased_message("m-2", "e-2", Act::TakeASecond),
            referring(3, Act::Succeed, &payloads),
        ];
        let outcomes = processed(&world, &processor, messages).await;
        let expected = [unavailable(problem), Outcome::Succeeded, Outcome::Succeeded];
        assert_eq!(outcomes, expected);
        assert!(world.queue.waits()["m-1"] >= Duration::from_secs(30));
        assert!(world.queue.dead_letters().is_empty());
    }
}

#[tokio::test]
async fn what_cannot_be_its_data_is_rejected_with_a_reason() {
    let (world, payloads) = (World::new(), MemoryPayloads::default());
    let processor = processor(&world, &payloads);
    let message = referring(1, Act::Succeed, &payloads);
    let key = payloads.payloads().into_keys().next().unwrap();
    let not_its_data = "what is in the payload store is not its data: ";
    for (stored, problem) in [
        (
            r#"{"act":"Failure"}"#,
            "its SHA-256 is not the one in the message",
        ),
        (r#"{"act":"Fail"}"#, "it has 14 bytes, not 17"),
    ] {
        payloads.replace(&key, stored);
        let outcomes = processed(&world, &processor, vec![message.clone()]).await;
        assert_eq!(outcomes, [rejected(&format!("{not_its_data}{problem}"))]);
    }
    // As a publisher of another kind could do it.
    let data = "{\"act\": truncated";
    let mut body: Value = serde_json::from_str(&message.body).unwrap();
    let reference = DataRef::new("e-1", data);
    payloads.replace(reference.key(), data);
    body["dataRef"] = json!(reference);
    let broken = Message {
        body: body.to_string(),
        ..message.clone()
    };
    let outcomes = processed(&world, &processor, vec![broken]).await;
    assert_eq!(
        outcomes,
        [rejected(&format!("{not_its_data}it is not JSON"))]
    );

    payloads.forget();
    let outcomes = processed(&world, &processor, vec![message]).await;
    assert_eq!(
        outcomes,
        [rejected(
            "its data has expired or was never in this worker's payload store; the store must keep data for as long as queue and dead-letter queue keep messages"
        )]
    );
    assert!(world.store.records().is_empty());
}

#[tokio::test]
async fn worker_without_a_store_says_what_to_set() {
    let (world, payloads) = (World::new(), MemoryPayloads::default());
    let message = referring(1, Act::Succeed, &payloads);
    let outcomes = processed(&world, &world.processor(), vec![message]).await;
    assert_eq!(
        outcomes,
        [rejected(
            "its data is in a payload store and this worker has none; with fanline-aws, set FANLINE_PAYLOAD_BUCKET or FANLINE_PAYLOAD_TABLE to the publisher's"
        )]
    );
}

#[tokio::test]
async fn dead_letter_is_the_small_message() {
    let world = World::with_queue(MemoryQueue::new());
    let payloads = MemoryPayloads::default();
    let processor = processor(&world, &payloads);
    let message = referring(1, Act::Reject, &payloads);
    processed(&world, &processor, vec![message.clone()]).await;
    payloads.forget();
    let lost = referring(2, Act::Succeed, &MemoryPayloads::default());
    processed(&world, &processor, vec![lost.clone()]).await;
    let letters = world.queue.dead_letters();
    for (letter, message) in letters.iter().zip([message, lost]) {
        assert_eq!(letter.body, message.body);
        let note = unpack(letter.attributes.clone()).1.unwrap();
        assert_eq!(note.reason, Reason::Rejected);
        assert!(note.event_id.is_some());
    }
}

#[tokio::test]
async fn batch_fetches_no_more_than_its_share_and_few_at_once() {
    let (world, payloads) = (World::new(), MemoryPayloads::default());
    let processor = processor(&world, &payloads);
    // Of 17 bytes each.
    let messages = (1..=5).map(|number| referring(number, Act::Succeed, &payloads));
    let messages: Vec<_> = messages.collect();
    let outcomes = processed(&world, &processor, messages.clone()).await;
    assert_eq!(outcomes[..3], vec![Outcome::Succeeded; 3]);
    for (outcome, id) in outcomes[3..].iter().zip(["m-4", "m-5"]) {
        let text = outcome.to_string();
        assert!(text.starts_with("retried: its data has no room"), "{text}");
        let wait = world.queue.waits()[id];
        assert!(wait <= Duration::from_secs(30), "{wait:?}");
    }
    let rest = standard(messages[3..].to_vec());
    let outcomes = self::outcomes(&world.process(&processor, rest).await);
    assert_eq!(outcomes, [Outcome::Succeeded, Outcome::Succeeded]);

    let mut body: Value = serde_json::from_str(&messages[0].body).unwrap();
    body["dataRef"]["bytes"] = json!(MOST_BYTES + 1);
    let large = Message {
        body: body.to_string(),
        ..messages[0].clone()
    };
    let calls = payloads.calls();
    let outcomes = processed(&world, &processor, vec![large]).await;
    let reason = "its data has 61 bytes, this worker takes 60 a batch; give it more memory or publish less in one event";
    assert_eq!(outcomes, [rejected(reason)]);
    assert_eq!(payloads.calls(), calls, "nothing is fetched to find out");

    let processor = world
        .processor()
        .payloads(Arc::new(payloads.clone()), 10_000);
    let many = (10..30).map(|number| referring(number, Act::Succeed, &payloads));
    processed(&world, &processor, many.collect()).await;
    assert_eq!(payloads.most_calls_at_once(), 4);
}

/// Poison is out of the way, what waits keeps its group waiting.
#[tokio::test]
async fn fifo_group_waits_for_data_and_passes_what_is_lost() {
    let world = World::with_queue(MemoryQueue::new());
    let payloads = MemoryPayloads::default();
    let processor = processor(&world, &payloads);
    let in_group = |message| Message {
        group: Some("g".to_owned()),
        ..message
    };
    let lost = referring(1, Act::Succeed, &MemoryPayloads::default());
    let messages = [lost, referring(2, Act::Succeed, &payloads)];
    world.queue.put(messages.map(in_group));
    let fifo = |messages| Batch {
        fifo: true,
        ..standard(messages)
    };
    let report = world.process(&processor, fifo(world.queue.receive())).await;
    let found = outcomes(&report);
    assert!(
        matches!(found[0], Outcome::DeadLettered { .. }),
        "{found:?}"
    );
    assert_eq!(found[1], Outcome::Succeeded);

    let payloads = payloads.with_faults([Fault::Before]);
    let messages = [
        referring(3, Act::Succeed, &payloads),
        leased_message("m-4", "e-4", Act::Succeed),
    ];
    let report = world.process(&processor, fifo(messages.map(in_group).into()));
    let found = outcomes(&report.await);
    assert_eq!(found, [unavailable("injected fault"), Outcome::Unattempted]);
    let records = world.store.records();
    assert_eq!(records["consumer#e-2"].status, Status::Done);
    assert_eq!(world.journal.effects_of("e-4"), 0);
}

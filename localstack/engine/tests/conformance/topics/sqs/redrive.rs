//! Dead-letter queues: which messages go there, and what they keep.

use crate::case::{Case, Outcome, case};
use crate::check::{equal, some};
use crate::document::*;
use crate::fixture::{bodies, redrive_policy, system_attribute};
use crate::target::Target;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    case!(
        "dlq-after-max-receive-count",
        "A message received more often than maxReceiveCount goes to the dead-letter queue.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(2).await?;
            target.send(&source, "poison").await?;
            for _ in 0..2 {
                let message = target.receive_one(&source).await?;
                target.expect_empty(&dead_letters).await?;
                target.hide(&source, &message, 0).await?;
            }
            target.expect_empty(&source).await?;
            let body = target.receive_one(&dead_letters).await?.body;
            equal("the body", body.as_deref(), Some("poison"))
        }
    ),
    case!(
        "dlq-not-while-it-can-succeed",
        "A message deleted at its last allowed receive does not go to the dead-letter queue.",
        DEAD_LETTER_QUEUES,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            target.send(&source, "x").await?;
            let message = target.receive_one(&source).await?;
            target.delete(&source, &message).await?;
            target.expect_empty(&source).await?;
            target.expect_empty(&dead_letters).await
        }
    ),
    case!(
        "dlq-keeps-message-and-attributes",
        "A dead letter keeps its body and message attributes.",
        DEAD_LETTER_QUEUES,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            let value = crate::fixture::text("v")?;
            let call = target
                .sending(&source, "x")
                .message_attributes("k", value.clone());
            call.send().await?;
            let letter = exhaust(&target, &source, &dead_letters).await?;
            equal("the body", letter.body(), Some("x"))?;
            let attributes = letter.message_attributes().cloned().unwrap_or_default();
            equal("k", attributes.get("k"), Some(&value))
        }
    ),
    case!(
        "dlq-keeps-message-id",
        "A dead letter is the same message.",
        DEAD_LETTER_QUEUES,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            let sent = target.send(&source, "x").await?;
            let letter = exhaust(&target, &source, &dead_letters).await?;
            equal("the id", letter.message_id(), sent.message_id())
        }
    )
    .open("Whether it keeps its id: it does."),
    case!(
        "dlq-source-arn",
        "A dead letter shows the queue it comes from as DeadLetterQueueSourceArn.",
        SQS_MESSAGE,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            target.send(&source, "x").await?;
            let letter = exhaust(&target, &source, &dead_letters).await?;
            let arn = target.arn_of(&source).await?;
            let name = "DeadLetterQueueSourceArn";
            equal(name, system_attribute(&letter, name)?, arn.as_str())
        }
    ),
    case!(
        "dlq-receive-count-goes-on",
        "ApproximateReceiveCount counts the receives across all queues.",
        RECEIVE_MESSAGE,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            target.send(&source, "x").await?;
            let letter = exhaust(&target, &source, &dead_letters).await?;
            let count = system_attribute(&letter, "ApproximateReceiveCount")?;
            equal("ApproximateReceiveCount", count, "2")
        }
    ),
    case!(
        "dlq-sent-timestamp-stays",
        "A dead letter of a standard queue keeps the time it was sent.",
        DEAD_LETTER_RETENTION,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            target.send(&source, "x").await?;
            let first = target.receive_one(&source).await?;
            target.hide(&source, &first, 0).await?;
            target.pass_seconds(2).await;
            target.expect_empty(&source).await?;
            let letter = target.receive_one(&dead_letters).await?;
            let name = "SentTimestamp";
            equal(
                name,
                system_attribute(&letter, name)?,
                system_attribute(&first, name)?,
            )
        }
    )
    .takes(2),
    case!(
        "dlq-retention-counts-from-the-original",
        "A dead letter of a standard queue expires by the time it was first sent.",
        DEAD_LETTER_RETENTION,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            target
                .set(&dead_letters, "MessageRetentionPeriod", "120")
                .await?;
            target.send(&source, "x").await?;
            let message = target.receive_one(&source).await?;
            target.hide(&source, &message, 0).await?;
            target.pass(Duration::from_secs(60)).await;
            target.expect_empty(&source).await?;
            target.pass(Duration::from_secs(61)).await;
            target.expect_empty(&dead_letters).await
        }
    )
    .takes(121),
    case!(
        "dlq-fifo-retention-starts-anew",
        "On FIFO queues the enqueue time starts anew when a message becomes a dead letter.",
        DEAD_LETTER_RETENTION,
        |target| {
            let (source, dead_letters) = fifo_pair(&target, 1).await?;
            target
                .set(&dead_letters, "MessageRetentionPeriod", "120")
                .await?;
            target.send_to_group(&source, "g", "x").await?;
            let message = target.receive_one(&source).await?;
            target.hide(&source, &message, 0).await?;
            target.pass(Duration::from_secs(60)).await;
            target.expect_empty(&source).await?;
            target.pass(Duration::from_secs(61)).await;
            target.receive_one(&dead_letters).await?;
            Ok(())
        }
    )
    .takes(121),
    case!(
        "dlq-fifo-unblocks-the-group",
        "Once a message has become a dead letter, its group goes on with the next.",
        DEAD_LETTER_QUEUES,
        |target| {
            let (source, dead_letters) = fifo_pair(&target, 1).await?;
            for body in ["poison", "next"] {
                target.send_to_group(&source, "g", body).await?;
            }
            let one = || target.receiving(&source).max_number_of_messages(1).send();
            let first = one().await?;
            equal("first", bodies(first.messages()), vec!["poison"])?;
            let first = some("the first message", first.messages().first())?;
            target.expect_empty(&source).await?;
            target.hide(&source, first, 0).await?;
            let mut second = Vec::new();
            for _ in 0..3 {
                second.extend(one().await?.messages.unwrap_or_default());
            }
            equal("second", bodies(&second), vec!["next"])?;
            equal(
                "dead",
                target.receive_one(&dead_letters).await?.body(),
                Some("poison"),
            )
        }
    ),
    case!(
        "dlq-fifo-deduplication-id-is-replaced",
        "A message moved from a FIFO queue to its DLQ gets its message id as deduplication id.",
        REDRIVE,
        |target| {
            let (source, dead_letters) = fifo_pair(&target, 1).await?;
            let sent = target.send_to_group(&source, "g", "x").await?;
            let letter = exhaust(&target, &source, &dead_letters).await?;
            let id = system_attribute(&letter, "MessageDeduplicationId")?;
            equal("MessageDeduplicationId", Some(id), sent.message_id())
        }
    ),
    case!(
        "dlq-policy-removed",
        "Without its redrive policy a queue keeps its messages however often they are received.",
        DEAD_LETTER_QUEUES,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            target.set(&source, "RedrivePolicy", "").await?;
            target.send(&source, "x").await?;
            for _ in 0..3 {
                let message = target.receive_one(&source).await?;
                target.hide(&source, &message, 0).await?;
            }
            target.expect_empty(&dead_letters).await
        }
    )
    .open("How a policy is removed through the API: by an empty value."),
];

/// A FIFO queue that buries messages after `most` receives, and its dead-letter queue.
async fn fifo_pair(target: &Target, most: u32) -> Outcome<(String, String)> {
    let dead_letters = target.fifo_queue("dlq", &[]).await?;
    let policy = redrive_policy(&target.arn_of(&dead_letters).await?, most);
    let source = target
        .fifo_queue("source", &[("RedrivePolicy", &policy)])
        .await?;
    Ok((source, dead_letters))
}

/// Receives the one message of a source with `maxReceiveCount` 1 until it is a dead letter.
async fn exhaust(
    target: &Target,
    source: &str,
    dead_letters: &str,
) -> Outcome<aws_sdk_sqs::types::Message> {
    let message = target.receive_one(source).await?;
    target.hide(source, &message, 0).await?;
    target.expect_empty(source).await?;
    target.receive_one(dead_letters).await
}

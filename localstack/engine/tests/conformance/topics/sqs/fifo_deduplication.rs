//! FIFO queues: what counts as the same message, and for how long.

use crate::case::{Case, case};
use crate::check::{equal, rejected, some};
use crate::document::*;
use crate::fixture::{bodies, system_attribute, text};
use std::time::Duration;

/// SHA-256 of "body".
const HASH_OF_BODY: &str = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";

const HIGH_THROUGHPUT: [(&str, &str); 2] = [
    ("DeduplicationScope", "messageGroup"),
    ("FifoThroughputLimit", "perMessageGroupId"),
];

pub(super) const CASES: &[Case] = &[
    case!(
        "dedup-accepted-not-delivered",
        "A second message with one MessageDeduplicationId is accepted but not delivered.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for body in ["first", "second"] {
                let call = target.sending(&url, body).message_group_id("g");
                call.message_deduplication_id("same").send().await?;
            }
            equal(
                "the bodies",
                bodies(&target.receive(&url).await?),
                vec!["first"],
            )
        }
    ),
    case!(
        "dedup-answers-with-the-original",
        "A duplicate is accepted successfully.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let first = target.send_to_group(&url, "g", "same").await?;
            let second = target.send_to_group(&url, "g", "same").await?;
            equal("MessageId", second.message_id, first.message_id)?;
            equal(
                "SequenceNumber",
                second.sequence_number,
                first.sequence_number,
            )
        }
    )
    .open("Which ids it answers with: those of the original."),
    case!(
        "dedup-5-minutes",
        "The deduplication interval is 5 minutes.",
        FIFO_EXACTLY_ONCE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let send = async || target.send_to_group(&url, "g", "same").await;
            send().await?;
            let message = target.receive_one(&url).await?;
            target.delete(&url, &message).await?;
            target.pass(Duration::from_secs(299)).await;
            send().await?;
            target.expect_empty(&url).await?;
            target.pass(Duration::from_secs(2)).await;
            send().await?;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(301),
    case!(
        "dedup-survives-deletion",
        "A MessageDeduplicationId is kept track of even after the message was received and deleted.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            target.send_to_group(&url, "g", "same").await?;
            let message = target.receive_one(&url).await?;
            target.delete(&url, &message).await?;
            target.send_to_group(&url, "g", "same").await?;
            target.expect_empty(&url).await
        }
    ),
    case!(
        "dedup-id-required",
        "Without content-based deduplication a MessageDeduplicationId is required.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            rejected(target.sending(&url, "x").message_group_id("g").send().await)
        }
    ),
    case!(
        "dedup-by-content",
        "Content-based deduplication takes messages with one body for one, whatever their attributes.",
        SEND_MESSAGE,
        |target| {
            let url = target
                .fifo_queue("q", &[("ContentBasedDeduplication", "true")])
                .await?;
            for value in ["1", "2"] {
                let call = target.sending(&url, "body").message_group_id("g");
                call.message_attributes("k", text(value)?).send().await?;
            }
            equal(
                "the bodies",
                bodies(&target.receive(&url).await?),
                vec!["body"],
            )
        }
    ),
    case!(
        "dedup-by-content-uses-sha-256",
        "Content-based deduplication makes the id from the SHA-256 hash of the body.",
        SEND_MESSAGE,
        |target| {
            let url = target
                .fifo_queue("q", &[("ContentBasedDeduplication", "true")])
                .await?;
            target
                .sending(&url, "body")
                .message_group_id("g")
                .send()
                .await?;
            let call = target.sending(&url, "other").message_group_id("g");
            call.message_deduplication_id(HASH_OF_BODY).send().await?;
            let received = target.receive(&url).await?;
            equal("the bodies", bodies(&received), vec!["body"])?;
            let message = some("the message", received.first())?;
            let id = system_attribute(message, "MessageDeduplicationId")?;
            equal("MessageDeduplicationId", id, HASH_OF_BODY)
        }
    ),
    case!(
        "dedup-id-goes-before-content",
        "A MessageDeduplicationId given goes before the one made from the content.",
        SEND_MESSAGE,
        |target| {
            let url = target
                .fifo_queue("q", &[("ContentBasedDeduplication", "true")])
                .await?;
            for id in ["1", "2"] {
                let call = target.sending(&url, "body").message_group_id("g");
                call.message_deduplication_id(id).send().await?;
            }
            equal("messages", target.receive(&url).await?.len(), 2)
        }
    ),
    case!(
        "dedup-scope-queue",
        "By default an id is a duplicate in the whole queue, whatever the group.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            target.send_to_group(&url, "one", "same").await?;
            target.send_to_group(&url, "two", "same").await?;
            equal("messages", target.receive(&url).await?.len(), 1)
        }
    ),
    case!(
        "dedup-scope-message-group",
        "With DeduplicationScope messageGroup an id is a duplicate only within its group.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.fifo_queue("q", &HIGH_THROUGHPUT).await?;
            for group in ["one", "two", "two"] {
                target.send_to_group(&url, group, "same").await?;
            }
            equal("messages", target.receive(&url).await?.len(), 2)
        }
    ),
    case!(
        "dedup-scope-shown",
        "A FIFO queue shows the attributes of high throughput it was given.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            equal(
                "scope",
                target.attribute(&url, "DeduplicationScope").await?,
                "queue",
            )?;
            equal(
                "limit",
                target.attribute(&url, "FifoThroughputLimit").await?,
                "perQueue",
            )?;
            let mut call = target.sqs.set_queue_attributes().queue_url(&url);
            for (name, value) in HIGH_THROUGHPUT {
                call = call.attributes(name.into(), value);
            }
            call.send().await?;
            for (name, value) in HIGH_THROUGHPUT {
                equal(name, target.attribute(&url, name).await?, value)?;
            }
            Ok(())
        }
    ),
    case!(
        "dedup-throughput-needs-scope",
        "FifoThroughputLimit perMessageGroupId is allowed only with DeduplicationScope messageGroup.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let call = target.sqs.set_queue_attributes().queue_url(&url);
            let call = call.attributes("FifoThroughputLimit".into(), "perMessageGroupId");
            rejected(call.send().await)
        }
    ),
    case!(
        "dedup-scope-values",
        "DeduplicationScope is messageGroup or queue, FifoThroughputLimit perQueue or perMessageGroupId.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for name in ["DeduplicationScope", "FifoThroughputLimit"] {
                let call = target.sqs.set_queue_attributes().queue_url(&url);
                rejected(call.attributes(name.into(), "other").send().await)?;
            }
            Ok(())
        }
    ),
    case!(
        "dedup-of-a-batch",
        "Duplicates within one batch are accepted, and one of them is delivered.",
        FIFO_EXACTLY_ONCE,
        |target| {
            use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
            let url = target.fifo_queue("q", &[]).await?;
            let entry = |id: &str| {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(id)
                    .message_body(id);
                let entry = entry.message_group_id("g").message_deduplication_id("same");
                entry.build()
            };
            let call = target.sqs.send_message_batch().queue_url(&url);
            let answer = call
                .entries(entry("a")?)
                .entries(entry("b")?)
                .send()
                .await?;
            equal("successful", answer.successful().len(), 2)?;
            equal(
                "the bodies",
                bodies(&target.receive(&url).await?),
                vec!["a"],
            )
        }
    ),
    case!(
        "dedup-id-on-standard-queue",
        "MessageDeduplicationId applies only to FIFO queues.",
        SEND_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sending(&url, "x").message_deduplication_id("d");
            rejected(call.send().await)
        }
    )
    .open("Whether it is ignored or refused on a standard queue: it is refused."),
];

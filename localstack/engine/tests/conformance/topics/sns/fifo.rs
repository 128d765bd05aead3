//! FIFO topics: order and deduplication from the publisher to the queues.

use crate::case::{Case, Outcome, case};
use crate::check::{ensure, equal, refused, rejected, some};
use crate::document::*;
use crate::fixture::{Pairs, bodies, sns_attribute, system_attribute};
use crate::target::Target;
use aws_sdk_sns::types::PublishBatchRequestEntry;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    case!(
        "fifo-topic-name",
        "The name of a FIFO topic ends in .fifo.",
        CREATE_TOPIC,
        |target| {
            let call = target.sns.create_topic().name(target.name("t"));
            refused(
                call.attributes("FifoTopic", "true").send().await,
                "InvalidParameter",
            )
        }
    ),
    case!(
        "fifo-topic-order",
        "Messages of a group reach a FIFO queue in the order they were published.",
        SNS_FIFO_ORDERING,
        |target| {
            let (topic, queue) = fifo_pair(&target, &[]).await?;
            for message in ["z", "m", "a"] {
                publish(&target, &topic, "g", message).await?;
            }
            let received = target.receive_all(&queue, 3).await?;
            equal("the bodies", bodies(&received), vec!["z", "m", "a"])
        }
    ),
    case!(
        "fifo-topic-group-reaches-the-queue",
        "Group and deduplication id of a publication reach the FIFO queue.",
        SNS_FIFO_GROUPING,
        |target| {
            let (topic, queue) = fifo_pair(&target, &[]).await?;
            publish(&target, &topic, "g", "d").await?;
            let message = target.receive_one(&queue).await?;
            equal("group", system_attribute(&message, "MessageGroupId")?, "g")?;
            let id = system_attribute(&message, "MessageDeduplicationId")?;
            equal("deduplication id", id, "d")
        }
    ),
    case!(
        "fifo-topic-group-required",
        "Every message to a FIFO topic must include a MessageGroupId.",
        PUBLISH,
        |target| {
            let topic = target.fifo_topic("t", &[]).await?;
            let call = target.publishing(&topic, "x").message_deduplication_id("d");
            refused(call.send().await, "InvalidParameter")
        }
    ),
    case!(
        "fifo-topic-deduplication-id-required",
        "Without content-based deduplication a MessageDeduplicationId is required.",
        PUBLISH,
        |target| {
            let topic = target.fifo_topic("t", &[]).await?;
            let call = target.publishing(&topic, "x").message_group_id("g");
            refused(call.send().await, "InvalidParameter")
        }
    ),
    case!(
        "fifo-topic-sequence-numbers",
        "A FIFO topic answers with sequence numbers that increase.",
        PUBLISH,
        |target| {
            let topic = target.fifo_topic("t", &[]).await?;
            let first = publish(&target, &topic, "g", "a").await?;
            let second = publish(&target, &topic, "g", "b").await?;
            let number = |text: &str| text.parse::<u128>().ok();
            ensure(
                number(&first) < number(&second) && number(&first).is_some(),
                || format!("{first}, then {second}"),
            )
        }
    ),
    case!(
        "fifo-topic-notification",
        "A wrapped notification of a FIFO topic carries its SequenceNumber.",
        SNS_FIFO_ORDERING,
        |target| {
            let topic = target.fifo_topic("t", &[]).await?;
            let queue = target.fifo_queue("q", &[]).await?;
            target.subscribe(&topic, &queue, &[]).await?;
            let number = publish(&target, &topic, "g", "x").await?;
            let found = target.notification(&queue).await?;
            equal("SequenceNumber", &found["SequenceNumber"], number.as_str())
        }
    ),
    case!(
        "fifo-topic-deduplication",
        "A second message with one MessageDeduplicationId is accepted but not delivered.",
        SNS_FIFO_DEDUPLICATION,
        |target| {
            let (topic, queue) = fifo_pair(&target, &[]).await?;
            for message in ["first", "second"] {
                let call = target.publishing(&topic, message).message_group_id("g");
                call.message_deduplication_id("same").send().await?;
            }
            let received = target.receive_all(&queue, 1).await?;
            equal("the bodies", bodies(&received), vec!["first"])
        }
    ),
    case!(
        "fifo-topic-deduplication-5-minutes",
        "A FIFO topic deduplicates within 5 minutes.",
        SNS_FIFO_DEDUPLICATION,
        |target| {
            let (topic, queue) = fifo_pair(&target, &[]).await?;
            for expected in [1, 0] {
                publish(&target, &topic, "g", "same").await?;
                let received = target.receive_all(&queue, expected).await?;
                equal("messages", received.len(), expected)?;
                for message in &received {
                    target.delete(&queue, message).await?;
                }
            }
            target.pass(Duration::from_secs(301)).await;
            publish(&target, &topic, "g", "same").await?;
            equal(
                "after 5 minutes",
                target.receive_all(&queue, 1).await?.len(),
                1,
            )
        }
    )
    .takes(302),
    case!(
        "fifo-topic-content-deduplication",
        "With ContentBasedDeduplication one body is one message, whatever its attributes.",
        PUBLISH,
        |target| {
            let (topic, queue) =
                fifo_pair(&target, &[("ContentBasedDeduplication", "true")]).await?;
            for value in ["1", "2"] {
                let call = target.publishing(&topic, "body").message_group_id("g");
                let value = sns_attribute("String", value)?;
                call.message_attributes("k", value).send().await?;
            }
            let received = target.receive_all(&queue, 1).await?;
            equal("the bodies", bodies(&received), vec!["body"])
        }
    ),
    case!(
        "fifo-topic-scope-topic",
        "With FifoThroughputScope Topic an id is a duplicate in the whole topic.",
        PUBLISH,
        |target| {
            let (topic, queue) = fifo_pair(&target, &[("FifoThroughputScope", "Topic")]).await?;
            publish(&target, &topic, "one", "same").await?;
            publish(&target, &topic, "two", "same").await?;
            equal("messages", target.receive_all(&queue, 1).await?.len(), 1)
        }
    ),
    case!(
        "fifo-topic-scope-message-group",
        "With FifoThroughputScope MessageGroup an id is a duplicate only within its group.",
        PUBLISH,
        |target| {
            let topic = target
                .fifo_topic("t", &[("FifoThroughputScope", "MessageGroup")])
                .await?;
            let scope = [("DeduplicationScope", "messageGroup")];
            let queue = target.fifo_queue("q", &scope).await?;
            target
                .subscribe(&topic, &queue, &[("RawMessageDelivery", "true")])
                .await?;
            for group in ["one", "two", "two"] {
                publish(&target, &topic, group, "same").await?;
            }
            equal("messages", target.receive_all(&queue, 2).await?.len(), 2)
        }
    ),
    case!(
        "fifo-topic-to-standard-queue",
        "A FIFO topic delivers to standard queues too.",
        SNS_FIFO_DELIVERY,
        |target| {
            let topic = target.fifo_topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            target
                .subscribe(&topic, &queue, &[("RawMessageDelivery", "true")])
                .await?;
            publish(&target, &topic, "g", "x").await?;
            equal(
                "the body",
                target.receive_one(&queue).await?.body(),
                Some("x"),
            )
        }
    ),
    case!(
        "fifo-queue-on-standard-topic",
        "A FIFO queue cannot subscribe to a standard topic.",
        SNS_FIFO_DELIVERY,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.fifo_queue("q", &[]).await?;
            let call = target.sns.subscribe().topic_arn(&topic).protocol("sqs");
            rejected(call.endpoint(target.arn_of(&queue).await?).send().await)
        }
    )
    .open("The page does not say so; AWS's error does: FIFO queues can not be subscribed to standard topics."),
    case!(
        "fifo-topic-protocols",
        "Subscribing an email address or an HTTP endpoint to a FIFO topic is refused.",
        SNS_FIFO_DELIVERY,
        |target| {
            let topic = target.fifo_topic("t", &[]).await?;
            for (protocol, endpoint) in [
                ("email", "someone@example.com"),
                ("https", "https://example.com/hook"),
            ] {
                let call = target.sns.subscribe().topic_arn(&topic).protocol(protocol);
                refused(call.endpoint(endpoint).send().await, "InvalidParameter")?;
            }
            Ok(())
        }
    ),
    case!(
        "fifo-topic-filter",
        "FIFO topics filter as standard topics do; what passes keeps its order.",
        SNS_FIFO_DELIVERY,
        |target| {
            let topic = target.fifo_topic("t", &[]).await?;
            let queue = target.fifo_queue("q", &[]).await?;
            let attributes = [
                ("RawMessageDelivery", "true"),
                ("FilterPolicy", r#"{"k": ["a"]}"#),
            ];
            target.subscribe(&topic, &queue, &attributes).await?;
            for (message, value) in [("1", "a"), ("2", "b"), ("3", "a")] {
                let call = target.publishing(&topic, message).message_group_id("g");
                let call = call.message_deduplication_id(message);
                let value = sns_attribute("String", value)?;
                call.message_attributes("k", value).send().await?;
            }
            let received = target.receive_all(&queue, 2).await?;
            equal("the bodies", bodies(&received), vec!["1", "3"])
        }
    ),
    case!(
        "fifo-topic-batch",
        "A batch is published in its order and deduplicated within itself.",
        PUBLISH_BATCH,
        |target| {
            let (topic, queue) = fifo_pair(&target, &[]).await?;
            let mut call = target.sns.publish_batch().topic_arn(&topic);
            for (id, deduplication) in [("z", "1"), ("m", "2"), ("again", "1"), ("a", "3")] {
                let entry = PublishBatchRequestEntry::builder().id(id).message(id);
                let entry = entry
                    .message_group_id("g")
                    .message_deduplication_id(deduplication);
                call = call.publish_batch_request_entries(entry.build()?);
            }
            let answer = call.send().await?;
            equal("successful", answer.successful().len(), 4)?;
            let received = target.receive_all(&queue, 3).await?;
            equal("the bodies", bodies(&received), vec!["z", "m", "a"])
        }
    ),
    case!(
        "fifo-topic-id-bounds",
        "MessageGroupId and MessageDeduplicationId have up to 128 letters, digits and punctuation.",
        PUBLISH,
        |target| {
            let topic = target.fifo_topic("t", &[]).await?;
            let publish = |group: &str, deduplication: &str| {
                let call = target.publishing(&topic, "x").message_group_id(group);
                call.message_deduplication_id(deduplication).send()
            };
            let longest = "x".repeat(128);
            publish(&longest, &longest).await?;
            for id in [format!("{longest}x"), "with space".into()] {
                refused(publish(&id, "d").await, "InvalidParameter")?;
                refused(publish("g", &id).await, "InvalidParameter")?;
            }
            Ok(())
        }
    ),
];

/// A FIFO topic and a FIFO queue that gets its messages raw.
async fn fifo_pair(target: &Target, attributes: Pairs<'_>) -> Outcome<(String, String)> {
    let topic = target.fifo_topic("t", attributes).await?;
    let queue = target.fifo_queue("q", &[]).await?;
    let raw = [("RawMessageDelivery", "true")];
    target.subscribe(&topic, &queue, &raw).await?;
    Ok((topic, queue))
}

/// Publishes a message that is its own deduplication id; its sequence number.
async fn publish(target: &Target, topic: &str, group: &str, message: &str) -> Outcome<String> {
    let call = target.publishing(topic, message).message_group_id(group);
    let published = call.message_deduplication_id(message).send().await?;
    some("SequenceNumber", published.sequence_number)
}

//! FIFO queues: order within a group, groups beside each other.

use crate::case::{Case, case};
use crate::check::{equal, rejected, some};
use crate::document::*;
use crate::fixture::{bodies, handle};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

pub(super) const CASES: &[Case] = &[
    case!(
        "fifo-order",
        "Messages of a group are received in the order they were sent.",
        FIFO_DELIVERY_LOGIC,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let sent = ["a", "b", "c", "d"];
            for body in sent {
                target.send_to_group(&url, "g", body).await?;
            }
            for body in sent {
                let call = target.receiving(&url).max_number_of_messages(1);
                let received = call.send().await?;
                equal("the bodies", bodies(received.messages()), vec![body])?;
                let message = some("the message", received.messages().first())?;
                target.delete(&url, message).await?;
            }
            Ok(())
        }
    ),
    case!(
        "fifo-batch-keeps-order",
        "Messages of one batch are enqueued in the order of its entries.",
        SEND_MESSAGE_BATCH,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let mut call = target.sqs.send_message_batch().queue_url(&url);
            for body in ["z", "m", "a"] {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(body)
                    .message_body(body);
                let entry = entry.message_group_id("g").message_deduplication_id(body);
                call = call.entries(entry.build()?);
            }
            call.send().await?;
            equal(
                "the bodies",
                bodies(&target.receive(&url).await?),
                vec!["z", "m", "a"],
            )
        }
    ),
    case!(
        "fifo-many-of-a-group-in-one-receive",
        "One receive returns as many messages of a group as possible, in order.",
        FIFO_DELIVERY_LOGIC,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for body in ["a", "b", "c"] {
                target.send_to_group(&url, "g", body).await?;
            }
            equal(
                "the bodies",
                bodies(&target.receive(&url).await?),
                vec!["a", "b", "c"],
            )
        }
    ),
    case!(
        "fifo-group-blocks",
        "While a message of a group is in flight, no more messages of that group are returned.",
        FIFO_DELIVERY_LOGIC,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for body in ["a", "b"] {
                target.send_to_group(&url, "g", body).await?;
            }
            let call = target.receiving(&url).max_number_of_messages(1);
            let received = call.send().await?;
            target.expect_empty(&url).await?;
            let first = some("the first message", received.messages().first())?;
            target.delete(&url, first).await?;
            equal(
                "the bodies",
                bodies(&target.receive(&url).await?),
                vec!["b"],
            )
        }
    ),
    case!(
        "fifo-other-groups-go-on",
        "A group in flight does not hold up the others.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            target.send_to_group(&url, "one", "a").await?;
            target.receive_one(&url).await?;
            target.send_to_group(&url, "two", "b").await?;
            equal(
                "the body",
                target.receive_one(&url).await?.body(),
                Some("b"),
            )
        }
    ),
    case!(
        "fifo-several-groups-in-one-receive",
        "One receive may return messages of several groups, each group in its order.",
        FIFO_DELIVERY_LOGIC,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for (group, body) in [("g", "g1"), ("h", "h1"), ("g", "g2"), ("h", "h2")] {
                target.send_to_group(&url, group, body).await?;
            }
            let received = target.receive(&url).await?;
            let of = |group: char| {
                let all = bodies(&received).into_iter();
                all.filter(|body| body.starts_with(group))
                    .collect::<Vec<_>>()
            };
            equal("the bodies of g", of('g'), vec!["g1", "g2"])?;
            equal("the bodies of h", of('h'), vec!["h1", "h2"])
        }
    ),
    case!(
        "fifo-released-in-the-middle",
        "A message given back while others of its group are in flight waits for them.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for body in ["a", "b", "c"] {
                target.send_to_group(&url, "g", body).await?;
            }
            let received = target.receive(&url).await?;
            equal("received", received.len(), 3)?;
            target.hide(&url, &received[1], 0).await?;
            target.expect_empty(&url).await?;
            target.hide(&url, &received[2], 0).await?;
            target.delete(&url, &received[0]).await?;
            equal(
                "the bodies",
                bodies(&target.receive(&url).await?),
                vec!["b", "c"],
            )
        }
    ),
    case!(
        "fifo-partial-delete",
        "What was not deleted of a batch comes back in order when its visibility timeout ends.",
        FIFO_DELIVERY_LOGIC,
        |target| {
            let url = target
                .fifo_queue("q", &[("VisibilityTimeout", "1")])
                .await?;
            for body in ["a", "b", "c"] {
                target.send_to_group(&url, "g", body).await?;
            }
            let received = target.receive(&url).await?;
            equal("received", received.len(), 3)?;
            target.delete(&url, &received[0]).await?;
            target.send_to_group(&url, "g", "d").await?;
            target.expect_empty(&url).await?;
            target.pass_seconds(1).await;
            let again = target.receive_all(&url, 3).await?;
            equal("the bodies", bodies(&again), vec!["b", "c", "d"])
        }
    )
    .takes(1),
    case!(
        "fifo-delete-after-visibility-timeout",
        "On a FIFO queue, deleting a message whose visibility timeout ended fails with an error.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target
                .fifo_queue("q", &[("VisibilityTimeout", "1")])
                .await?;
            target.send_to_group(&url, "g", "a").await?;
            let message = target.receive_one(&url).await?;
            target.pass_seconds(1).await;
            let delete = target.sqs.delete_message().queue_url(&url);
            rejected(delete.receipt_handle(handle(&message)?).send().await)
        }
    )
    .takes(1),
];

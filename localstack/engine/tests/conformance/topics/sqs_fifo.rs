//! FIFO queues: order within a group, groups beside each other, retried receives.

use crate::case::{Case, case};
use crate::check::{ensure, equal, rejected, some};
use crate::document::*;
use crate::fixture::{bodies, handle, system_attribute};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use std::time::Duration;

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
            equal(
                "the bodies",
                bodies(&target.receive(&url).await?),
                vec!["b", "c", "d"],
            )
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
    case!(
        "fifo-group-required",
        "A message sent to a FIFO queue without a MessageGroupId is refused.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let call = target.sending(&url, "x").message_deduplication_id("d");
            rejected(call.send().await)
        }
    ),
    case!(
        "fifo-id-bounds",
        "MessageGroupId and MessageDeduplicationId are up to 128 letters, digits and punctuation.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let send = |group: &str, deduplication: &str| {
                let call = target.sending(&url, "x").message_group_id(group);
                call.message_deduplication_id(deduplication).send()
            };
            let longest = format!("{}!\"#$%&'()*+,-./", "g".repeat(113));
            send(&longest, &longest).await?;
            for id in [format!("{longest}g"), "with space".into(), "é".into()] {
                rejected(send(&id, "d").await)?;
                rejected(send("g", &id).await)?;
            }
            Ok(())
        }
    ),
    case!(
        "fifo-name-suffix",
        "The name of a FIFO queue must end in .fifo.",
        CREATE_QUEUE,
        |target| {
            let call = target.sqs.create_queue().queue_name(target.name("q"));
            rejected(call.attributes("FifoQueue".into(), "true").send().await)
        }
    ),
    case!(
        "fifo-queue-type-is-fixed",
        "A queue's type cannot be changed after it was created.",
        CREATE_QUEUE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let call = target.sqs.set_queue_attributes().queue_url(&url);
            rejected(call.attributes("FifoQueue".into(), "false").send().await)?;
            equal(
                "FifoQueue",
                target.attribute(&url, "FifoQueue").await?,
                "true",
            )
        }
    ),
    case!(
        "fifo-sequence-numbers",
        "Sequence numbers increase within a group, and are received as they were answered.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let mut numbers = Vec::new();
            for body in ["a", "b", "c"] {
                let sent = target.send_to_group(&url, "g", body).await?;
                numbers.push(some("SequenceNumber", sent.sequence_number)?);
            }
            let parsed = numbers
                .iter()
                .filter_map(|number| number.parse::<u128>().ok());
            let parsed: Vec<u128> = parsed.collect();
            ensure(parsed.len() == 3 && parsed.is_sorted(), || {
                format!("{numbers:?}, expected increasing numbers")
            })?;
            ensure(parsed.windows(2).all(|pair| pair[0] != pair[1]), || {
                format!("{numbers:?}, expected different numbers")
            })?;
            for (message, number) in target.receive(&url).await?.iter().zip(&numbers) {
                equal(
                    "SequenceNumber",
                    system_attribute(message, "SequenceNumber")?,
                    number,
                )?;
            }
            Ok(())
        }
    ),
    case!(
        "fifo-system-attributes",
        "A received message shows its MessageGroupId and MessageDeduplicationId.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            target.send_to_group(&url, "g", "d").await?;
            let message = target.receive_one(&url).await?;
            equal("group", system_attribute(&message, "MessageGroupId")?, "g")?;
            let name = "MessageDeduplicationId";
            equal(name, system_attribute(&message, name)?, "d")
        }
    ),
    case!(
        "fifo-no-delay-of-a-message",
        "A FIFO queue takes no DelaySeconds for single messages.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let call = target.sending(&url, "x").message_group_id("g");
            rejected(
                call.message_deduplication_id("d")
                    .delay_seconds(5)
                    .send()
                    .await,
            )
        }
    )
    .open("DelaySeconds of 0 asks for no delay and is accepted."),
    case!(
        "fifo-delay-of-the-queue",
        "A FIFO queue's DelaySeconds holds back every message.",
        DELAY_QUEUES,
        |target| {
            let url = target.fifo_queue("q", &[("DelaySeconds", "2")]).await?;
            target.send_to_group(&url, "g", "later").await?;
            target.expect_empty(&url).await?;
            target.pass_seconds(2).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(2),
    case!(
        "fifo-delay-is-retroactive",
        "On a FIFO queue a changed DelaySeconds affects messages already there.",
        DELAY_QUEUES,
        |target| {
            let url = target.fifo_queue("q", &[("DelaySeconds", "600")]).await?;
            target.send_to_group(&url, "g", "x").await?;
            target.set(&url, "DelaySeconds", "1").await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(1),
    case!(
        "fifo-attempt-id-returns-the-same",
        "A receive repeated with its ReceiveRequestAttemptId returns the same messages and handles.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for body in ["a", "b"] {
                target.send_to_group(&url, "g", body).await?;
            }
            let attempt = || {
                target
                    .receiving(&url)
                    .receive_request_attempt_id("try-1")
                    .send()
            };
            let first = attempt().await?;
            let second = attempt().await?;
            equal("the bodies", bodies(second.messages()), vec!["a", "b"])?;
            let handles = |all: &[aws_sdk_sqs::types::Message]| {
                all.iter()
                    .map(|one| one.receipt_handle.clone())
                    .collect::<Vec<_>>()
            };
            equal(
                "the handles",
                handles(second.messages()),
                handles(first.messages()),
            )
        }
    ),
    case!(
        "fifo-attempt-id-of-another-receive",
        "A receive with another ReceiveRequestAttemptId gets nothing of a group in flight.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            target.send_to_group(&url, "g", "a").await?;
            let attempt = |id: &str| target.receiving(&url).receive_request_attempt_id(id).send();
            equal(
                "first",
                bodies(attempt("try-1").await?.messages()),
                vec!["a"],
            )?;
            equal("second", attempt("try-2").await?.messages().len(), 0)
        }
    ),
    case!(
        "fifo-attempt-id-resets-visibility",
        "A receive repeated with its ReceiveRequestAttemptId starts the visibility timeout anew.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target
                .fifo_queue("q", &[("VisibilityTimeout", "3")])
                .await?;
            target.send_to_group(&url, "g", "a").await?;
            let attempt = || {
                target
                    .receiving(&url)
                    .receive_request_attempt_id("try-1")
                    .send()
            };
            attempt().await?;
            target.pass_seconds(2).await;
            equal("second", bodies(attempt().await?.messages()), vec!["a"])?;
            target.pass_seconds(2).await;
            target.expect_empty(&url).await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(5),
    case!(
        "fifo-attempt-id-after-5-minutes",
        "A ReceiveRequestAttemptId is good for 5 minutes.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target
                .fifo_queue("q", &[("VisibilityTimeout", "1200")])
                .await?;
            target.send_to_group(&url, "g", "a").await?;
            let attempt = || {
                target
                    .receiving(&url)
                    .receive_request_attempt_id("try-1")
                    .send()
            };
            attempt().await?;
            target.pass(Duration::from_secs(301)).await;
            equal("messages", attempt().await?.messages().len(), 0)
        }
    )
    .takes(301),
    case!(
        "fifo-attempt-id-after-a-delete",
        "A receive cannot be repeated once one of its messages was deleted or changed.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for body in ["a", "b"] {
                target.send_to_group(&url, "g", body).await?;
            }
            let attempt = || {
                target
                    .receiving(&url)
                    .receive_request_attempt_id("try-1")
                    .send()
            };
            let first = attempt().await?;
            let message = some("the message", first.messages().first())?;
            target.delete(&url, message).await?;
            equal("messages", attempt().await?.messages().len(), 0)
        }
    )
    .open("What such a receive gets: nothing, as any other receive while the group is in flight."),
    case!(
        "fifo-attempt-id-bounds",
        "A ReceiveRequestAttemptId is up to 128 letters, digits and punctuation.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let attempt = |id: &str| target.receiving(&url).receive_request_attempt_id(id).send();
            attempt(&"x".repeat(128)).await?;
            rejected(attempt(&"x".repeat(129)).await)
        }
    ),
];

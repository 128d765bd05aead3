//! When a message can be received: visibility timeouts, delays, waiting for arrivals.

use crate::case::{Case, Failure, case};
use crate::check::{ensure, equal, refused, rejected, some};
use crate::document::*;
use crate::fixture::{bodies, handle, sorted_bodies};
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    case!(
        "visibility-hides-a-received-message",
        "A received message is hidden until the queue's visibility timeout ends, then comes back.",
        VISIBILITY_TIMEOUT,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "2")]).await?;
            target.send(&url, "x").await?;
            target.receive_one(&url).await?;
            target.pass_seconds(1).await;
            target.expect_empty(&url).await?;
            target.pass_seconds(1).await;
            equal(
                "the body",
                target.receive_one(&url).await?.body(),
                Some("x"),
            )
        }
    )
    .takes(2),
    case!(
        "visibility-asked-for-by-a-receive",
        "A receive may ask for a visibility timeout of its own, which goes before the queue's.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "600")]).await?;
            target.send(&url, "x").await?;
            target.receiving(&url).visibility_timeout(1).send().await?;
            target.pass_seconds(1).await;
            equal(
                "the body",
                target.receive_one(&url).await?.body(),
                Some("x"),
            )
        }
    )
    .takes(1),
    case!(
        "visibility-default-30-seconds",
        "Without any setting a message is hidden for 30 seconds.",
        VISIBILITY_TIMEOUT,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "x").await?;
            target.receive_one(&url).await?;
            target.pass_seconds(29).await;
            target.expect_empty(&url).await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(30),
    case!(
        "visibility-zero-gives-back",
        "Changing the visibility timeout to 0 makes the message available at once.",
        VISIBILITY_TIMEOUT,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            target.hide(&url, &message, 0).await?;
            target.receive_one(&url).await?;
            Ok(())
        }
    ),
    case!(
        "visibility-counts-from-the-change",
        "A changed visibility timeout counts from the time of the change.",
        CHANGE_VISIBILITY,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "2")]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            target.pass_seconds(1).await;
            target.hide(&url, &message, 3).await?;
            target.pass_seconds(2).await;
            target.expect_empty(&url).await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(4),
    case!(
        "visibility-change-is-not-kept",
        "A changed visibility timeout holds for that receive only; the next has the queue's.",
        CHANGE_VISIBILITY,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            target.hide(&url, &message, 600).await?;
            target.hide(&url, &message, 0).await?;
            target.receive_one(&url).await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(1),
    case!(
        "visibility-change-of-message-not-in-flight",
        "Changing the visibility of a message that is not in flight is refused.",
        CHANGE_VISIBILITY,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            target.pass_seconds(1).await;
            let call = target.sqs.change_message_visibility().queue_url(&url);
            let call = call
                .receipt_handle(handle(&message)?)
                .visibility_timeout(10);
            refused(
                call.send().await,
                "AWS.SimpleQueueService.MessageNotInflight",
            )
        }
    )
    .takes(1),
    case!(
        "visibility-change-over-12-hours",
        "A visibility timeout of more than 12 hours is refused.",
        CHANGE_VISIBILITY,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            let call = target.sqs.change_message_visibility().queue_url(&url);
            let call = call
                .receipt_handle(handle(&message)?)
                .visibility_timeout(43_201);
            rejected(call.send().await)
        }
    ),
    case!(
        "visibility-total-of-12-hours",
        "A change past 12 hours since the receive is refused, not cut down to what is left.",
        CHANGE_VISIBILITY,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "x").await?;
            let received = target
                .receiving(&url)
                .visibility_timeout(43_200)
                .send()
                .await?;
            let message = some("the message", received.messages().first())?.clone();
            target.pass(Duration::from_secs(2 * 3600)).await;
            let change = |seconds| {
                let call = target.sqs.change_message_visibility().queue_url(&url);
                let call = call.set_receipt_handle(message.receipt_handle.clone());
                call.visibility_timeout(seconds).send()
            };
            rejected(change(10 * 3600 + 1).await)?;
            change(10 * 3600).await?;
            Ok(())
        }
    )
    .takes(2 * 3600),
    case!(
        "visibility-batch",
        "ChangeMessageVisibilityBatch reports each entry; those that fit are changed.",
        CHANGE_VISIBILITY_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            let entry = |id: &str, handle: &str| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
                entry.receipt_handle(handle).visibility_timeout(0).build()
            };
            let call = target.sqs.change_message_visibility_batch().queue_url(&url);
            let call = call.entries(entry("good", handle(&message)?)?);
            let answer = call.entries(entry("bad", "no handle")?).send().await?;
            let successful = answer.successful().iter().map(|entry| entry.id());
            equal("successful", successful.collect::<Vec<_>>(), vec!["good"])?;
            let failed: Vec<_> = answer
                .failed()
                .iter()
                .map(|entry| (entry.id(), entry.code(), entry.sender_fault()))
                .collect();
            equal(
                "failed",
                failed,
                vec![("bad", "ReceiptHandleIsInvalid", true)],
            )?;
            target.receive_one(&url).await?;
            Ok(())
        }
    ),
    case!(
        "visibility-of-the-queue-changed",
        "A changed VisibilityTimeout of the queue holds for later receives.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "600")]).await?;
            target.set(&url, "VisibilityTimeout", "1").await?;
            target.send(&url, "x").await?;
            target.receive_one(&url).await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(1)
    .open("AWS takes up to 60 seconds until a change is in effect; here it is at once."),
    case!(
        "delay-of-a-message",
        "A message with DelaySeconds cannot be received before they have passed.",
        MESSAGE_TIMERS,
        |target| {
            let url = target.queue("q", &[]).await?;
            target
                .sending(&url, "later")
                .delay_seconds(2)
                .send()
                .await?;
            target.pass_seconds(1).await;
            target.expect_empty(&url).await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(2),
    case!(
        "delay-of-the-queue",
        "A delay queue holds back every message for its DelaySeconds.",
        DELAY_QUEUES,
        |target| {
            let url = target.queue("q", &[("DelaySeconds", "2")]).await?;
            target.send(&url, "later").await?;
            target.expect_empty(&url).await?;
            target.pass_seconds(2).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(2),
    case!(
        "delay-of-a-message-goes-before-the-queues",
        "A message timer goes before the delay of the queue, even when it is 0.",
        MESSAGE_TIMERS,
        |target| {
            let url = target.queue("q", &[("DelaySeconds", "600")]).await?;
            target.sending(&url, "now").delay_seconds(0).send().await?;
            equal(
                "the body",
                target.receive_one(&url).await?.body(),
                Some("now"),
            )
        }
    ),
    case!(
        "delay-of-a-standard-queue-changed",
        "On a standard queue a changed DelaySeconds does not affect messages already there.",
        DELAY_QUEUES,
        |target| {
            let url = target.queue("q", &[("DelaySeconds", "2")]).await?;
            target.send(&url, "x").await?;
            target.set(&url, "DelaySeconds", "0").await?;
            target.expect_empty(&url).await?;
            target.pass_seconds(2).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(2),
    case!(
        "long-poll-wakes-on-arrival",
        "A waiting receive returns as soon as a message arrives.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[]).await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let sending = async {
                target.pass_seconds(1).await;
                target.send(&url, "arrived").await
            };
            let (received, sent) = within(10, async { tokio::join!(waiting, sending) }).await?;
            sent?;
            equal("the bodies", bodies(received?.messages()), vec!["arrived"])
        }
    )
    .takes(1),
    case!(
        "long-poll-wakes-on-delay-end",
        "A waiting receive returns a message whose delay ends while it waits.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[]).await?;
            target
                .sending(&url, "later")
                .delay_seconds(1)
                .send()
                .await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let passing = target.pass_seconds(1);
            let (received, ()) = within(10, async { tokio::join!(waiting, passing) }).await?;
            equal("the bodies", bodies(received?.messages()), vec!["later"])
        }
    )
    .takes(1),
    case!(
        "long-poll-wakes-on-visibility-end",
        "A waiting receive returns a message whose visibility timeout ends while it waits.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            target.send(&url, "back").await?;
            target.receive_one(&url).await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let passing = target.pass_seconds(1);
            let (received, ()) = within(10, async { tokio::join!(waiting, passing) }).await?;
            equal("the bodies", bodies(received?.messages()), vec!["back"])
        }
    )
    .takes(1),
    case!(
        "long-poll-wakes-on-release",
        "A waiting receive returns a message that another consumer gives back.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "600")]).await?;
            target.send(&url, "released").await?;
            let message = target.receive_one(&url).await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let releasing = async {
                target.pass_seconds(1).await;
                target.hide(&url, &message, 0).await
            };
            let (received, released) =
                within(10, async { tokio::join!(waiting, releasing) }).await?;
            released?;
            equal("the bodies", bodies(received?.messages()), vec!["released"])
        }
    )
    .takes(1),
    case!(
        "long-poll-ends-empty",
        "A waiting receive returns without messages when its time is over.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let waiting = target.receiving(&url).wait_time_seconds(1).send();
            let received = within(10, waiting).await?;
            ensure(received?.messages().is_empty(), || {
                "messages out of nowhere".into()
            })
        }
    )
    .takes(1),
    case!(
        "long-poll-by-the-queues-default",
        "Without WaitTimeSeconds a receive waits as long as ReceiveMessageWaitTimeSeconds says.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let wait = [("ReceiveMessageWaitTimeSeconds", "20")];
            let url = target.queue("q", &wait).await?;
            let waiting = target.sqs.receive_message().queue_url(&url).send();
            let sending = async {
                target.pass_seconds(1).await;
                target.send(&url, "arrived").await
            };
            let (received, sent) = within(10, async { tokio::join!(waiting, sending) }).await?;
            sent?;
            equal("the bodies", bodies(received?.messages()), vec!["arrived"])
        }
    )
    .takes(1),
    case!(
        "long-poll-does-not-wait-for-more",
        "A waiting receive returns with what is there, though it asked for more.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "a").await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let received = within(10, waiting).await??;
            equal("the bodies", sorted_bodies(received.messages()), vec!["a"])
        }
    ),
];

/// The future's value, or a failure when it takes far longer than it should.
async fn within<Value>(
    seconds: u64,
    future: impl Future<Output = Value>,
) -> Result<Value, Failure> {
    let limit = Duration::from_secs(seconds);
    let ended = tokio::time::timeout(limit, future).await;
    ended.map_err(|_| Failure(format!("no answer within {seconds} s, expected it at once")))
}

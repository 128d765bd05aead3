//! How long a received message is hidden from others.

use crate::case::{Case, case};
use crate::check::{equal, refused, rejected, some};
use crate::document::*;
use crate::fixture::handle;
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
];

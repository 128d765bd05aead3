//! Batches: refused as a whole for a few reasons, otherwise entry by entry.

use crate::case::{Case, case};
use crate::check::{equal, refused, some};
use crate::document::*;
use crate::fixture::{entry, handle, text};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    SendMessageBatchRequestEntry,
};

pub(super) const CASES: &[Case] = &[
    case!(
        "send-batch",
        "SendMessageBatch sends up to 10 messages and answers for each by its id.",
        SEND_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            let entries = (0..10).map(|number| entry(&format!("e{number}"), &format!("b{number}")));
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let call = target.sqs.send_message_batch().queue_url(&url);
            let answer = call.set_entries(Some(entries)).send().await?;
            equal("successful", answer.successful().len(), 10)?;
            equal("failed", answer.failed().len(), 0)?;
            let mut received = Vec::new();
            while received.len() < 10 {
                received.push(
                    target
                        .receiving(&url)
                        .max_number_of_messages(1)
                        .send()
                        .await?,
                );
            }
            let received: Vec<_> = received.iter().flat_map(|one| one.messages()).collect();
            for sent in answer.successful() {
                let body = sent.id().replace('e', "b");
                let same = received
                    .iter()
                    .find(|message| message.body() == Some(&body));
                let same = some("the message", same)?;
                equal("the id", same.message_id(), Some(sent.message_id()))?;
                equal(
                    "the MD5",
                    same.md5_of_body(),
                    Some(sent.md5_of_message_body()),
                )?;
            }
            Ok(())
        }
    ),
    case!(
        "send-batch-entries-have-settings-of-their-own",
        "Each entry of a batch has its own delay and message attributes.",
        SEND_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            let later = SendMessageBatchRequestEntry::builder().id("later");
            let later = later.message_body("later").delay_seconds(900).build()?;
            let now = SendMessageBatchRequestEntry::builder().id("now");
            let now = now.message_body("now").message_attributes("k", text("v")?);
            let call = target.sqs.send_message_batch().queue_url(&url);
            call.entries(later).entries(now.build()?).send().await?;
            let message = target.receive_one(&url).await?;
            equal("the body", message.body(), Some("now"))?;
            let attributes = message.message_attributes().cloned().unwrap_or_default();
            equal("k", attributes.get("k"), Some(&text("v")?))
        }
    ),
    case!(
        "send-batch-partial-failure",
        "One entry that is refused does not stop the others.",
        SEND_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.send_message_batch().queue_url(&url);
            let call = call
                .entries(entry("good", "fine")?)
                .entries(entry("bad", "\u{1}")?);
            let answer = call.send().await?;
            let successful: Vec<_> = answer.successful().iter().map(|sent| sent.id()).collect();
            equal("successful", successful, vec!["good"])?;
            let failed: Vec<_> = answer.failed().iter().map(|entry| entry.id()).collect();
            equal("failed", failed, vec!["bad"])?;
            equal(
                "the body",
                target.receive_one(&url).await?.body(),
                Some("fine"),
            )
        }
    ),
    case!(
        "send-batch-sender-fault",
        "A failed entry tells its error code, and SenderFault where the sender is at fault.",
        SQS_BATCH_ERROR,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.send_message_batch().queue_url(&url);
            let call = call
                .entries(entry("good", "fine")?)
                .entries(entry("bad", "\u{1}")?);
            let answer = call.send().await?;
            let failed = some("the failed entry", answer.failed().first())?;
            equal("the code", failed.code(), "InvalidMessageContents")?;
            equal("SenderFault", failed.sender_fault(), true)
        }
    ),
    case!(
        "send-batch-empty",
        "A batch without entries is refused with EmptyBatchRequest.",
        SEND_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.send_message_batch().queue_url(&url);
            let answer = call.set_entries(Some(Vec::new())).send().await;
            refused(answer, "AWS.SimpleQueueService.EmptyBatchRequest")
        }
    ),
    case!(
        "send-batch-eleven-entries",
        "A batch of more than 10 entries is refused with TooManyEntriesInBatchRequest.",
        SEND_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            let entries = (0..11).map(|number| entry(&number.to_string(), "x"));
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let call = target.sqs.send_message_batch().queue_url(&url);
            let answer = call.set_entries(Some(entries)).send().await;
            refused(
                answer,
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            )?;
            target.expect_empty(&url).await
        }
    ),
    case!(
        "send-batch-ids-not-distinct",
        "Two entries with one id are refused with BatchEntryIdsNotDistinct.",
        SEND_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.send_message_batch().queue_url(&url);
            let call = call
                .entries(entry("same", "a")?)
                .entries(entry("same", "b")?);
            refused(
                call.send().await,
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            )
        }
    ),
    case!(
        "send-batch-invalid-id",
        "An entry id that is not letters, digits, hyphens and underscores is refused with InvalidBatchEntryId.",
        SEND_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            for id in ["with space", "dots.", &"x".repeat(81)] {
                let call = target.sqs.send_message_batch().queue_url(&url);
                let answer = call.entries(entry(id, "a")?).send().await;
                refused(answer, "AWS.SimpleQueueService.InvalidBatchEntryId")?;
            }
            Ok(())
        }
    ),
    case!(
        "send-batch-over-1-mib",
        "A batch of more than 1 MiB in all is refused with BatchRequestTooLong.",
        SEND_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            let half = "x".repeat(524_289);
            let call = target.sqs.send_message_batch().queue_url(&url);
            let call = call.entries(entry("a", &half)?).entries(entry("b", &half)?);
            refused(
                call.send().await,
                "AWS.SimpleQueueService.BatchRequestTooLong",
            )
        }
    ),
    case!(
        "delete-batch",
        "DeleteMessageBatch deletes up to 10 messages and answers for each by its id.",
        DELETE_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            for body in ["a", "b", "c"] {
                target.send(&url, body).await?;
            }
            let mut received = Vec::new();
            while received.len() < 3 {
                let more = target.receiving(&url).wait_time_seconds(1).send().await?;
                received.extend(more.messages.unwrap_or_default());
            }
            let mut call = target.sqs.delete_message_batch().queue_url(&url);
            for (number, message) in received.iter().enumerate() {
                let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
                call = call.entries(entry.receipt_handle(handle(message)?).build()?);
            }
            equal("successful", call.send().await?.successful().len(), 3)?;
            target.pass_seconds(1).await;
            target.expect_empty(&url).await
        }
    )
    .takes(1),
    case!(
        "delete-batch-partial-failure",
        "An invalid receipt handle fails its entry with SenderFault; the others are deleted.",
        DELETE_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            let entry = |id: &str, handle: &str| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(id)
                    .receipt_handle(handle)
                    .build()
            };
            let call = target.sqs.delete_message_batch().queue_url(&url);
            let call = call.entries(entry("bad", "no handle")?);
            let answer = call
                .entries(entry("good", handle(&message)?)?)
                .send()
                .await?;
            let successful: Vec<_> = answer.successful().iter().map(|entry| entry.id()).collect();
            equal("successful", successful, vec!["good"])?;
            let failed = answer.failed().iter();
            let failed: Vec<_> = failed
                .map(|entry| (entry.id(), entry.code(), entry.sender_fault()))
                .collect();
            equal(
                "failed",
                failed,
                vec![("bad", "ReceiptHandleIsInvalid", true)],
            )
        }
    ),
    case!(
        "delete-batch-whole-refusals",
        "DeleteMessageBatch refuses no entries, 11 entries, and ids that are not distinct.",
        DELETE_MESSAGE_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            let batch = async |ids: Vec<String>| {
                let entries = ids.into_iter().map(|id| {
                    DeleteMessageBatchRequestEntry::builder()
                        .id(id)
                        .receipt_handle("h")
                        .build()
                });
                let call = target.sqs.delete_message_batch().queue_url(&url);
                let entries = entries.collect::<Result<Vec<_>, _>>();
                call.set_entries(entries.ok()).send().await
            };
            let eleven = (0..11).map(|number| number.to_string()).collect();
            let prefix = "AWS.SimpleQueueService";
            refused(
                batch(Vec::new()).await,
                &format!("{prefix}.EmptyBatchRequest"),
            )?;
            refused(
                batch(eleven).await,
                &format!("{prefix}.TooManyEntriesInBatchRequest"),
            )?;
            let twice = vec!["a".to_owned(), "a".to_owned()];
            refused(
                batch(twice).await,
                &format!("{prefix}.BatchEntryIdsNotDistinct"),
            )
        }
    ),
    case!(
        "visibility-batch-whole-refusals",
        "ChangeMessageVisibilityBatch refuses no entries, 11 entries, and ids that are not distinct.",
        CHANGE_VISIBILITY_BATCH,
        |target| {
            let url = target.queue("q", &[]).await?;
            let batch = async |ids: Vec<String>| {
                let entries = ids.into_iter().map(|id| {
                    let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
                    entry.receipt_handle("h").visibility_timeout(0).build()
                });
                let call = target.sqs.change_message_visibility_batch().queue_url(&url);
                let entries = entries.collect::<Result<Vec<_>, _>>();
                call.set_entries(entries.ok()).send().await
            };
            let eleven = (0..11).map(|number| number.to_string()).collect();
            let prefix = "AWS.SimpleQueueService";
            refused(
                batch(Vec::new()).await,
                &format!("{prefix}.EmptyBatchRequest"),
            )?;
            refused(
                batch(eleven).await,
                &format!("{prefix}.TooManyEntriesInBatchRequest"),
            )?;
            let twice = vec!["a".to_owned(), "a".to_owned()];
            refused(
                batch(twice).await,
                &format!("{prefix}.BatchEntryIdsNotDistinct"),
            )
        }
    ),
];

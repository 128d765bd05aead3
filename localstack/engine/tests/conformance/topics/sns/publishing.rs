//! What can be published, alone and in batches.

use crate::case::{Case, case};
use crate::check::{ensure, equal, refused, rejected, some};
use crate::document::*;
use crate::fixture::{bodies, publish_entry, sns_attribute, sorted_bodies, system_attribute};

pub(super) const CASES: &[Case] = &[
    case!(
        "structure-json",
        "With MessageStructure json a queue gets the text under sqs, or else default.",
        PUBLISH,
        |target| {
            let (topic, queue) = target.subscribed_raw().await?;
            let message = r#"{"default": "for all", "sqs": "for queues", "email": "no"}"#;
            let call = target.publishing(&topic, message).message_structure("json");
            call.send().await?;
            let call = target.publishing(&topic, r#"{"default": "fallback"}"#);
            call.message_structure("json").send().await?;
            let received = target.receive_all(&queue, 2).await?;
            equal(
                "the bodies",
                sorted_bodies(&received),
                vec!["fallback", "for queues"],
            )
        }
    ),
    case!(
        "structure-json-is-checked",
        "With MessageStructure json a message must be JSON with a text under default.",
        PUBLISH,
        |target| {
            let topic = target.topic("t", &[]).await?;
            for message in ["not JSON", r#"{"sqs": "x"}"#, r#"{"default": 1}"#] {
                let call = target.publishing(&topic, message).message_structure("json");
                refused(call.send().await, "InvalidParameter")?;
            }
            Ok(())
        }
    ),
    case!(
        "structure-unknown",
        "json is the only MessageStructure.",
        PUBLISH,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let call = target.publishing(&topic, "x").message_structure("xml");
            refused(call.send().await, "InvalidParameter")
        }
    ),
    case!(
        "publish-size",
        "A message with its attributes may have 256 KiB unless the topic allows more.",
        PUBLISH_BATCH,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let largest = "x".repeat(262_144);
            target.publish(&topic, &largest).await?;
            let call = target.publishing(&topic, &format!("{largest}x"));
            refused(call.send().await, "InvalidParameter")?;
            let call = target.publishing(&topic, &largest);
            let call = call.message_attributes("k", sns_attribute("String", "v")?);
            refused(call.send().await, "InvalidParameter")
        }
    ),
    case!(
        "publish-size-of-the-topic",
        "A topic's MaximumMessageSize allows up to 1 MiB.",
        PUBLISH,
        |target| {
            let topic = target
                .topic("t", &[("MaximumMessageSize", "1048576")])
                .await?;
            target.publish(&topic, &"x".repeat(1_048_576)).await?;
            let call = target.publishing(&topic, &"x".repeat(1_048_577));
            refused(call.send().await, "InvalidParameter")
        }
    ),
    case!(
        "publish-empty-message",
        "A message must not be empty.",
        PUBLISH,
        |target| {
            let topic = target.topic("t", &[]).await?;
            rejected(target.publishing(&topic, "").send().await)
        }
    ),
    case!(
        "publish-subject",
        "A subject has less than 100 characters and no line breaks.",
        PUBLISH,
        |target| {
            let topic = target.topic("t", &[]).await?;
            target
                .publishing(&topic, "x")
                .subject("s".repeat(99))
                .send()
                .await?;
            for subject in ["s".repeat(101), "two\nlines".into()] {
                let call = target.publishing(&topic, "x").subject(subject);
                refused(call.send().await, "InvalidParameter")?;
            }
            Ok(())
        }
    ),
    case!(
        "publish-attributes-are-checked",
        "A message attribute must have a type of String, Number, Binary or String.Array, and a value.",
        SNS_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            for (data_type, value) in [("Text", "v"), ("Number", "many"), ("String", "")] {
                let call = target.publishing(&topic, "x");
                let call = call.message_attributes("k", sns_attribute(data_type, value)?);
                let answer = call.send().await;
                ensure(answer.is_err(), || {
                    format!("{data_type} {value:?} was accepted")
                })?;
                rejected(answer)?;
            }
            Ok(())
        }
    ),
    case!(
        "publish-group-on-standard-topic",
        "A MessageGroupId given to a standard topic reaches its standard queues.",
        PUBLISH,
        |target| {
            let (topic, queue) = target.subscribed_raw().await?;
            target
                .publishing(&topic, "x")
                .message_group_id("tenant")
                .send()
                .await?;
            let message = target.receive_one(&queue).await?;
            equal(
                "MessageGroupId",
                system_attribute(&message, "MessageGroupId")?,
                "tenant",
            )
        }
    ),
    case!(
        "batch-publish",
        "PublishBatch publishes up to 10 messages and answers for each by its id.",
        PUBLISH_BATCH,
        |target| {
            let (topic, queue) = target.subscribed_raw().await?;
            let mut call = target.sns.publish_batch().topic_arn(&topic);
            for number in 0..10 {
                let id = number.to_string();
                call = call.publish_batch_request_entries(publish_entry(&id, &id)?);
            }
            let answer = call.send().await?;
            equal("successful", answer.successful().len(), 10)?;
            equal("failed", answer.failed().len(), 0)?;
            let received = target.receive_all(&queue, 10).await?;
            let expected: Vec<String> = (0..10).map(|number| number.to_string()).collect();
            equal("the bodies", sorted_bodies(&received), expected)
        }
    ),
    case!(
        "batch-publish-partial-failure",
        "An entry that is refused is named with code and SenderFault; the others are published.",
        PUBLISH_BATCH,
        |target| {
            let (topic, queue) = target.subscribed_raw().await?;
            let call = target.sns.publish_batch().topic_arn(&topic);
            let bad = aws_sdk_sns::types::PublishBatchRequestEntry::builder().id("bad");
            let bad = bad.message("not JSON").message_structure("json").build()?;
            let call = call.publish_batch_request_entries(publish_entry("good", "fine")?);
            let answer = call.publish_batch_request_entries(bad).send().await?;
            let successful = answer.successful().iter().filter_map(|entry| entry.id());
            equal("successful", successful.collect::<Vec<_>>(), vec!["good"])?;
            let failed = some("the failed entry", answer.failed().first())?;
            equal("its id", failed.id(), "bad")?;
            equal("its code", failed.code(), "InvalidParameter")?;
            equal("SenderFault", failed.sender_fault(), true)?;
            let received = target.receive_all(&queue, 1).await?;
            equal("the bodies", bodies(&received), vec!["fine"])
        }
    ),
    case!(
        "batch-publish-whole-refusals",
        "PublishBatch refuses no entries, 11 entries, and ids that are not distinct or not valid.",
        PUBLISH_BATCH,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let batch = async |ids: Vec<String>| {
                let entries = ids
                    .iter()
                    .map(|id| publish_entry(id, "x"))
                    .collect::<Result<_, _>>();
                let call = target.sns.publish_batch().topic_arn(&topic);
                call.set_publish_batch_request_entries(entries.ok())
                    .send()
                    .await
            };
            let eleven = (0..11).map(|number| number.to_string()).collect();
            refused(batch(Vec::new()).await, "EmptyBatchRequest")?;
            refused(batch(eleven).await, "TooManyEntriesInBatchRequest")?;
            let twice = vec!["a".to_owned(), "a".to_owned()];
            refused(batch(twice).await, "BatchEntryIdsNotDistinct")?;
            refused(
                batch(vec!["with space".to_owned()]).await,
                "InvalidBatchEntryId",
            )
        }
    ),
    case!(
        "batch-publish-size",
        "A batch of more than 256 KiB in all is refused with BatchRequestTooLong.",
        PUBLISH_BATCH,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let half = "x".repeat(131_073);
            let call = target.sns.publish_batch().topic_arn(&topic);
            let call = call.publish_batch_request_entries(publish_entry("a", &half)?);
            let call = call.publish_batch_request_entries(publish_entry("b", &half)?);
            refused(call.send().await, "BatchRequestTooLong")
        }
    ),
];

//! What the subscribed queues get.

use crate::case::{Case, case};
use crate::check::{ensure, equal};
use crate::document::*;
use crate::fixture::{sns_attribute, text};
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::MessageAttributeValue;

pub(super) const CASES: &[Case] = &[
    case!(
        "fan-out-to-every-subscriber",
        "A published message is delivered to every subscribed queue.",
        PUBLISH,
        |target| {
            let topic = target.topic("t", &[]).await?;
            for stem in ["one", "two", "three"] {
                let queue = target.queue(stem, &[]).await?;
                target.subscribe(&topic, &queue, &[]).await?;
            }
            target.publish(&topic, "hello").await?;
            for stem in ["one", "two", "three"] {
                let queue = target.queue(stem, &[]).await?;
                let message = &target.notification(&queue).await?["Message"];
                equal("the message", message, "hello")?;
            }
            Ok(())
        }
    ),
    case!(
        "notification-fields",
        "A queue gets JSON with type, ids, topic, subject, message, timestamp and unsubscribe URL.",
        MESSAGE_FORMATS,
        |target| {
            let (topic, queue) = target.subscribed(&[]).await?;
            let published = target
                .publishing(&topic, "hello")
                .subject("greeting")
                .send()
                .await?;
            let found = target.notification(&queue).await?;
            equal("Type", &found["Type"], "Notification")?;
            equal(
                "MessageId",
                found["MessageId"].as_str(),
                published.message_id(),
            )?;
            equal("TopicArn", &found["TopicArn"], topic.as_str())?;
            equal("Subject", &found["Subject"], "greeting")?;
            equal("Message", &found["Message"], "hello")?;
            let at = found["Timestamp"].as_str().unwrap_or_default();
            ensure(
                at.len() == "2026-02-14T10:30:00.000Z".len() && at.ends_with('Z'),
                || format!("Timestamp is {at}, expected ISO 8601 with milliseconds"),
            )?;
            let url = found["UnsubscribeURL"].as_str().unwrap_or_default();
            ensure(url.contains("Action=Unsubscribe"), || {
                format!("UnsubscribeURL is {url}")
            })
        }
    ),
    case!(
        "notification-message-attributes",
        "Without raw delivery, message attributes are part of the notification.",
        SNS_ATTRIBUTES,
        |target| {
            let (topic, queue) = target.subscribed(&[]).await?;
            let call = target.publishing(&topic, "x");
            let call = call.message_attributes("type", sns_attribute("String", "a")?);
            call.message_attributes("price", sns_attribute("Number", "9.5")?)
                .send()
                .await?;
            let found = target.notification(&queue).await?;
            let expected = serde_json::json!({
                "type": {"Type": "String", "Value": "a"},
                "price": {"Type": "Number", "Value": "9.5"},
            });
            equal("MessageAttributes", &found["MessageAttributes"], &expected)
        }
    ),
    case!(
        "raw-delivery",
        "With raw delivery a queue gets the message as published, attributes as message attributes.",
        RAW_DELIVERY,
        |target| {
            let (topic, queue) = target.subscribed_raw().await?;
            let binary = MessageAttributeValue::builder().data_type("Binary");
            let binary = binary.binary_value(Blob::new([1, 2])).build()?;
            let call = target.publishing(&topic, r#"{"plain": true}"#);
            let call = call.message_attributes("type", sns_attribute("String", "a")?);
            call.message_attributes("bytes", binary).send().await?;
            let message = target.receive_one(&queue).await?;
            equal("the body", message.body(), Some(r#"{"plain": true}"#))?;
            let attributes = message.message_attributes().cloned().unwrap_or_default();
            equal("type", attributes.get("type"), Some(&text("a")?))?;
            let bytes = attributes
                .get("bytes")
                .and_then(|value| value.binary_value());
            equal(
                "bytes",
                bytes.map(|blob| blob.as_ref()),
                Some([1, 2].as_slice()),
            )
        }
    ),
    case!(
        "raw-delivery-at-most-ten-attributes",
        "A message with more than 10 attributes is discarded for raw subscriptions.",
        SNS_ATTRIBUTES,
        |target| {
            let (topic, raw) = target.subscribed_raw().await?;
            let wrapped = target.queue("wrapped", &[]).await?;
            target.subscribe(&topic, &wrapped, &[]).await?;
            let mut call = target.publishing(&topic, "many");
            for number in 0..11 {
                call = call.message_attributes(format!("a{number}"), sns_attribute("String", "x")?);
            }
            call.send().await?;
            let attributes = &target.notification(&wrapped).await?["MessageAttributes"];
            equal(
                "attributes",
                attributes.as_object().map(|all| all.len()),
                Some(11),
            )?;
            target.expect_nothing(&raw).await
        }
    ),
    case!(
        "raw-delivery-changed",
        "Raw delivery is switched on and off by SetSubscriptionAttributes.",
        SET_SUBSCRIPTION_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            let arn = target.subscribe(&topic, &queue, &[]).await?;
            let call = target
                .sns
                .set_subscription_attributes()
                .subscription_arn(&arn);
            let call = call
                .attribute_name("RawMessageDelivery")
                .attribute_value("true");
            call.send().await?;
            target.publish(&topic, "x").await?;
            equal(
                "the body",
                target.receive_one(&queue).await?.body(),
                Some("x"),
            )
        }
    ),
    case!(
        "queue-policy-must-admit-the-topic",
        "A queue whose policy does not let the topic send gets nothing.",
        SUBSCRIBE_SQS,
        |target| {
            let (topic, admitted) = target.subscribed_raw().await?;
            let closed = target.queue("closed", &[]).await?;
            let call = target.sns.subscribe().topic_arn(&topic).protocol("sqs");
            call.endpoint(target.arn_of(&closed).await?).send().await?;
            target.publish(&topic, "x").await?;
            target.receive_one(&admitted).await?;
            target.expect_nothing(&closed).await
        }
    ),
    case!(
        "undeliverable-goes-to-dead-letter-queue",
        "What cannot be delivered goes to the dead-letter queue of the subscription.",
        SNS_DEAD_LETTERS,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let dead_letters = target.queue("dlq", &[]).await?;
            target.admit(&dead_letters, &topic).await?;
            let policy =
                serde_json::json!({"deadLetterTargetArn": target.arn_of(&dead_letters).await?});
            let queue = target.queue("q", &[]).await?;
            let redrive = [("RedrivePolicy", policy.to_string())];
            let redrive: Vec<_> = redrive
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            target.subscribe(&topic, &queue, &redrive).await?;
            target.sqs.delete_queue().queue_url(&queue).send().await?;
            target.publish(&topic, "x").await?;
            equal(
                "Message",
                &target.notification(&dead_letters).await?["Message"],
                "x",
            )
        }
    ),
];

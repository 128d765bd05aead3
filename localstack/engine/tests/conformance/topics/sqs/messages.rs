//! The life of a message on a standard queue: what is sent comes back, until it is deleted.

use crate::case::{Case, case};
use crate::check::{ensure, equal, refused, some};
use crate::document::*;
use crate::fixture::{attribute_of_type, sorted_bodies, system_attribute, text};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};

const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";

pub(super) const CASES: &[Case] = &[
    case!(
        "message-round-trip",
        "A received message has the id, the body and the MD5 that SendMessage answered with.",
        SEND_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let sent = target.send(&url, "hello").await?;
            let received = target.receive_one(&url).await?;
            equal("the body", received.body(), Some("hello"))?;
            equal("the id", received.message_id(), sent.message_id())?;
            let md5 = Some("5d41402abc4b2a76b9719d911017c592");
            equal("the MD5 sent", sent.md5_of_message_body(), md5)?;
            equal("the MD5 received", received.md5_of_body(), md5)
        }
    ),
    case!(
        "message-unicode-body",
        "A body is any Unicode text that XML allows, and comes back unchanged.",
        SEND_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let body = "tab\t newline\n return\r <&> é 漢 \u{fffd} 🦀";
            target.send(&url, body).await?;
            equal(
                "the body",
                target.receive_one(&url).await?.body(),
                Some(body),
            )
        }
    ),
    case!(
        "message-forbidden-character",
        "A body with a character that XML does not allow is refused with InvalidMessageContents.",
        SEND_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            for character in ["\u{0}", "\u{1}", "\u{b}", "\u{ffff}"] {
                let send = target.sending(&url, &format!("x{character}")).send().await;
                refused(send, "InvalidMessageContents")?;
            }
            Ok(())
        }
    ),
    case!(
        "message-attributes-round-trip",
        "Message attributes of type String, Number and Binary come back as they were sent.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let binary = MessageAttributeValue::builder().data_type("Binary");
            let binary = binary.binary_value(Blob::new([0, 255, 7])).build()?;
            let number = attribute_of_type("Number", "12.5")?;
            let call = target
                .sending(&url, "x")
                .message_attributes("text", text("é")?);
            let call = call.message_attributes("number", number.clone());
            let sent = call
                .message_attributes("bytes", binary.clone())
                .send()
                .await?;
            let received = target.receive_one(&url).await?;
            let attributes = received.message_attributes().cloned().unwrap_or_default();
            equal("text", attributes.get("text"), Some(&text("é")?))?;
            equal("number", attributes.get("number"), Some(&number))?;
            equal("bytes", attributes.get("bytes"), Some(&binary))?;
            let digest = some("the digest", sent.md5_of_message_attributes())?;
            equal(
                "MD5 received",
                received.md5_of_message_attributes(),
                Some(digest),
            )
        }
    ),
    case!(
        "message-attribute-custom-types",
        "A data type may carry a label of one's own after a period.",
        SQS_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let price = attribute_of_type("Number.price", "9")?;
            let call = target
                .sending(&url, "x")
                .message_attributes("price", price.clone());
            call.send().await?;
            let received = target.receive_one(&url).await?;
            let attributes = received.message_attributes().cloned().unwrap_or_default();
            equal("price", attributes.get("price"), Some(&price))
        }
    ),
    case!(
        "message-attributes-md5",
        "The MD5 of the attributes is computed over names, types and values in order of names.",
        SQS_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target
                .sending(&url, "x")
                .message_attributes("b", text("2")?);
            let sent = call.message_attributes("a", text("1")?).send().await?;
            equal(
                "the MD5",
                sent.md5_of_message_attributes(),
                Some(md5_of_strings(&[("a", "1"), ("b", "2")]).as_str()),
            )
        }
    ),
    case!(
        "message-attributes-selected",
        "ReceiveMessage returns the message attributes asked for by name or by prefix.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "0")]).await?;
            let call = target
                .sending(&url, "x")
                .message_attributes("bar.one", text("1")?);
            let call = call.message_attributes("bar.two", text("2")?);
            call.message_attributes("foo", text("3")?).send().await?;
            for (asked, expected) in [("foo", 1), ("bar.*", 2), ("All", 3), (".*", 3), ("none", 0)]
            {
                let call = target.sqs.receive_message().queue_url(&url);
                let call = call.message_attribute_names(asked).wait_time_seconds(1);
                let messages = call.send().await?.messages.unwrap_or_default();
                let message = some("the message", messages.first())?;
                let found = message.message_attributes().map_or(0, |all| all.len());
                equal(&format!("attributes for {asked}"), found, expected)?;
            }
            Ok(())
        }
    ),
    case!(
        "message-attributes-not-asked-for",
        "ReceiveMessage returns no attributes that were not asked for.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target
                .sending(&url, "x")
                .message_attributes("k", text("v")?);
            call.send().await?;
            let call = target.sqs.receive_message().queue_url(&url);
            let messages = call.wait_time_seconds(1).send().await?;
            let message = some("the message", messages.messages().first())?;
            let attributes = message.message_attributes().map_or(0, |all| all.len());
            equal("message attributes", attributes, 0)?;
            let system = message.attributes().map_or(0, |all| all.len());
            equal("system attributes", system, 0)
        }
    ),
    case!(
        "message-system-attributes",
        "A received message tells its sender, when it was sent and first received, and how often.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            some("SenderId", system_attribute(&message, "SenderId").ok())?;
            equal(
                "ApproximateReceiveCount",
                system_attribute(&message, "ApproximateReceiveCount")?,
                "1",
            )?;
            let sent = millis(system_attribute(&message, "SentTimestamp")?)?;
            let received = system_attribute(&message, "ApproximateFirstReceiveTimestamp")?;
            let received = millis(received)?;
            ensure(sent > 1_600_000_000_000 && sent <= received, || {
                format!("sent at {sent}, first received at {received}, expected epoch milliseconds")
            })
        }
    ),
    case!(
        "message-receive-count-grows",
        "ApproximateReceiveCount counts receives; the time of the first one stays.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            target.send(&url, "x").await?;
            let first = target.receive_one(&url).await?;
            target.pass_seconds(1).await;
            let second = target.receive_one(&url).await?;
            let count = system_attribute(&second, "ApproximateReceiveCount")?;
            equal("ApproximateReceiveCount", count, "2")?;
            let name = "ApproximateFirstReceiveTimestamp";
            equal(
                name,
                system_attribute(&second, name)?,
                system_attribute(&first, name)?,
            )
        }
    )
    .takes(1),
    case!(
        "message-trace-header",
        "AWSTraceHeader travels as a system attribute, with an MD5 of its own.",
        SEND_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let header = MessageSystemAttributeValue::builder().data_type("String");
            let header = header.string_value(TRACE).build()?;
            let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
            let call = target.sending(&url, "x");
            let sent = call.message_system_attributes(name, header).send().await?;
            some("the MD5", sent.md5_of_message_system_attributes())?;
            let message = target.receive_one(&url).await?;
            equal(
                "AWSTraceHeader",
                system_attribute(&message, "AWSTraceHeader")?,
                TRACE,
            )
        }
    ),
    case!(
        "message-group-on-standard-queue",
        "A standard queue takes a MessageGroupId, shows it, and delivers its messages in parallel.",
        SEND_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            for body in ["a", "b"] {
                let call = target.sending(&url, body).message_group_id("tenant");
                call.send().await?;
            }
            let one = || target.receiving(&url).max_number_of_messages(1).send();
            let first = one().await?.messages.unwrap_or_default();
            let first = some("the first message", first.first())?.clone();
            equal(
                "MessageGroupId",
                system_attribute(&first, "MessageGroupId")?,
                "tenant",
            )?;
            let second = one().await?.messages.unwrap_or_default();
            equal("messages beside the one in flight", second.len(), 1)
        }
    ),
    case!(
        "receive-at-most-what-was-asked",
        "ReceiveMessage returns one message by default and at most MaxNumberOfMessages.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            for number in 0..12 {
                target.send(&url, &number.to_string()).await?;
            }
            let default = target.sqs.receive_message().queue_url(&url).send().await?;
            equal("messages by default", default.messages().len(), 1)?;
            let ten = target.receive(&url).await?;
            ensure(ten.len() <= 10, || {
                format!("{} messages, expected 10 at most", ten.len())
            })
        }
    ),
    case!(
        "receive-everything-sent",
        "Every message sent can be received.",
        STANDARD_QUEUES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let sent: Vec<String> = (10..35).map(|number| number.to_string()).collect();
            for body in &sent {
                target.send(&url, body).await?;
            }
            let mut received = Vec::new();
            for _ in 0..20 {
                received.extend(target.receive(&url).await?);
            }
            equal("the bodies", sorted_bodies(&received), sent)
        }
    ),
    case!(
        "receive-empty-queue",
        "ReceiveMessage on an empty queue succeeds without messages.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.expect_empty(&url).await
        }
    ),
    case!(
        "counts-by-state",
        "A queue counts available, delayed and in-flight messages apart.",
        GET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            for body in ["a", "b", "c"] {
                target.send(&url, body).await?;
            }
            target
                .sending(&url, "later")
                .delay_seconds(900)
                .send()
                .await?;
            let call = target.sqs.receive_message().queue_url(&url);
            call.wait_time_seconds(1).send().await?;
            for (name, expected) in [
                ("ApproximateNumberOfMessages", "2"),
                ("ApproximateNumberOfMessagesNotVisible", "1"),
                ("ApproximateNumberOfMessagesDelayed", "1"),
            ] {
                equal(name, target.attribute(&url, name).await?, expected)?;
            }
            Ok(())
        }
    ),
];

fn millis(text: &str) -> crate::case::Outcome<u64> {
    let number = text
        .parse()
        .map_err(|_| format!("{text:?} is no number of milliseconds"))?;
    Ok(number)
}

/// The digest as AWS describes it, written down here a second time to check the first:
/// each part is preceded by its length, strings have transport type 1.
fn md5_of_strings(attributes: &[(&str, &str)]) -> String {
    use md5::{Digest as _, Md5};
    let mut digest = Md5::new();
    for (name, value) in attributes {
        for part in [name, "String"] {
            digest.update((part.len() as u32).to_be_bytes());
            digest.update(part);
        }
        digest.update([1]);
        digest.update((value.len() as u32).to_be_bytes());
        digest.update(value);
    }
    let bytes = digest.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

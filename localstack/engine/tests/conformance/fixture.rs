//! What most cases begin with: queues, messages, topics with subscribers.
//!
//! Receives ask for everything and do not wait, so a case that finds nothing says so at once.

use crate::case::Outcome;
use crate::check::{ensure, some};
use crate::target::Target;
use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};

pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

impl Target {
    /// A standard queue; its URL.
    pub(crate) async fn queue(&self, stem: &str, attributes: Pairs<'_>) -> Outcome<String> {
        self.create_queue(&self.name(stem), attributes).await
    }

    /// A FIFO queue; its URL.
    pub(crate) async fn fifo_queue(&self, stem: &str, attributes: Pairs<'_>) -> Outcome<String> {
        let name = format!("{}.fifo", self.name(stem));
        let attributes = [&[("FifoQueue", "true")], attributes].concat();
        self.create_queue(&name, &attributes).await
    }

    pub(crate) async fn create_queue(&self, name: &str, attributes: Pairs<'_>) -> Outcome<String> {
        let mut call = self.sqs.create_queue().queue_name(name);
        for (key, value) in attributes {
            call = call.attributes((*key).into(), *value);
        }
        some("the queue's URL", call.send().await?.queue_url)
    }

    /// A source queue that buries messages after `most` receives, and its dead-letter queue.
    pub(crate) async fn with_dead_letters(&self, most: u32) -> Outcome<(String, String)> {
        let dead_letters = self.queue("dlq", &[]).await?;
        let policy = redrive_policy(&self.arn_of(&dead_letters).await?, most);
        let source = self.queue("source", &[("RedrivePolicy", &policy)]).await?;
        Ok((source, dead_letters))
    }

    pub(crate) async fn set(&self, url: &str, name: &str, value: &str) -> Outcome {
        let call = self.sqs.set_queue_attributes().queue_url(url);
        call.attributes(name.into(), value).send().await?;
        Ok(())
    }

    pub(crate) async fn attribute(&self, url: &str, name: &str) -> Outcome<String> {
        let call = self.sqs.get_queue_attributes().queue_url(url);
        let name = QueueAttributeName::from(name);
        let answer = call.attribute_names(name.clone()).send().await?;
        let value = answer.attributes.unwrap_or_default().remove(&name);
        some(name.as_str(), value)
    }

    pub(crate) async fn arn_of(&self, url: &str) -> Outcome<String> {
        self.attribute(url, "QueueArn").await
    }

    pub(crate) fn sending(&self, url: &str, body: &str) -> SendMessageFluentBuilder {
        self.sqs.send_message().queue_url(url).message_body(body)
    }

    pub(crate) async fn send(&self, url: &str, body: &str) -> Outcome<SendMessageOutput> {
        Ok(self.sending(url, body).send().await?)
    }

    /// Sends to a FIFO queue; the body is the deduplication id as well.
    pub(crate) async fn send_to_group(
        &self,
        url: &str,
        group: &str,
        body: &str,
    ) -> Outcome<SendMessageOutput> {
        let call = self.sending(url, body).message_group_id(group);
        Ok(call.message_deduplication_id(body).send().await?)
    }

    /// A receive that asks for up to ten messages with all they have, and does not wait.
    pub(crate) fn receiving(&self, url: &str) -> ReceiveMessageFluentBuilder {
        let call = self.sqs.receive_message().queue_url(url);
        call.max_number_of_messages(10)
            .wait_time_seconds(0)
            .message_system_attribute_names("All".into())
            .message_attribute_names("All")
    }

    pub(crate) async fn receive(&self, url: &str) -> Outcome<Vec<Message>> {
        let answer = self.receiving(url).send().await?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// The one message that is there; waits for it a moment.
    pub(crate) async fn receive_one(&self, url: &str) -> Outcome<Message> {
        let answer = self.receiving(url).wait_time_seconds(1).send().await?;
        let mut messages = answer.messages.unwrap_or_default();
        ensure(messages.len() == 1, || {
            format!("received {} messages, expected one", messages.len())
        })?;
        Ok(messages.remove(0))
    }

    pub(crate) async fn expect_empty(&self, url: &str) -> Outcome {
        let messages = self.receive(url).await?;
        ensure(messages.is_empty(), || {
            format!("received {:?}, expected nothing", bodies(&messages))
        })
    }

    pub(crate) async fn delete(&self, url: &str, message: &Message) -> Outcome {
        let call = self.sqs.delete_message().queue_url(url);
        call.receipt_handle(handle(message)?).send().await?;
        Ok(())
    }

    /// Hides a message for so many seconds from now; 0 gives it back.
    pub(crate) async fn hide(&self, url: &str, message: &Message, seconds: i32) -> Outcome {
        let call = self.sqs.change_message_visibility().queue_url(url);
        let call = call.receipt_handle(handle(message)?);
        call.visibility_timeout(seconds).send().await?;
        Ok(())
    }
}

pub(crate) fn redrive_policy(dead_letter_arn: &str, most: u32) -> String {
    serde_json::json!({"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": most.to_string()})
        .to_string()
}

pub(crate) fn handle(message: &Message) -> Outcome<&str> {
    some("the receipt handle", message.receipt_handle())
}

pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    let bodies = messages.iter().filter_map(|message| message.body());
    bodies.collect()
}

/// The bodies in alphabetical order, for queues that promise no order.
pub(crate) fn sorted_bodies(messages: &[Message]) -> Vec<&str> {
    let mut bodies = bodies(messages);
    bodies.sort_unstable();
    bodies
}

/// A system attribute of a received message.
pub(crate) fn system_attribute<'a>(message: &'a Message, name: &str) -> Outcome<&'a str> {
    let value = message.attributes().and_then(|all| all.get(&name.into()));
    some(name, value.map(String::as_str))
}

pub(crate) fn attribute_of_type(data_type: &str, value: &str) -> Outcome<MessageAttributeValue> {
    let attribute = MessageAttributeValue::builder().data_type(data_type);
    Ok(attribute.string_value(value).build()?)
}

pub(crate) fn text(value: &str) -> Outcome<MessageAttributeValue> {
    attribute_of_type("String", value)
}

pub(crate) fn entry(id: &str, body: &str) -> Outcome<SendMessageBatchRequestEntry> {
    let entry = SendMessageBatchRequestEntry::builder().id(id);
    Ok(entry.message_body(body).build()?)
}

//! An engine in virtual time with an SQS client, and the calls that every test makes.

use crate::sdk::{self, client};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use fanline_engine::{Config, InProcess};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) struct World {
    pub(crate) engine: InProcess,
    pub(crate) sqs: aws_sdk_sqs::Client,
    started: Instant,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let engine = sdk::engine(change);
        Self {
            sqs: client!(aws_sdk_sqs, sdk::URL, "test", sdk::http_client(&engine)),
            engine,
            started: Instant::now(),
        }
    }

    /// Virtual time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) async fn queue(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let mut call = self.sqs.create_queue().queue_name(name);
        for (key, value) in attributes {
            call = call.attributes((*key).into(), *value);
        }
        let created = call.send().await.expect("is created");
        created.queue_url.expect("has a URL")
    }

    pub(crate) async fn set(&self, url: &str, name: QueueAttributeName, value: &str) {
        let call = self.sqs.set_queue_attributes().queue_url(url);
        call.attributes(name, value).send().await.expect("is set");
    }

    pub(crate) async fn send(&self, url: &str, body: &str) {
        let mut call = self.sqs.send_message().queue_url(url).message_body(body);
        if url.ends_with(".fifo") {
            call = call
                .message_group_id("group")
                .message_deduplication_id(body);
        }
        call.send().await.expect("is sent");
    }

    /// Up to ten messages; waits for the first.
    pub(crate) async fn receive(&self, url: &str, wait_seconds: i32) -> Vec<Message> {
        let call = self
            .sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .wait_time_seconds(wait_seconds)
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let received = call.send().await.expect("receives");
        received.messages.unwrap_or_default()
    }

    pub(crate) async fn delete(&self, url: &str, message: &Message) {
        let call = self.sqs.delete_message().queue_url(url);
        let call = call.set_receipt_handle(message.receipt_handle.clone());
        call.send().await.expect("is deleted");
    }

    pub(crate) async fn hide(&self, url: &str, message: &Message, seconds: i32) {
        let call = self.sqs.change_message_visibility().queue_url(url);
        let call = call.set_receipt_handle(message.receipt_handle.clone());
        let call = call.visibility_timeout(seconds);
        call.send().await.expect("is hidden");
    }
}

pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .filter_map(|message| message.body())
        .collect()
}

pub(crate) fn redrive(target: &str, most_receives: u32) -> String {
    format!(
        r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:{target}","maxReceiveCount":{most_receives}}}"#
    )
}

//! A server on a free port and SDK clients pointed at it.

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use fanline_engine::{Config, ManualClock, Server};
use std::sync::Arc;

pub(crate) struct Fixture {
    pub(crate) server: Server,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) clock: Arc<ManualClock>,
}

macro_rules! client {
    ($sdk:ident, $endpoint:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new("us-east-1"))
                .endpoint_url($endpoint)
                .credentials_provider(Credentials::new("test", "test", None, None, "test"))
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    };
}

pub(crate) async fn start() -> Fixture {
    start_with(|_| {}).await
}

/// A server whose clock is the test's.
pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Fixture {
    let clock = Arc::new(ManualClock::at(1_771_065_000_000));
    let mut config = Config {
        clock: clock.clone(),
        seed: 7,
        ..Config::default()
    };
    change(&mut config);
    let server = Server::bind("127.0.0.1:0", config).await.expect("binds");
    let endpoint = server.endpoint_url();
    Fixture {
        sqs: client!(aws_sdk_sqs, &endpoint),
        sns: client!(aws_sdk_sns, &endpoint),
        dynamodb: client!(aws_sdk_dynamodb, &endpoint),
        server,
        clock,
    }
}

impl Fixture {
    pub(crate) async fn queue(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let mut call = self.sqs.create_queue().queue_name(name);
        for (key, value) in attributes {
            call = call.attributes((*key).into(), *value);
        }
        let created = call.send().await.expect("queue is created");
        created.queue_url.expect("has a URL")
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    pub(crate) async fn send(&self, url: &str, body: &str) {
        let call = self.sqs.send_message().queue_url(url).message_body(body);
        call.send().await.expect("is sent");
    }

    pub(crate) async fn receive(&self, url: &str) -> Vec<aws_sdk_sqs::types::Message> {
        let call = self
            .sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .message_system_attribute_names("All".into())
            .message_attribute_names("All");
        call.send()
            .await
            .expect("receives")
            .messages
            .unwrap_or_default()
    }
}

pub(crate) fn bodies(messages: &[aws_sdk_sqs::types::Message]) -> Vec<&str> {
    messages
        .iter()
        .filter_map(|message| message.body())
        .collect()
}

/// The AWS error code of a refused call.
macro_rules! code {
    ($call:expr) => {{
        use aws_sdk_sqs::error::ProvideErrorMetadata as _;
        $call
            .await
            .expect_err("is refused")
            .code()
            .unwrap_or("(none)")
            .to_owned()
    }};
}
pub(crate) use code;

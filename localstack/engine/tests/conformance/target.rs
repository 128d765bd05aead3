//! Where a case runs: the SDK clients, names nobody else uses, and time.
//!
//! This is the only place that knows whether the target is the engine or an endpoint
//! somewhere. On the engine time is moved; elsewhere it is waited for.

use crate::case::Outcome;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use fanline_engine::{Config, ManualClock, Server};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The engine's account.
const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    url: String,
    account: String,
    prefix: String,
    time: Time,
}

#[derive(Clone)]
enum Time {
    Moved(Arc<ManualClock>),
    Waited,
}

macro_rules! client {
    ($sdk:ident, $endpoint:expr, $account:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new(REGION))
                .endpoint_url($endpoint)
                .credentials_provider(Credentials::new($account, "test", None, None, "test"))
                .retry_config($sdk::config::retry::RetryConfig::disabled())
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    };
}

impl Target {
    /// An engine of its own for one case; it ends with the server value.
    pub(crate) async fn engine(case: &str) -> std::io::Result<(Self, Server)> {
        let clock = Arc::new(ManualClock::at(1_771_065_000_000));
        let config = Config {
            clock: clock.clone(),
            seed: 7,
            ..Config::default()
        };
        let server = Server::bind("127.0.0.1:0", config).await?;
        let target = Self::at(
            &server.endpoint_url(),
            ACCOUNT.into(),
            case,
            Time::Moved(clock),
        );
        Ok((target, server))
    }

    /// Something else that speaks AWS's protocols. LocalStack takes an access key of 12
    /// digits for the account: with one of its own for each case, what a case does wrong to
    /// it is no other case's failure.
    pub(crate) fn endpoint(url: &str, account: u64, case: &str) -> Self {
        Self::at(url, format!("{account:012}"), case, Time::Waited)
    }

    fn at(url: &str, account: String, case: &str, time: Time) -> Self {
        Self {
            sqs: client!(aws_sdk_sqs, url, account.as_str()),
            sns: client!(aws_sdk_sns, url, account.as_str()),
            dynamodb: client!(aws_sdk_dynamodb, url, account.as_str()),
            url: url.to_owned(),
            account,
            prefix: case.to_owned(),
            time,
        }
    }

    /// A name for a queue, topic or table that no other case uses; short enough for SQS.
    pub(crate) fn name(&self, stem: &str) -> String {
        format!("{}-{stem}", self.prefix)
    }

    pub(crate) fn queue_arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{REGION}:{}:{name}", self.account)
    }

    pub(crate) fn topic_arn(&self, name: &str) -> String {
        format!("arn:aws:sns:{REGION}:{}:{name}", self.account)
    }

    /// A call of the JSON protocol to a service for which there is no SDK client here.
    pub(crate) async fn json(&self, operation: &str, body: Value) -> Outcome<Value> {
        let request = hyper::Request::post(&self.url)
            .header("x-amz-target", operation)
            .header("content-type", "application/x-amz-json-1.0")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| format!("no request: {error}"))?;
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let answer = client.request(request).await;
        let answer = answer.map_err(|error| format!("{operation} had no answer: {error}"))?;
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| format!("{operation} broke off: {error}"))?;
        Ok(serde_json::from_slice(&body.to_bytes())?)
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        match &self.time {
            Time::Moved(clock) => clock.advance(time),
            Time::Waited => tokio::time::sleep(time).await,
        }
    }

    /// Lets whole seconds pass, and a little more where time is real.
    pub(crate) async fn pass_seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds)).await;
        if matches!(self.time, Time::Waited) {
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
}

//! Where a case runs: the SDK clients, names nobody else uses, and time.
//!
//! This is the only place that knows whether the target is the engine, in this process and in
//! virtual time, or an endpoint somewhere, where time is waited for.

use crate::case::Outcome;
use crate::sdk::{self, client};
use aws_sdk_sqs::config::SharedHttpClient;
use bytes::Bytes;
use fanline_engine::InProcess;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

/// The engine's account.
const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) streams: aws_sdk_dynamodbstreams::Client,
    account: String,
    prefix: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Engine(InProcess),
    Endpoint(String),
}

impl Target {
    /// An engine of its own for one case. To be called inside a paused runtime.
    pub(crate) fn engine(case: &str) -> Self {
        let engine = sdk::engine(|_| {});
        let http_client = sdk::http_client(&engine);
        Self::at(
            sdk::URL,
            ACCOUNT.into(),
            case,
            &http_client,
            Place::Engine(engine),
        )
    }

    /// Something else that speaks AWS's protocols. LocalStack takes an access key of 12
    /// digits for the account: with one of its own for each case, what a case does wrong to
    /// it is no other case's failure.
    pub(crate) fn endpoint(url: &str, account: u64, case: &str) -> Self {
        let http_client = aws_smithy_http_client::Builder::new().build_http();
        let place = Place::Endpoint(url.to_owned());
        Self::at(url, format!("{account:012}"), case, &http_client, place)
    }

    fn at(
        url: &str,
        account: String,
        case: &str,
        http_client: &SharedHttpClient,
        place: Place,
    ) -> Self {
        let key = account.as_str();
        Self {
            sqs: client!(aws_sdk_sqs, url, key, http_client.clone()),
            sns: client!(aws_sdk_sns, url, key, http_client.clone()),
            dynamodb: client!(aws_sdk_dynamodb, url, key, http_client.clone()),
            streams: client!(aws_sdk_dynamodbstreams, url, key, http_client.clone()),
            account,
            prefix: case.to_owned(),
            place,
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

    /// What stands at a path of the target, for what no SDK asks for.
    pub(crate) async fn page(&self, path: &str) -> Outcome<Bytes> {
        let wrong = |error: &dyn std::fmt::Display| format!("no page at {path}: {error}");
        match &self.place {
            Place::Engine(engine) => {
                let request = Request::get(path).body(Bytes::new());
                let request = request.map_err(|error| wrong(&error))?;
                Ok(engine.call(request).await.into_body())
            }
            Place::Endpoint(url) => {
                let request = Request::get(format!("{url}{path}")).body(Empty::<Bytes>::new());
                let request = request.map_err(|error| wrong(&error))?;
                let client = Client::builder(TokioExecutor::new()).build_http();
                let answer = client.request(request).await;
                let answer = answer.map_err(|error| wrong(&error))?.into_body();
                let body = answer.collect().await.map_err(|error| wrong(&error))?;
                Ok(body.to_bytes())
            }
        }
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Lets whole seconds pass, and a little more where time is real.
    pub(crate) async fn pass_seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds)).await;
        if let Place::Endpoint(_) = self.place {
            self.pass(Duration::from_millis(150)).await;
        }
    }
}

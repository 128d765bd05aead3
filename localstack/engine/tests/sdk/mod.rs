//! SDK clients on an engine in the same process: the SDKs' real requests, without a socket.
//!
//! Under `#[tokio::test(start_paused = true)]` time is virtual: sleeping, polling for twenty
//! seconds or waiting for a visibility timeout costs nothing, and hours pass in between.

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use fanline_engine::{Config, EpochMillis, InProcess, TokioClock};
use std::fmt;
use std::sync::Arc;

/// When virtual time begins: 2026-02-14T10:30:00Z.
pub(crate) const START: EpochMillis = 1_771_065_000_000;

/// An engine whose clock is tokio's. To be called inside a paused runtime.
pub(crate) fn engine(change: impl FnOnce(&mut Config)) -> InProcess {
    let mut config = Config {
        clock: Arc::new(TokioClock::starting_at(START)),
        seed: 7,
        ..Config::default()
    };
    change(&mut config);
    InProcess::new(config).expect("the engine starts")
}

/// What an SDK configuration needs to reach the engine.
pub(crate) fn http_client(engine: &InProcess) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(engine.clone()));
    http_client_fn(move |_, _| connector.clone())
}

/// What queue URLs and requests begin with; nothing listens there.
pub(crate) const URL: &str = "http://127.0.0.1:4566";

/// A client of an SDK: `client!(aws_sdk_sqs, sdk::URL, "key", sdk::http_client(&engine))`.
macro_rules! client {
    ($sdk:ident, $endpoint:expr, $access_key:expr, $http_client:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version($crate::sdk::version())
                .region($crate::sdk::region())
                .endpoint_url($endpoint)
                .credentials_provider($crate::sdk::credentials($access_key))
                .retry_config($sdk::config::retry::RetryConfig::disabled())
                .http_client($http_client)
                .build(),
        )
    };
}
pub(crate) use client;

pub(crate) fn version() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

pub(crate) fn region() -> Region {
    Region::new("us-east-1")
}

pub(crate) fn credentials(access_key: &str) -> Credentials {
    Credentials::new(access_key, "test", None, None, "test")
}

struct Connector(InProcess);

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the engine in this process")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engine = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            // Bodies of SQS, SNS and DynamoDB requests are in memory.
            let request =
                request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let response = engine.call(request).await.map(SdkBody::from);
            HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
        })
    }
}

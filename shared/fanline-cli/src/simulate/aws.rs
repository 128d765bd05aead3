//! A run's AWS account: SDK clients, whose requests go over the simulated network to the engine in this process.
//!
//! The one thing to get wrong: a promise judged by what a caller was told. What has become certain is seen here, where
//! the engine does it, whether or not anybody gets the answer.

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, SdkConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_sdk_sqs::config::Region;
use aws_smithy_runtime_api::client::{
    http::{
        HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use fanline::{System, dedup::DedupStore};
use fanline_aws::DynamoStore;
use fanline_engine::{Config, InProcess, TokioClock};
use fanline_testing::sim::{Handle, Service};
use futures_util::FutureExt;
use hyper::{Request, Response};
use serde_json::{Value, json};
use tokio::{sync::Notify, time::sleep};

/// The table of dedup records.
const DEDUP: &str = "processed-events";

/// The table of events that are not published yet.
pub(super) const OUTBOX: &str = "outbox";

/// After which a caller waits no longer: as SDK clients in functions should be told to.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Aws {
    engine: InProcess,
    pub(super) world: Handle,
    /// Told when the outbox has a new row.
    pub(super) written: Arc<Notify>,
}

impl Aws {
    /// An account with a dedup table.
    pub(super) fn new(world: &Handle) -> Self {
        let config = Config {
            clock: Arc::new(TokioClock::starting_at(world.now())),
            seed: 0,
            ..Config::default()
        };
        let engine = InProcess::beside(world.engine(), config);
        let aws = Self {
            engine: engine.expect("tables in memory need only memory"),
            world: world.clone(),
            written: Arc::default(),
        };
        aws.create_table(DEDUP, &["id"]);
        aws
    }

    /// Creates a table with these keys, all strings; the outbox with a stream of new images.
    pub(super) fn create_table(&self, name: &str, keys: &[&str]) {
        let attribute = |key: &&str| json!({"AttributeName": key, "AttributeType": "S"});
        let key = |(key, kind): (&&str, &str)| json!({"AttributeName": key, "KeyType": kind});
        let attributes: Vec<Value> = keys.iter().map(attribute).collect();
        let schema: Vec<Value> = keys.iter().zip(["HASH", "RANGE"]).map(key).collect();
        let mut call = json!({
            "TableName": name, "AttributeDefinitions": attributes, "KeySchema": schema,
            "BillingMode": "PAY_PER_REQUEST",
        });
        if name == OUTBOX {
            call["StreamSpecification"] =
                json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"});
        }
        self.ask("CreateTable", &call);
    }

    /// Asks DynamoDB past the network and its faults.
    ///
    /// # Panics
    /// If it refuses: no scenario is meant to ask so.
    pub(super) fn ask(&self, operation: &str, body: &Value) -> Value {
        let request =
            Request::post("/").header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
        let request = request.body(Bytes::from(body.to_string()));
        let request = request.expect("a request of known parts is one");
        let answer = self.engine.call(request).now_or_never();
        let answer = answer.expect("tables in this process answer at once");
        let body = String::from_utf8_lossy(answer.body());
        assert!(answer.status().is_success(), "{operation}: {body}");
        serde_json::from_str(&body).unwrap_or_default()
    }

    /// All items of a table.
    pub(super) fn items(&self, table: &str) -> Vec<Value> {
        let answer = self.ask("Scan", &json!({"TableName": table}));
        answer["Items"].as_array().cloned().unwrap_or_default()
    }

    /// The dedup store as it is at the far end of the network: the simulation puts that in front of it.
    pub(super) fn dedup_store(&self) -> Arc<dyn DedupStore> {
        let system = self.world.system("dynamodb");
        let connector = Connector {
            aws: self.clone(),
            route: Route::Near(Arc::clone(&system)),
        };
        Arc::new(DynamoStore::new(
            dynamodb(&config(connector)),
            DEDUP,
            system,
        ))
    }

    /// Clients of a process of this name.
    pub(super) fn clients(&self, process: &str) -> (aws_sdk_dynamodb::Client, aws_sdk_sns::Client) {
        let config = config(Connector {
            aws: self.clone(),
            route: Route::Network(process.into()),
        });
        let sns = aws_sdk_sns::config::Builder::from(&config).allow_no_auth();
        (
            dynamodb(&config),
            aws_sdk_sns::Client::from_conf(sns.build()),
        )
    }

    async fn carry_out(
        self,
        from: Arc<str>,
        what: String,
        request: Request<Bytes>,
    ) -> Response<Bytes> {
        let body = request.body().clone();
        let response = self.engine.call(request).await;
        if response.status().is_success() {
            self.see(&from, &what, &body);
        }
        response
    }

    /// Tells the world what has become certain.
    fn see(&self, from: &str, what: &str, body: &[u8]) {
        let body = String::from_utf8_lossy(body);
        let ids = ids_in(&body);
        match what {
            "PublishBatch" => {
                self.world.wake();
                self.world
                    .note(from, "topic", &ids, || format!("{} published", ids.len()));
            }
            "TransactWriteItems" => {
                for id in committed_rows(&body) {
                    self.world.accept(&id);
                    self.world
                        .note(from, OUTBOX, &[&id], || format!("{id} committed"));
                    self.written.notify_one();
                }
            }
            "BatchWriteItem" => {
                self.world
                    .note(from, OUTBOX, &ids, || format!("{} rows deleted", ids.len()));
            }
            _ => {}
        }
    }
}

/// Ids of the events that a transaction puts into the outbox.
fn committed_rows(body: &str) -> Vec<String> {
    let call: Value = serde_json::from_str(body).unwrap_or_default();
    let actions = call["TransactItems"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let puts = actions.iter().map(|action| &action["Put"]);
    let rows = puts.filter(|put| put["TableName"] == OUTBOX);
    rows.filter_map(|put| put["Item"]["id"]["S"].as_str().map(str::to_owned))
        .collect()
}

/// All UUIDs in a request, each once: ids of events.
fn ids_in(body: &str) -> Vec<&str> {
    let mut ids: Vec<&str> = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.find('-') {
        let start = at.saturating_sub(8);
        match rest.get(start..start + 36).filter(|id| is_uuid(id)) {
            Some(id) => {
                if !ids.contains(&id) {
                    ids.push(id);
                }
                rest = &rest[start + 36..];
            }
            None => rest = &rest[at + 1..],
        }
    }
    ids.sort_unstable();
    ids
}

fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// How requests come to the engine.
#[derive(Clone)]
enum Route {
    /// Over the network, from this process.
    Network(Arc<str>),
    /// Within a data centre: some milliseconds, and what is lost had no effect.
    Near(Arc<dyn System>),
}

#[derive(Clone)]
struct Connector {
    aws: Aws,
    route: Route,
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the simulated network")
    }
}

impl Connector {
    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x();
        let request = request.map_err(|error| ConnectorError::user(error.into()))?;
        let request = request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
        let (service, what) = operation(&request);
        let response = match self.route {
            Route::Near(system) => {
                sleep(Duration::from_millis((system.random() % 4) as u64)).await;
                let body = String::from_utf8_lossy(request.body()).into_owned();
                let world = &self.aws.world;
                if world.loses("dedup store", service, &what, &ids_in(&body)) {
                    return Err(ConnectorError::io("the connection was reset".into()));
                }
                self.aws.carry_out("worker".into(), what, request).await
            }
            Route::Network(from) => {
                let body = String::from_utf8_lossy(request.body()).into_owned();
                let world = self.aws.world.clone();
                let effect = self.aws.carry_out(Arc::clone(&from), what.clone(), request);
                let answer = world
                    .call(&from, service, &what, ids_in(&body), effect)
                    .await;
                answer.map_err(|lost| ConnectorError::io(lost.0.into()))?
            }
        };
        HttpResponse::try_from(response.map(SdkBody::from))
            .map_err(|error| ConnectorError::user(error.into()))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}

/// Whom a request is for, and what it asks.
fn operation(request: &Request<Bytes>) -> (Service, String) {
    let target = request.headers().get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok()?.split_once('.'));
    if let Some((_, operation)) = target {
        return (Service::Store, operation.to_owned());
    }
    let body = String::from_utf8_lossy(request.body());
    let action = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    (Service::Topic, action.unwrap_or("request").to_owned())
}

/// Requests are not signed: in runs by the thousand it would be most of the work.
fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(config).allow_no_auth();
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn config(connector: Connector) -> SdkConfig {
    let connector = SharedHttpConnector::new(connector);
    let http_client: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(crate::aws::LOCAL_REGION))
        .endpoint_url("http://aws")
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(PATIENCE).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http_client)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_wherever_they_stand() {
        let (one, other) = (
            "019c5c8e-1d40-7abc-8def-0123456789ab",
            "019c5c8e-1d40-7abc-8def-0123456789ac",
        );
        let body = format!("a-b%22{other}%22 mails#{one} {other} order-7-x");
        assert_eq!(ids_in(&body), [one, other]);
        assert_eq!(ids_in("ä-"), Vec::<&str>::new());
    }
}

//! A stand-in for SQS at the level of HTTP: hands out scripted messages, records deletes, and can
//! refuse both. It knows no visibility: what was handed out is gone until a test sends it again.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::timeout;

#[derive(Default)]
struct State {
    visible: VecDeque<Value>,
    deleted: Vec<String>,
    /// Errors for the next receives, as AWS's error codes.
    receive_errors: VecDeque<&'static str>,
    /// Receipt handles and the refusals left for each, with whether the sender is at fault.
    delete_refusals: Vec<(String, usize, bool)>,
    receives: Vec<Value>,
    delete_calls: Vec<usize>,
}

#[derive(Clone)]
pub(crate) struct FakeSqs {
    state: Arc<Mutex<State>>,
    arrived: Arc<Notify>,
    pub(crate) url: String,
}

impl FakeSqs {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self {
            state: Arc::default(),
            arrived: Arc::default(),
            url,
        };
        let server = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                let service = hyper::service::service_fn(move |request| {
                    let server = server.clone();
                    async move { Ok::<_, Infallible>(server.respond(request).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        fake
    }

    pub(crate) fn client(&self) -> aws_sdk_sqs::Client {
        use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.url)
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    /// Messages become visible, all at once. Their ids are `m-0`, `m-1` and so on.
    pub(crate) fn send(&self, bodies: impl IntoIterator<Item = Value>) {
        let messages = bodies.into_iter().enumerate().map(|(number, body)| {
            let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            json!({
                "MessageId": format!("m-{number}"), "ReceiptHandle": format!("r-{number}"), "Body": body,
                "Attributes": { "ApproximateReceiveCount": "2", "SentTimestamp": "1700000000000" },
            })
        });
        self.state.lock().unwrap().visible.extend(messages);
        self.arrived.notify_one();
    }

    pub(crate) fn refuse_receives(&self, codes: &[&'static str]) {
        self.state.lock().unwrap().receive_errors.extend(codes);
    }

    pub(crate) fn refuse_delete(&self, handle: &str, times: usize, sender_fault: bool) {
        let refusal = (handle.to_owned(), times, sender_fault);
        self.state.lock().unwrap().delete_refusals.push(refusal);
    }

    /// Message numbers, in the order of their deletes.
    pub(crate) fn deleted(&self) -> Vec<String> {
        self.state.lock().unwrap().deleted.clone()
    }

    pub(crate) fn receives(&self) -> Vec<Value> {
        self.state.lock().unwrap().receives.clone()
    }

    /// How many entries each delete call had.
    pub(crate) fn delete_calls(&self) -> Vec<usize> {
        self.state.lock().unwrap().delete_calls.clone()
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let operation = request.headers()["x-amz-target"]
            .to_str()
            .unwrap()
            .to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let input: Value = serde_json::from_slice(&body).unwrap();
        let (status, output) = match operation.as_str() {
            "AmazonSQS.ReceiveMessage" => self.receive(input).await,
            "AmazonSQS.DeleteMessageBatch" => (StatusCode::OK, self.delete(&input)),
            other => panic!("the mapping called {other}"),
        };
        let response = Response::builder().status(status);
        let response = response.header("content-type", "application/x-amz-json-1.0");
        response.body(Full::new(output.to_string().into())).unwrap()
    }

    async fn receive(&self, input: Value) -> (StatusCode, Value) {
        let error = {
            let mut state = self.state.lock().unwrap();
            state.receives.push(input.clone());
            state.receive_errors.pop_front()
        };
        if let Some(code) = error {
            let error =
                json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": "refused" });
            return (StatusCode::BAD_REQUEST, error);
        }
        let wait = Duration::from_secs(input["WaitTimeSeconds"].as_u64().unwrap_or(0));
        // Nothing may have come when the wait is over; that is an empty answer.
        let _ = timeout(wait, async {
            while self.state.lock().unwrap().visible.is_empty() {
                self.arrived.notified().await;
            }
        })
        .await;
        let mut state = self.state.lock().unwrap();
        let most = usize::try_from(input["MaxNumberOfMessages"].as_u64().unwrap_or(1)).unwrap();
        let count = most.min(state.visible.len());
        let messages: Vec<Value> = state.visible.drain(..count).collect();
        (StatusCode::OK, json!({ "Messages": messages }))
    }

    fn delete(&self, input: &Value) -> Value {
        let mut state = self.state.lock().unwrap();
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        let entries = input["Entries"].as_array().unwrap();
        state.delete_calls.push(entries.len());
        for entry in entries {
            let handle = entry["ReceiptHandle"].as_str().unwrap();
            let is_refused =
                |(refused, left, _): &&mut (String, usize, bool)| refused == handle && *left > 0;
            if let Some((_, left, sender_fault)) = state.delete_refusals.iter_mut().find(is_refused)
            {
                *left -= 1;
                failed.push(json!({
                    "Id": entry["Id"], "SenderFault": *sender_fault, "Code": "Refused", "Message": "not now",
                }));
            } else {
                successful.push(json!({ "Id": entry["Id"] }));
                state.deleted.push(handle.replace("r-", "m-"));
            }
        }
        json!({ "Successful": successful, "Failed": failed })
    }
}

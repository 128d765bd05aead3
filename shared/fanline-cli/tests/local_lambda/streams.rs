//! A table's stream on the embedded engine, and a function that reads it.

use crate::support::{Lines, spec as function_spec, start as start_function, texts};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use fanline_cli::aws;
use fanline_cli::lambda::Function;
use fanline_cli::mapping::Fed;
use fanline_cli::mapping::stream::{OnFailure, Retries, StreamMapping, StreamSpec};
use fanline_engine::{Config, Server};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

struct Rig {
    server: Server,
    config: aws_config::SdkConfig,
    dynamodb: aws_sdk_dynamodb::Client,
    function: Arc<Function>,
    lines: Lines,
    events: mpsc::UnboundedReceiver<Fed>,
    sender: mpsc::UnboundedSender<Fed>,
}

fn stream_spec() -> StreamSpec {
    StreamSpec {
        table: "orders".into(),
        from_the_beginning: true,
        batch_size: 10,
        maximum_batching_window: Duration::ZERO,
        parallelization_factor: 1,
        report_batch_item_failures: true,
        retries: Retries::default(),
        filter_patterns: Vec::new(),
        on_failure: None,
    }
}

impl Rig {
    async fn new() -> Self {
        let server = Server::bind("127.0.0.1:0", Config::default())
            .await
            .unwrap();
        let config = aws::config(Some(&server.endpoint_url())).await.unwrap();
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let attribute = AttributeDefinition::builder()
            .attribute_name("id")
            .attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder()
            .attribute_name("id")
            .key_type(KeyType::Hash);
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages);
        let create = dynamodb.create_table().table_name("orders");
        create
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(key.build().unwrap())
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(stream.build().unwrap())
            .send()
            .await
            .unwrap();
        let (function, lines) = start_function(function_spec());
        let (sender, events) = mpsc::unbounded_channel();
        Self {
            server,
            config,
            dynamodb,
            function,
            lines,
            events,
            sender,
        }
    }

    fn start(&self, spec: StreamSpec) -> StreamMapping {
        let function = Arc::clone(&self.function);
        StreamMapping::start(spec, &self.config, function, self.sender.clone()).unwrap()
    }

    /// Puts an item whose change tells the function what to do.
    async fn put(&self, id: &str, command: &Value) {
        let put = self.dynamodb.put_item().table_name("orders");
        let put = put.item("id", AttributeValue::S(id.into()));
        let put = put.item("command", AttributeValue::S(command.to_string()));
        put.send().await.unwrap();
    }

    /// Waits until as many changes succeeded and were given up; returns why the latter were.
    async fn until(&mut self, succeeded: u64, given_up: u64) -> Vec<String> {
        let (mut done, mut gone, mut reasons) = (0, 0, Vec::new());
        let waiting = async {
            while (done, gone) != (succeeded, given_up) {
                match self.events.recv().await.expect("the mapping runs") {
                    Fed::Succeeded { count, .. } => done += count,
                    Fed::GivenUp { count, reason, .. } => {
                        gone += count;
                        reasons.push(reason);
                    }
                    Fed::Problem { text } => panic!("{text}"),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .expect("the changes should be handled");
        reasons
    }

    /// The changes that the function saw, in order.
    async fn seen(mut self, mapping: StreamMapping) -> Vec<String> {
        mapping.stop().await;
        self.function.shutdown().await;
        self.server.shutdown().await;
        let lines = texts(&mut self.lines).into_iter();
        lines.filter(|line| !line.starts_with("batch")).collect()
    }
}

#[tokio::test]
async fn changes_come_in_order_whatever_happened_before_the_start() {
    let mut rig = Rig::new().await;
    rig.put("a", &json!({})).await;
    rig.put("b", &json!({})).await;
    let mapping = rig.start(stream_spec());
    rig.put("a", &json!({ "again": 1 })).await;
    rig.until(3, 0).await;
    let delete = rig.dynamodb.delete_item().table_name("orders");
    let delete = delete.key("id", AttributeValue::S("a".into()));
    delete.send().await.unwrap();
    rig.until(1, 0).await;
    let seen = rig.seen(mapping).await;
    assert_eq!(seen, ["INSERT a", "INSERT b", "MODIFY a", "REMOVE a"]);
}

#[tokio::test]
async fn a_failed_change_stops_what_is_behind_it_and_is_given_up_with_a_notice() {
    let mut rig = Rig::new().await;
    let sqs = aws_sdk_sqs::Client::new(&rig.config);
    let queue = sqs
        .create_queue()
        .queue_name("failed")
        .send()
        .await
        .unwrap();
    let queue = queue.queue_url.unwrap();
    for (id, command) in [("a", "echo"), ("poison", "fail"), ("b", "echo")] {
        rig.put(id, &json!({ "do": command })).await;
    }
    let mapping = rig.start(StreamSpec {
        retries: Retries {
            maximum_attempts: Some(1),
            bisect: true,
            ..Retries::default()
        },
        on_failure: Some(OnFailure::Queue(queue.clone())),
        ..stream_spec()
    });
    let reasons = rig.until(2, 1).await;
    assert!(
        reasons[0].starts_with("RetryAttemptsExhausted; a notice is in "),
        "{reasons:?}"
    );
    let received = sqs.receive_message().queue_url(queue).send().await.unwrap();
    let notice: Value = serde_json::from_str(received.messages()[0].body().unwrap()).unwrap();
    assert_eq!(
        notice["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(notice["DDBStreamBatchInfo"]["batchSize"], 1);
    // Two attempts of its own, and one more if it first came together with "b".
    let invocations = notice["requestContext"]["approximateInvokeCount"].as_u64();
    assert!(invocations >= Some(2), "{notice}");
    assert!(notice["requestContext"]["requestId"].is_string());
    let seen = rig.seen(mapping).await;
    let first_of = |change: &str| seen.iter().position(|line| line == change);
    let last_poison = seen.iter().rposition(|line| line == "INSERT poison");
    let last_b = seen.iter().rposition(|line| line == "INSERT b");
    assert_eq!(first_of("INSERT a"), Some(0));
    assert!(last_b > last_poison, "{seen:?}");
}

#[tokio::test]
async fn an_error_gives_the_whole_batch_again() {
    let mut rig = Rig::new().await;
    rig.put("a", &json!({ "do": "error", "value": "not yet" }))
        .await;
    let mapping = rig.start(stream_spec());
    // Twice: without a limit it does not stop at the first.
    for _ in 0..2 {
        let retried = async {
            loop {
                if let Fed::Retried { reason, .. } = rig.events.recv().await.unwrap() {
                    break reason;
                }
            }
        };
        let reason = tokio::time::timeout(Duration::from_secs(20), retried).await;
        let reason = reason.expect("the batch is tried again");
        assert!(reason.contains("not yet"), "{reason}");
    }
    mapping.stop().await;
    rig.server.shutdown().await;
}

#[tokio::test]
async fn from_the_latest_on_nothing_from_before_the_start_is_given() {
    let mut rig = Rig::new().await;
    rig.put("before", &json!({})).await;
    let mapping = rig.start(StreamSpec {
        from_the_beginning: false,
        ..stream_spec()
    });
    // Nothing tells when the mapping has found its place, so changes go on until one arrives.
    for number in 0.. {
        assert!(number < 1_000, "no change arrived");
        rig.put("after", &json!({ "number": number })).await;
        let event = tokio::time::timeout(Duration::from_millis(20), rig.events.recv()).await;
        match event {
            Ok(Some(Fed::Problem { text })) => panic!("{text}"),
            Ok(Some(Fed::Succeeded { .. })) => break,
            _ => {}
        }
    }
    let seen = rig.seen(mapping).await;
    assert!(!seen.is_empty());
    assert!(!seen.contains(&"INSERT before".to_owned()), "{seen:?}");
}

#[tokio::test]
async fn only_what_matches_the_filter_is_given() {
    let mut rig = Rig::new().await;
    for (id, command) in [("a", "echo"), ("b", "other")] {
        rig.put(id, &json!({ "do": command })).await;
    }
    let delete = rig.dynamodb.delete_item().table_name("orders");
    let delete = delete.key("id", AttributeValue::S("b".into()));
    delete.send().await.unwrap();
    let mapping = rig.start(StreamSpec {
        filter_patterns: vec![json!({ "eventName": ["REMOVE"] })],
        ..stream_spec()
    });
    rig.until(1, 0).await;
    assert_eq!(rig.seen(mapping).await, ["REMOVE b"]);
}

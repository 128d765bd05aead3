//! The function's binary answers Lambda's own SQS events, fed to it through the Runtime API.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fanline_cli::lambda::{Function, FunctionSpec, LogLine, request_id};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::dev::{Dev, binary};

async fn invoke(function: &Function, event: &'static str) -> Value {
    let response = function
        .invoke(&request_id(), Bytes::from_static(event.as_bytes()))
        .await;
    serde_json::from_slice(&response.unwrap()).unwrap()
}

#[tokio::test]
async fn email_service_answers_raw_and_wrapped_events() {
    // For its tables; the queues stay empty.
    let dev = Dev::start(&["--no-events"]).await;
    let variables = [
        ("AWS_ENDPOINT_URL", dev.cloud.endpoint.as_str()),
        ("FANLINE_DEDUP_TABLE", "processed-events"),
        ("EMAILS_TABLE", "sent-emails"),
    ];
    let (log_sink, mut log) = mpsc::unbounded_channel();
    let function = Function::new(
        FunctionSpec {
            name: "email-service".to_owned(),
            binary: binary("email-service"),
            environment: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            timeout: Duration::from_secs(10),
            memory_mb: 256,
            concurrency: 1,
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
        },
        log_sink,
    );

    let raw = include_str!("events/sqs_raw.json");
    let poison =
        json!({"batchItemFailures": [{"itemIdentifier": "d9144555-9a4f-4ec3-99a0-34ce359b4b54"}]});
    assert_eq!(invoke(&function, raw).await, poison);
    assert_eq!(
        invoke(&function, raw).await,
        poison,
        "the other one is a duplicate now"
    );
    let wrapped = include_str!("events/sqs_wrapped.json");
    assert_eq!(
        invoke(&function, wrapped).await,
        json!({"batchItemFailures": []})
    );

    let mails = dev.cloud.numbers("sent-emails", "id", "sends").await;
    let expected = [("e-1".to_owned(), 1), ("e-2".to_owned(), 1)];
    assert_eq!(mails, expected.into());
    Arc::new(function).shutdown().await;
    let mut lines: Vec<LogLine> = Vec::new();
    while let Ok(line) = log.try_recv() {
        lines.push(line);
    }
    let logged = |text: &str| lines.iter().any(|line| line.line.contains(text));
    assert!(logged("\"succeeded\":1") && logged("\"duplicate\":1") && logged("\"rejected\":1"));
    assert!(
        !logged("user1@example.com") && !logged("this is not JSON"),
        "no payload in logs"
    );
    dev.interrupt().await;
}

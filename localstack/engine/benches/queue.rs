//! How fast the SQS state machine is, alone: send, receive and delete in batches of ten messages
//! of 600 bytes, while a backlog waits in the queue. One core, no HTTP, no JSON on the way in or
//! out except the delete's receipt handles.
//!
//! `cargo bench -p fanline-engine`
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{hint::black_box, time::Duration};

use fanline_engine::{
    Engine, EngineOptions, Identity,
    sqs::{SqsRequest, SqsResponse},
};
use serde_json::json;

const URL: &str = "http://127.0.0.1/000000000000/bench";
const BASE: &str = "http://127.0.0.1";
const BATCHES: u32 = 20_000;

fn request(operation: &str, body: &serde_json::Value) -> SqsRequest {
    SqsRequest::parse(operation, body.to_string().as_bytes()).unwrap()
}

fn send_batch() -> SqsRequest {
    let entries: Vec<_> = (0..10)
        .map(|id| json!({"Id": id.to_string(), "MessageBody": "x".repeat(600)}))
        .collect();
    request(
        "SendMessageBatch",
        &json!({"QueueUrl": URL, "Entries": entries}),
    )
}

fn cycles(backlog: usize) -> (f64, f64) {
    let mut engine = Engine::new(EngineOptions {
        identity: Identity {
            region: "us-east-1".into(),
            account: "000000000000".into(),
        },
        enforce_queue_policies: true,
        seed: 1,
    });
    let mut now = 1_771_065_000_000;
    let step = |engine: &mut Engine, now: u64, request: SqsRequest| {
        engine.sqs(now, BASE, request).answer.unwrap()
    };
    step(
        &mut engine,
        now,
        request("CreateQueue", &json!({"QueueName": "bench"})),
    );
    let send = send_batch();
    let filling = tokio::time::Instant::now();
    for _ in 0..backlog / 10 {
        black_box(step(&mut engine, now, send.clone()));
    }
    let filled = rate(backlog.max(1), filling.elapsed());
    let receive = request(
        "ReceiveMessage",
        &json!({"QueueUrl": URL, "MaxNumberOfMessages": 10}),
    );
    let started = tokio::time::Instant::now();
    for _ in 0..BATCHES {
        now += 1;
        step(&mut engine, now, send.clone());
        let SqsResponse::Received(received) = step(&mut engine, now, receive.clone()) else {
            panic!("a receive answers with messages");
        };
        let handles = received.messages.iter().enumerate();
        let entries: Vec<_> = handles
            .map(|(id, message)| json!({"Id": id.to_string(), "ReceiptHandle": message.receipt_handle}))
            .collect();
        let delete = request(
            "DeleteMessageBatch",
            &json!({"QueueUrl": URL, "Entries": entries}),
        );
        black_box(step(&mut engine, now, delete));
    }
    (rate(BATCHES as usize * 10, started.elapsed()), filled)
}

fn rate(messages: usize, elapsed: Duration) -> f64 {
    messages as f64 / elapsed.as_secs_f64()
}

fn main() {
    println!(
        "{:>9}  {:>18}  {:>12}",
        "backlog", "cycles per second", "sends per second"
    );
    for backlog in [1_000, 100_000, 1_000_000] {
        let (cycles, sends) = cycles(backlog);
        println!("{backlog:>9}  {cycles:>18.0}  {sends:>12.0}");
    }
}

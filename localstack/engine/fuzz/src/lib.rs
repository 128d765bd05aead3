//! What both targets share: an engine in virtual time, and requests whose answers are looked at.
//!
//! An input is several requests, one a line, so that the later ones meet what the earlier ones
//! made. `.ci/run fuzz` runs both targets for a while; `FUZZ_SECONDS=600 .ci/run fuzz` for longer.

use bytes::Bytes;
use fanline_engine::{Config, InProcess, TokioClock};
use hyper::Request;
use std::sync::Arc;

/// Requests of one input: enough to meet each other, few enough to be quick.
const MOST_REQUESTS: usize = 12;

/// What is there before the input: `{"QueueName":...}` of both kinds, and a topic.
const SETUP: [(&str, &str); 2] = [
    ("CreateQueue", r#"{"QueueName":"q"}"#),
    (
        "CreateQueue",
        r#"{"QueueName":"q.fifo","Attributes":{"FifoQueue":"true"}}"#,
    ),
];

/// Sends each line of the input as a request; `read` makes one of it, with its target if it is JSON.
pub fn run(input: &[u8], read: impl Fn(&[u8]) -> (Option<String>, Bytes)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let config = Config {
            clock: Arc::new(TokioClock::starting_at(1_771_065_000_000)),
            seed: 1,
            sign_notifications: false,
            enforce_queue_policies: false,
            ..Config::default()
        };
        let engine = InProcess::new(config).expect("an engine starts");
        for (operation, body) in SETUP {
            let target = format!("AmazonSQS.{operation}");
            send(&engine, Some(target), Bytes::from_static(body.as_bytes())).await;
        }
        let topic = Bytes::from_static(b"Action=CreateTopic&Name=t");
        send(&engine, None, topic).await;
        for line in input.split(|byte| *byte == b'\n').take(MOST_REQUESTS) {
            let (target, body) = read(line);
            send(&engine, target, body).await;
        }
        // What is left must still add up.
        for queue in engine.queues() {
            let totals = queue.totals;
            let gone = totals.deleted + totals.expired + totals.moved + totals.purged;
            assert_eq!(totals.arrived, gone + queue.counts.total() as u64);
        }
    });
}

async fn send(engine: &InProcess, target: Option<String>, body: Bytes) {
    let mut request = Request::post("/000000000000/q");
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    // A target that cannot stand in a header never reaches the engine.
    let Ok(request) = request.body(body) else {
        return;
    };
    let answer = engine.call(request).await;
    assert!(answer.status().as_u16() < 500, "{answer:?}");
}

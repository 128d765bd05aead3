//! How fast the SQS state machine is, alone: send, receive and delete in batches of ten messages
//! of 600 bytes on one core, no HTTP and no JSON. Once with a backlog waiting in the queue, once
//! with that many message groups in a FIFO queue.
//!
//! `cargo bench -p fanline-engine --bench queue`
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{hint::black_box, sync::Arc, time::Duration};

use fanline_engine::{
    Engine, EngineOptions, EpochMillis,
    sqs::{
        CreateQueue, DeleteEntry, DeleteMessageBatch, ReceiveMessage, SendMessage,
        SendMessageBatch, SqsRequest, SqsResponse,
    },
};

const BASE: &str = "http://127.0.0.1";
const ROUNDS: usize = 20_000;
const BATCH: usize = 10;

struct Bench {
    engine: Engine,
    now: EpochMillis,
    queue: &'static str,
    groups: Vec<Arc<str>>,
    next_group: usize,
    sent: u64,
}

impl Bench {
    fn new(groups: usize) -> Self {
        let queue = if groups == 0 { "bench" } else { "bench.fifo" };
        let fifo = (groups > 0).then(|| ("FifoQueue".to_owned(), "true".to_owned()));
        let mut bench = Self {
            engine: Engine::new(EngineOptions::default()),
            now: 1_771_065_000_000,
            queue,
            groups: (0..groups)
                .map(|group| format!("g-{group}").into())
                .collect(),
            next_group: 0,
            sent: 0,
        };
        bench.call(SqsRequest::CreateQueue(CreateQueue {
            queue_name: queue.into(),
            attributes: fifo.into_iter().collect(),
            ..CreateQueue::default()
        }));
        bench
    }

    fn call(&mut self, request: SqsRequest) -> SqsResponse {
        self.engine.sqs(self.now, BASE, request).answer.unwrap()
    }

    fn send(&mut self, body: &Arc<str>) {
        let entries = (0..BATCH).map(|id| SendMessage {
            id: id.to_string(),
            ..self.message(body)
        });
        let entries = entries.collect();
        let sent = self.call(SqsRequest::SendMessageBatch(SendMessageBatch {
            queue_url: self.queue.into(),
            entries,
        }));
        black_box(sent);
    }

    fn message(&mut self, body: &Arc<str>) -> SendMessage {
        self.sent += 1;
        let group = self.groups.get(self.next_group % self.groups.len().max(1));
        self.next_group += 1;
        SendMessage {
            // A body of its own, as every message that comes over the wire has.
            message_body: Arc::from(&**body),
            message_deduplication_id: group.map(|_| self.sent.to_string().into()),
            message_group_id: group.cloned(),
            ..SendMessage::default()
        }
    }

    fn receive_and_delete(&mut self) -> usize {
        let answer = self.call(SqsRequest::ReceiveMessage(ReceiveMessage {
            queue_url: self.queue.into(),
            max_number_of_messages: Some(BATCH as i64),
            ..ReceiveMessage::default()
        }));
        let SqsResponse::Received(received) = answer else {
            panic!("a receive answers with messages");
        };
        let count = received.messages.len();
        let entries = received.messages.into_iter().enumerate();
        let entries = entries.map(|(id, message)| DeleteEntry {
            id: id.to_string(),
            receipt_handle: message.receipt_handle,
        });
        let entries = entries.collect();
        let deleted = self.call(SqsRequest::DeleteMessageBatch(DeleteMessageBatch {
            queue_url: self.queue.into(),
            entries,
        }));
        black_box(deleted);
        count
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn timed(work: impl FnOnce()) -> Duration {
    let started = std::time::Instant::now();
    work();
    started.elapsed()
}

fn measure(groups: usize, backlog: usize) -> (f64, f64) {
    let body: Arc<str> = "x".repeat(600).into();
    let mut bench = Bench::new(groups);
    let filling = timed(|| (0..backlog / BATCH).for_each(|_| bench.send(&body)));
    let mut handled = 0;
    let cycling = timed(|| {
        for _ in 0..ROUNDS {
            bench.now += 1;
            bench.send(&body);
            handled += bench.receive_and_delete();
        }
    });
    assert_eq!(handled, ROUNDS * BATCH);
    (
        handled as f64 / cycling.as_secs_f64(),
        backlog as f64 / filling.as_secs_f64(),
    )
}

fn main() {
    println!(
        "{:>9}  {:>14}  {:>17}  {:>16}",
        "messages", "message groups", "cycles per second", "sends per second"
    );
    for (groups, backlog) in [
        (0, 1_000),
        (0, 100_000),
        (0, 1_000_000),
        (1_000, 1_000),
        (100_000, 100_000),
        (1_000_000, 1_000_000),
    ] {
        let (cycles, sends) = measure(groups, backlog);
        println!("{backlog:>9}  {groups:>14}  {cycles:>17.0}  {sends:>16.0}");
    }
}

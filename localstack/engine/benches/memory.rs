//! How much memory messages take, and whether receives slow down as a queue grows or its messages
//! spread over more groups. Each row is a process of its own, so that its peak is its own. Linux.
//!
//! No time passes, so a FIFO queue still remembers every deduplication id: within five minutes of a
//! million sends it does.
//!
//! `cargo bench -p fanline-engine --bench memory`
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{process::Command, sync::Arc, time::Duration};

use fanline_engine::{
    Engine, EngineOptions, EpochMillis,
    sqs::{CreateQueue, DeleteMessage, ReceiveMessage, SendMessage, SqsRequest, SqsResponse},
};

const NOW: EpochMillis = 1_771_065_000_000;
/// Receives measured in a row of the table; a queue with fewer messages is emptied.
const RECEIVES: usize = 20_000;

fn call(engine: &mut Engine, request: SqsRequest) -> SqsResponse {
    engine.sqs(NOW, "http://127.0.0.1", request).answer.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn timed(work: impl FnOnce()) -> Duration {
    let started = std::time::Instant::now();
    work();
    started.elapsed()
}

/// The most memory this process had so far, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) / 1024
}

/// One row: so many messages of 600 bytes in so many groups; none on a standard queue.
fn measure(messages: usize, groups: usize) {
    let queue = if groups == 0 { "bench" } else { "bench.fifo" };
    let mut engine = Engine::new(EngineOptions::default());
    let fifo = (groups > 0).then(|| ("FifoQueue".to_owned(), "true".to_owned()));
    call(
        &mut engine,
        SqsRequest::CreateQueue(CreateQueue {
            queue_name: queue.into(),
            attributes: fifo.into_iter().collect(),
            ..CreateQueue::default()
        }),
    );
    let body = "x".repeat(600);
    for number in 0..messages {
        let group = (groups > 0).then(|| format!("group-{}", number % groups).into());
        let message = SendMessage {
            queue_url: queue.into(),
            message_body: Arc::from(body.as_str()),
            message_deduplication_id: group.as_ref().map(|_| number.to_string().into()),
            message_group_id: group,
            ..SendMessage::default()
        };
        call(&mut engine, SqsRequest::SendMessage(message));
    }
    let filled = peak();
    let receive = SqsRequest::ReceiveMessage(ReceiveMessage {
        queue_url: queue.into(),
        max_number_of_messages: Some(1),
        ..ReceiveMessage::default()
    });
    let count = RECEIVES.min(messages);
    let (mut receiving, mut deleting) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..count {
        let mut handle = None;
        receiving += timed(|| {
            let SqsResponse::Received(mut received) = call(&mut engine, receive.clone()) else {
                panic!("a receive answers with messages");
            };
            handle = Some(received.messages.remove(0).receipt_handle);
        });
        // Deleted at once: a message in flight locks its group, and one group is all there may be.
        let delete = SqsRequest::DeleteMessage(DeleteMessage {
            queue_url: queue.into(),
            receipt_handle: handle.unwrap(),
        });
        deleting += timed(|| drop(call(&mut engine, delete)));
    }
    let [receiving, deleting] = [receiving, deleting].map(|spent| spent.as_nanos() / count as u128);
    println!("{messages:>9}  {groups:>9}  {filled:>8} MiB  {receiving:>8} ns  {deleting:>8} ns");
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|it| it.parse().ok()).collect();
    if let [messages, groups] = numbers.as_slice() {
        return measure(*messages, *groups);
    }
    println!(
        "{:>9}  {:>9}  {:>12}  {:>11}  {:>11}",
        "messages", "groups", "peak memory", "one receive", "one delete"
    );
    for messages in [1_000, 100_000, 1_000_000] {
        for groups in [0, 1, 1_000, 100_000, 1_000_000] {
            if groups <= messages {
                let row = Command::new(std::env::current_exe().unwrap())
                    .args([messages.to_string(), groups.to_string()])
                    .status();
                assert!(row.unwrap().success());
            }
        }
    }
}

//! How fast the engine is for a client: aws-sdk-sqs over loopback, 16 tasks that each send, receive
//! and delete messages of 600 bytes, in batches of ten and one by one. Beside it, in turn in the
//! same run, whatever LOCALSTACK_ENDPOINT names; and the engine with a data folder.
//!
//! `cargo bench -p fanline-engine --bench http`
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry};
use fanline_engine::{Config, Server};
use std::fmt::Write as _;
use std::sync::mpsc;
use std::time::Duration;
use tokio::task::JoinSet;

const TASKS: usize = 16;
const ROUNDS: usize = 3;
/// How long one measurement runs.
const SPAN: Duration = Duration::from_secs(4);

struct Target {
    name: &'static str,
    endpoint: String,
    /// Messages per second of each round.
    in_batches: Vec<f64>,
    singly: Vec<f64>,
}

fn client(endpoint: &str) -> Client {
    Client::from_conf(
        aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build(),
    )
}

/// An engine on a thread of its own, for as long as the process lives.
fn engine(config: Config) -> String {
    let (told, endpoint) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = Server::bind("127.0.0.1:0", config).await.unwrap();
            told.send(server.endpoint_url()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    endpoint.recv().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Messages that went all the way, per second.
async fn rate(target: &Target, batch: usize) -> f64 {
    let sqs = client(&target.endpoint);
    let name = format!("bench-{:x}", fastrand::u32(..));
    let created = sqs.create_queue().queue_name(name).send().await.unwrap();
    let url = created.queue_url.unwrap();
    let started = now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (sqs, url) = (sqs.clone(), url.clone());
        tasks.spawn(async move {
            let mut handled = 0;
            while started.elapsed() < SPAN {
                handled += if batch == 1 {
                    one(&sqs, &url).await
                } else {
                    several(&sqs, &url, batch).await
                };
            }
            handled
        });
    }
    let handled: usize = tasks.join_all().await.into_iter().sum();
    let rate = handled as f64 / started.elapsed().as_secs_f64();
    sqs.delete_queue().queue_url(url).send().await.unwrap();
    rate
}

async fn one(sqs: &Client, url: &str) -> usize {
    let send = sqs.send_message().queue_url(url);
    send.message_body("x".repeat(600)).send().await.unwrap();
    let received = sqs.receive_message().queue_url(url).send().await.unwrap();
    let messages = received.messages.unwrap_or_default();
    for message in &messages {
        let delete = sqs.delete_message().queue_url(url);
        let delete = delete.set_receipt_handle(message.receipt_handle.clone());
        delete.send().await.unwrap();
    }
    messages.len()
}

async fn several(sqs: &Client, url: &str, batch: usize) -> usize {
    let mut send = sqs.send_message_batch().queue_url(url);
    for id in 0..batch {
        let entry = SendMessageBatchRequestEntry::builder().id(id.to_string());
        send = send.entries(entry.message_body("x".repeat(600)).build().unwrap());
    }
    send.send().await.unwrap();
    let receive = sqs.receive_message().queue_url(url);
    let received = receive
        .max_number_of_messages(batch as i32)
        .send()
        .await
        .unwrap();
    let messages = received.messages.unwrap_or_default();
    if messages.is_empty() {
        return 0;
    }
    let mut delete = sqs.delete_message_batch().queue_url(url);
    for (id, message) in messages.iter().enumerate() {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id.to_string());
        let entry = entry.set_receipt_handle(message.receipt_handle.clone());
        delete = delete.entries(entry.build().unwrap());
    }
    delete.send().await.unwrap();
    messages.len()
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = std::env::temp_dir().join(format!("fanline-bench-{}", std::process::id()));
    let kept = Config {
        data: Some(folder.clone()),
        ..Config::default()
    };
    let mut targets = vec![
        ("engine", engine(Config::default())),
        ("engine, data folder", engine(kept)),
    ];
    if let Ok(endpoint) = std::env::var("LOCALSTACK_ENDPOINT") {
        targets.push(("LocalStack", endpoint));
    }
    let new = |(name, endpoint)| Target {
        name,
        endpoint,
        in_batches: Vec::new(),
        singly: Vec::new(),
    };
    let mut targets: Vec<Target> = targets.into_iter().map(new).collect();
    for round in 1..=ROUNDS {
        for target in &mut targets {
            eprintln!("round {round} of {ROUNDS}: {}", target.name);
            target.in_batches.push(rate(target, 10).await);
            target.singly.push(rate(target, 1).await);
        }
    }
    let _ = std::fs::remove_dir_all(folder);
    println!(
        "{:<20} {:>22} {:>22}",
        "messages per second", "in batches of 10", "one by one"
    );
    let baseline = targets.iter().find(|target| target.name == "LocalStack");
    for target in &targets {
        let mut row = format!("{:<20}", target.name);
        for (own, other) in [
            (&target.in_batches, baseline.map(|it| &it.in_batches)),
            (&target.singly, baseline.map(|it| &it.singly)),
        ] {
            let own = median(own);
            let ratio = other.map_or(String::new(), |other| {
                format!(" ({:.1} x)", own / median(other))
            });
            // Writing to a String cannot fail.
            let _ = write!(row, " {:>22}", format!("{own:.0}{ratio}"));
        }
        println!("{row}");
    }
    if baseline.is_none() {
        println!("set LOCALSTACK_ENDPOINT to measure LocalStack in the same run");
    }
}

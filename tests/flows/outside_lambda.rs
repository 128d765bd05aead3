//! A function's binary as a process of its own: it reads its queue until it is told to end.

use std::{collections::BTreeSet, process::Stdio};

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fanline_cli::aws::LOCAL_ACCOUNT;
use rustix::process::Signal;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::{
    cloud::{Cloud, PATIENCE, until},
    dev::{Dev, binary, signal},
    signups::text,
};

const QUEUE: &str = "mails-queue";
const DLQ: &str = "mails-dlq";

/// `email-service` with nothing of this test's environment.
fn email_service(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary("email-service"));
    command
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn start(cloud: &Cloud) -> Child {
    let (queue, dead_letters) = (cloud.queue_url(QUEUE), cloud.queue_url(DLQ));
    let variables = [
        ("AWS_ENDPOINT_URL", cloud.endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("EMAILS_TABLE", "sent-emails"),
        ("FANLINE_CONSUMER", "email-service"),
        ("FANLINE_DEDUP_TABLE", "processed-events"),
        ("FANLINE_DLQ_URL", &dead_letters),
        ("FANLINE_QUEUE_URL", &queue),
    ];
    email_service(&variables)
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

async fn end(mut child: Child, with: Signal) -> Option<i32> {
    signal(child.id().unwrap(), with);
    let status = tokio::time::timeout(PATIENCE, child.wait()).await;
    status.expect("it ends after a signal").unwrap().code()
}

async fn mailed(cloud: &Cloud) -> BTreeSet<String> {
    let mails = cloud.numbers("sent-emails", "id", "sends").await;
    mails.into_keys().collect()
}

#[tokio::test]
async fn processes_ended_and_killed_at_work_lose_nothing() {
    let dev = Dev::start(&["--no-events"]).await;
    let cloud = &dev.cloud;
    let dead_letter_arn = format!("arn:aws:sqs:us-east-1:{LOCAL_ACCOUNT}:{DLQ}");
    let policy = json!({"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": 5});
    let create = cloud.sqs.create_queue().queue_name(DLQ);
    create.send().await.unwrap();
    let create = cloud.sqs.create_queue().queue_name(QUEUE);
    let create = create.attributes("RedrivePolicy".into(), policy.to_string());
    create.send().await.unwrap();

    let ids: Vec<String> = (0..2_000).map(|number| format!("e-{number:04}")).collect();
    for ten in ids.chunks(10) {
        let entries = ten.iter().map(|id| {
            let body = json!({
                "type": "user.signed_up",
                "data": {"userId": id, "email": format!("{id}@example.com")},
                "metadata": {"eventId": id, "timestamp": "2026-02-14T10:30:00Z", "source": "tests", "version": 1},
            });
            let entry = SendMessageBatchRequestEntry::builder().id(id);
            entry.message_body(body.to_string()).build().unwrap()
        });
        assert_eq!(cloud.send(QUEUE, entries).await, 10);
    }
    cloud.send(QUEUE, [poison()]).await;

    let some_more_than = async |count: usize| {
        let enough = |mailed: &BTreeSet<String>| mailed.len() > count;
        until("mails", async || mailed(cloud).await, enough).await
    };
    let (first, second) = (start(cloud), start(cloud));
    some_more_than(200).await;
    assert_eq!(end(first, Signal::KILL).await, None);
    let done = some_more_than(600).await.len();
    assert!(done < ids.len(), "too fast for this test: {done}");
    assert_eq!(end(second, Signal::TERM).await, Some(0));
    // What the killed one held comes back a minute after it was received.
    let third = start(cloud);
    cloud.wait_for(&[QUEUE], &[(DLQ, 1)]).await;
    assert_eq!(end(third, Signal::INT).await, Some(0));

    assert!(mailed(cloud).await.iter().eq(&ids), "one row for each");
    let letter = cloud.receive(DLQ, 0).await.pop().unwrap();
    let note = &letter.message_attributes.unwrap()["fanline.failure"];
    let note = note.string_value.as_ref().unwrap();
    assert!(
        note.contains("\"source\":\"mails-queue\"") && note.contains("undecodable"),
        "{note}"
    );
    dev.interrupt().await;
}

fn poison() -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder().id("poison");
    entry.message_body("poison").build().unwrap()
}

#[tokio::test]
async fn what_is_missing_in_the_environment_is_said_at_once() {
    let refused = async |variables: &[(&str, &str)]| {
        let output = email_service(variables).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        text(output.stderr)
    };
    let tables = [
        ("EMAILS_TABLE", "sent-emails"),
        ("FANLINE_DEDUP_TABLE", "processed-events"),
    ];
    assert_eq!(
        refused(&tables).await,
        "Error: environment: neither AWS_LAMBDA_RUNTIME_API nor FANLINE_QUEUE_URL is set: start it with \
         `cargo fanline dev`, deploy it as a Lambda function, or name the queue to read\n"
    );
    let queue = ("FANLINE_QUEUE_URL", "http://127.0.0.1:9/000000000000/q");
    let receivers = ("FANLINE_RECEIVERS", "none");
    assert_eq!(
        refused(&[&tables[..], &[queue, receivers]].concat()).await,
        "Error: environment: FANLINE_RECEIVERS is \"none\", expected a whole number from 1 to 100\n"
    );
    let said = refused(&[&tables[..], &[queue]].concat()).await;
    assert_eq!(
        said,
        "Error: worker cannot run: it has no name to remember its events under; \
         add one with `.consumer(name)`; outside Lambda, FANLINE_CONSUMER names it too\n"
    );
}

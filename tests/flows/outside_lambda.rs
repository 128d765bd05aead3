//! A function's binary as a process of its own: it reads its queue until it is told to end.

use std::{collections::BTreeSet, process::Stdio, sync::Arc};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fanline::{
    claim_check::{CheckedIn, PayloadStore},
    publish::Outgoing,
};
use fanline_aws::{RealSystem, payloads::DynamoPayloads};
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

fn start(cloud: &Cloud, further: &[(&str, &str)]) -> Child {
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
    email_service(&[&variables[..], further].concat())
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

async fn create_queues(cloud: &Cloud) {
    let dead_letter_arn = format!("arn:aws:sqs:us-east-1:{LOCAL_ACCOUNT}:{DLQ}");
    let policy = json!({"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": 5});
    let create = cloud.sqs.create_queue().queue_name(DLQ);
    create.send().await.unwrap();
    let create = cloud.sqs.create_queue().queue_name(QUEUE);
    let create = create.attributes("RedrivePolicy".into(), policy.to_string());
    create.send().await.unwrap();
}

fn signed_up(id: &str) -> String {
    let body = json!({
        "type": "user.signed_up",
        "data": {"userId": id, "email": format!("{id}@example.com")},
        "metadata": {"eventId": id, "timestamp": "2026-02-14T10:30:00Z", "source": "tests", "version": 1},
    });
    body.to_string()
}

#[tokio::test]
async fn processes_ended_and_killed_at_work_lose_nothing() {
    let dev = Dev::start(&["--no-events"]).await;
    let cloud = &dev.cloud;
    create_queues(cloud).await;
    let ids: Vec<String> = (0..2_000).map(|number| format!("e-{number:04}")).collect();
    for ten in ids.chunks(10) {
        let entries = ten.iter().map(|id| {
            let entry = SendMessageBatchRequestEntry::builder().id(id);
            entry.message_body(signed_up(id)).build().unwrap()
        });
        assert_eq!(cloud.send(QUEUE, entries).await, 10);
    }
    cloud.send(QUEUE, [poison()]).await;

    let some_more_than = async |count: usize| {
        let enough = |mailed: &BTreeSet<String>| mailed.len() > count;
        until("mails", async || mailed(cloud).await, enough).await
    };
    let (first, second) = (start(cloud, &[]), start(cloud, &[]));
    some_more_than(200).await;
    assert_eq!(end(first, Signal::KILL).await, None);
    let done = some_more_than(600).await.len();
    assert!(done < ids.len(), "too fast for this test: {done}");
    assert_eq!(end(second, Signal::TERM).await, Some(0));
    // What the killed one held comes back a minute after it was received.
    let third = start(cloud, &[]);
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
async fn data_is_found_in_the_payload_table_that_the_environment_names() {
    let dev = Dev::start(&["--no-events"]).await;
    let cloud = &dev.cloud;
    create_queues(cloud).await;
    create_table(cloud, "payloads").await;
    let system = Arc::new(RealSystem);
    let payloads = DynamoPayloads::new(cloud.dynamodb.clone(), "payloads", system);
    let checked_in = |id: &str| {
        let event = Outgoing {
            event_id: id.to_owned(),
            entity: id.to_owned(),
            body: signed_up(id),
            attributes: Vec::new(),
        };
        CheckedIn::new(&event).unwrap()
    };
    let (there, expired) = (checked_in("e-there"), checked_in("e-expired"));
    let put = payloads.put(there.reference.key(), &there.data).await;
    assert_eq!(put, Ok(()));
    let entries = [("there", &there), ("expired", &expired)].map(|(id, checked_in)| {
        let entry = SendMessageBatchRequestEntry::builder().id(id);
        let entry = entry.message_body(&checked_in.outgoing.body);
        entry.build().unwrap()
    });
    assert_eq!(cloud.send(QUEUE, entries).await, 2);

    let worker = start(cloud, &[("FANLINE_PAYLOAD_TABLE", "payloads")]);
    cloud.wait_for(&[QUEUE], &[(DLQ, 1)]).await;
    assert_eq!(end(worker, Signal::TERM).await, Some(0));
    assert_eq!(mailed(cloud).await, BTreeSet::from(["e-there".to_owned()]));
    let letter = cloud.receive(DLQ, 0).await.pop().unwrap();
    assert_eq!(letter.body, Some(expired.outgoing.body));
    let note = &letter.message_attributes.unwrap()["fanline.failure"];
    let note = note.string_value.as_ref().unwrap();
    assert!(note.contains("its data has expired"), "{note}");
    dev.interrupt().await;
}

async fn create_table(cloud: &Cloud, name: &str) {
    let id = AttributeDefinition::builder().attribute_name("id");
    let id = id.attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder().attribute_name("id");
    let key = key.key_type(KeyType::Hash);
    let create = cloud.dynamodb.create_table().table_name(name);
    let create = create
        .attribute_definitions(id.build().unwrap())
        .key_schema(key.build().unwrap())
        .billing_mode(BillingMode::PayPerRequest);
    create.send().await.unwrap();
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
    let bucket = ("FANLINE_PAYLOAD_BUCKET", "payloads");
    assert_eq!(
        refused(&[&tables[..], &[queue, bucket]].concat()).await,
        "Error: environment: FANLINE_PAYLOAD_BUCKET is set, but this program was built without S3; \
         build it with the feature s3 of fanline-aws\n"
    );
    let said = refused(&[&tables[..], &[queue]].concat()).await;
    assert_eq!(
        said,
        "Error: worker cannot run: it has no name to remember its events under; \
         add one with `.consumer(name)`; outside Lambda, FANLINE_CONSUMER names it too\n"
    );
}

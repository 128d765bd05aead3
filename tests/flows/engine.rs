//! `fanline engine`: alone, ended in every way, and what its data folder keeps.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    task::JoinSet,
};

use crate::{
    cloud::{Cloud, PATIENCE},
    dev::{fanline, run, signal},
    signups::text,
};

/// A running `fanline engine` on a free port.
pub(crate) struct Engine {
    child: Child,
    pub(crate) cloud: Cloud,
}

impl Engine {
    /// Starts it and waits until it says where it listens.
    pub(crate) async fn start(data: Option<&Path>) -> Self {
        let mut command = fanline(&["engine", "--port", "0", "--json"]);
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("it listens");
        let listening: Value = serde_json::from_str(&line).unwrap();
        let endpoint = listening["endpoint"].as_str().unwrap();
        Self {
            child,
            cloud: Cloud::at(endpoint).await,
        }
    }

    /// The exit code after a signal; none if it was killed.
    pub(crate) async fn end(mut self, with: Signal) -> Option<i32> {
        signal(self.child.id().unwrap(), with);
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        status.expect("it ends after a signal").unwrap().code()
    }

    fn queue(&self) -> String {
        self.cloud.queue_url("kept")
    }

    /// The bodies of all messages, which stay in flight.
    async fn receive_all(&self) -> BTreeSet<String> {
        let mut bodies = BTreeSet::new();
        loop {
            let messages = self.cloud.receive("kept", 600).await;
            if messages.is_empty() {
                return bodies;
            }
            bodies.extend(messages.into_iter().filter_map(|message| message.body));
        }
    }
}

/// A folder for one test, empty at its start and gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("fanline-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn ends_at_once_and_in_peace() {
    for with in [Signal::INT, Signal::TERM] {
        let engine = Engine::start(None).await;
        assert_eq!(engine.end(with).await, Some(0));
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_kill_9() {
    let folder = Folder::new("kept");
    let engine = Engine::start(Some(&folder.0)).await;
    engine
        .cloud
        .sqs
        .create_queue()
        .queue_name("kept")
        .send()
        .await
        .unwrap();
    let id = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let create = engine
        .cloud
        .dynamodb
        .create_table()
        .table_name("kept")
        .attribute_definitions(id.build().unwrap())
        .key_schema(key.build().unwrap())
        .billing_mode(BillingMode::PayPerRequest);
    create.send().await.unwrap();
    let mut senders = JoinSet::new();
    for sender in 0..4 {
        let cloud = &engine.cloud;
        let (sqs, dynamodb, url) = (cloud.sqs.clone(), cloud.dynamodb.clone(), engine.queue());
        senders.spawn(async move {
            let mut acknowledged = (Vec::new(), Vec::new());
            for number in 0.. {
                let body = format!("{sender}-{number}");
                let send = sqs.send_message().queue_url(&url).message_body(&body);
                if send.send().await.is_err() {
                    break;
                }
                acknowledged.0.push(body.clone());
                let put = dynamodb.put_item().table_name("kept");
                let put = put.item("id", AttributeValue::S(body.clone()));
                if put.send().await.is_err() {
                    break;
                }
                acknowledged.1.push(body);
            }
            acknowledged
        });
    }
    // Enough of both, then killed while all of them send.
    while engine.cloud.depth("kept").await <= 200 {}
    assert_eq!(engine.end(Signal::KILL).await, None);
    let (mut sent, mut put) = (BTreeSet::new(), BTreeSet::new());
    for (messages, items) in senders.join_all().await {
        sent.extend(messages);
        put.extend(items);
    }
    assert!(sent.len() > 200, "{}", sent.len());

    let engine = Engine::start(Some(&folder.0)).await;
    let found = engine.receive_all().await;
    assert_eq!(sent.difference(&found).count(), 0, "acknowledged, but gone");
    let scan = engine
        .cloud
        .dynamodb
        .scan()
        .table_name("kept")
        .into_paginator();
    let items = scan
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap();
    let found: BTreeSet<&str> = items
        .iter()
        .map(|item| item["id"].as_s().unwrap().as_str())
        .collect();
    assert!(put.iter().all(|id| found.contains(id.as_str())));

    // In flight they stay over a restart, too.
    assert_eq!(engine.end(Signal::KILL).await, None);
    let engine = Engine::start(Some(&folder.0)).await;
    assert_eq!(engine.receive_all().await, BTreeSet::new());
}

#[tokio::test]
async fn a_data_folder_has_one_engine() {
    let folder = Folder::new("shared");
    let engine = Engine::start(Some(&folder.0)).await;
    let path = folder.0.display().to_string();
    let second = run(&["engine", "--port", "0", "--data", &path]).await;
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(
        text(second.stderr),
        format!(
            "fanline: data folder {path}: another engine has it open; stop that one or choose another folder\n"
        )
    );
    assert_eq!(engine.end(Signal::TERM).await, Some(0));
    let other = run(&[
        "engine",
        "--port",
        "0",
        "--data",
        &path,
        "--account",
        "111111111111",
    ])
    .await;
    assert_eq!(
        text(other.stderr),
        format!(
            "fanline: data folder {path}: it holds queues of account 000000000000 in us-east-1, not of account 111111111111 in us-east-1\n"
        )
    );
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let engine = Engine::start(None).await;
    let port = engine.cloud.endpoint.rsplit(':').next().unwrap();
    let second = run(&["engine", "--port", port]).await;
    assert_eq!(second.status.code(), Some(1));
    let said = text(second.stderr);
    assert!(
        said.starts_with(&format!("fanline: cannot listen on 127.0.0.1:{port}: ")),
        "{said}"
    );
    assert!(said.ends_with("choose another with --port\n"), "{said}");
}

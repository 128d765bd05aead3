//! What fails for a while succeeds in the end; what is given up says why, and once mended it has its
//! effect once, however often it is brought back.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use super::{
    backend::Backend,
    dead_letters::dead_letters,
    run::{EMAIL_DLQ, EMAIL_QUEUE, Run, entry, is_done},
};
use crate::{
    cloud::{Cloud, number, until},
    dev,
};

/// The attempt at which it succeeds.
const ATTEMPT: u64 = 3;

pub(super) async fn run(backend: impl Backend) {
    let cloud = backend.cloud();
    let run = Run::new(cloud);
    refuse(cloud, &run.event_id("refused"), ATTEMPT - 1).await;
    let refused = run.signup("refused");
    let hopeless = run.event("hopeless", "user.signed_up", 1, "user@fails.example");
    let entries = [&refused, &hopeless].map(|message| entry(&message.event_id, message));
    assert_eq!(cloud.send(EMAIL_QUEUE, entries).await, 2);

    let records = async || run.records("processed-events", "email-service").await;
    let done = async || {
        records()
            .await
            .values()
            .filter(|record| is_done(record))
            .count()
    };
    until("done", done, |done| *done == 1).await;
    let record = &records().await["refused"];
    // Of the attempts before: the last one completes it.
    assert_eq!(number(record, "attempts"), Some(ATTEMPT - 1), "{record:?}");

    let id = run.event_id("hopeless");
    let look = async || dlq(cloud, "show", &["--json", &id]).await;
    let shown = until("a dead letter", look, |shown| shown.is_some()).await;
    let shown = shown.unwrap_or_default();
    assert_eq!(shown["reason"], "attempts-used-up", "{shown}");
    assert_eq!(shown["note"]["attempts"], 5, "{shown}");
    assert_eq!(
        shown["note"]["error"], "mail server does not answer",
        "{shown}"
    );

    // Mended and back in its queue; and one that was done before, as a letter sent twice would be.
    let address = "data.email=user@example.com";
    dlq(cloud, "edit", &[&id, "--set", address]).await.unwrap();
    assert_eq!(cloud.send(EMAIL_DLQ, [entry("1", &refused)]).await, 1);
    let done_id = run.event_id("refused");
    dlq(
        cloud,
        "redrive",
        &["--id", &done_id, "--to", EMAIL_QUEUE, "--json"],
    )
    .await
    .unwrap();
    let mails = run.settled(2, 0).await;
    let expected = ["hopeless", "refused"].map(|name| (name.to_owned(), 1));
    assert_eq!(mails, BTreeMap::from(expected));
    assert!(records().await.values().all(is_done));
    dead_letters(cloud, &run, EMAIL_DLQ, 0).await;
    backend.end().await;
}

/// Runs `fanline dlq` on the emails' DLQ; what it printed, if it succeeded.
async fn dlq(cloud: &Cloud, command: &str, arguments: &[&str]) -> Option<Value> {
    let command = ["dlq", command, EMAIL_DLQ];
    let endpoint = ["--endpoint-url", &cloud.endpoint];
    let output = dev::run(&[&command, arguments, &endpoint].concat()).await;
    let printed = || Some(serde_json::from_slice(&output.stdout).unwrap_or_default());
    output.status.success().then(printed).flatten()
}

/// Makes the captured mailer refuse the event's mail so often.
pub(super) async fn refuse(cloud: &Cloud, event_id: &str, times: u64) {
    let put = cloud.dynamodb.put_item().table_name("sent-emails");
    let put = put
        .item("id", AttributeValue::S(event_id.to_owned()))
        .item("refusals", AttributeValue::N(times.to_string()))
        .item("sends", AttributeValue::N("0".to_owned()));
    put.send().await.unwrap();
}

//! A FIFO queue: groups keep their order, and one that cannot go on stops alone.
//!
//! Mails carry no time. What shows their order: looks at the table, each of which must find the
//! beginning of every group, and the dedup records' leases, which end later in later invocations.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fanline::System;
use fanline_aws::RealSystem;

use super::{
    backend::Backend,
    dead_letters::dead_letters,
    run::{Run, is_done},
};
use crate::cloud::{Cloud, number, until};

const QUEUE: &str = "mails.fifo";
const MAILS: &str = "fifo-sent-emails";
const RECORDS: &str = "fifo-processed-events";
const FUNCTION: &str = "fifo-email-service";

/// Groups and how many messages each has; `d` has more than one batch takes.
const GROUPS: [(&str, usize); 4] = [("a", 3), ("b", 6), ("c", 3), ("d", 12)];
/// Nobody can handle it. What stands behind it goes on once it is given up.
const POISON: &str = "a-2";
/// Somebody else seems to handle it at first.
const HELD: &str = "d-2";
/// How long: the message comes back when this is over.
const HELD_MILLISECONDS: i64 = 3_500;

pub(super) async fn run(backend: impl Backend) {
    let cloud = backend.cloud();
    let run = Run::new(cloud);
    // A mapping that has found its queue empty for long looks less often; this one wakes it.
    assert_eq!(cloud.send(QUEUE, [entry(&run, "warm", "warm-1")]).await, 1);
    let look = async || run.mails(MAILS).await.len();
    until("mails", look, |mails| *mails == 1).await;

    hold(cloud, &run).await;
    let entries: Vec<_> = messages()
        .map(|(group, name)| entry(&run, group, &name))
        .collect();
    for batch in entries.chunks(10) {
        assert_eq!(cloud.send(QUEUE, batch.to_vec()).await, batch.len());
    }
    let mailed: Vec<String> = messages()
        .map(|(_, name)| name)
        .filter(|name| name != POISON)
        .chain(["warm-1".to_owned()])
        .collect();
    let look = async || {
        let mails = run.mails(MAILS).await;
        assert_beginnings(&mails);
        mails
    };
    until("mails", look, |mails| mails.len() >= mailed.len()).await;
    cloud.wait_for(&[QUEUE], &[]).await;
    let mails = run.mails(MAILS).await;
    assert_eq!(mails, mailed.into_iter().map(|name| (name, 1)).collect());

    let letters = dead_letters(cloud, &run, "mails-dlq.fifo", 1).await;
    assert_eq!(letters[0].name, POISON);
    assert_eq!(letters[0].note.attempts, 3, "{letters:?}");

    let records = run.records(RECORDS, FUNCTION).await;
    let is_handled = |(name, record): (&String, _)| is_done(record) == mails.contains_key(name);
    assert!(records.iter().all(is_handled), "{records:?}");
    let lease = |name: &str| number(&records[name], "lease_until").unwrap();
    for (group, length) in GROUPS {
        let leases = names_of(group, length).filter(|name| mails.contains_key(name));
        let leases: Vec<u64> = leases.map(|name| lease(&name)).collect();
        assert!(leases.is_sorted(), "group {group}: {leases:?}");
    }
    assert!(
        lease("d-1") < lease(HELD),
        "the group went on past what was held"
    );
    for (group, length) in [("b", 6), ("c", 3)] {
        let last = format!("{group}-{length}");
        assert!(
            lease(&last) < lease(HELD),
            "group {group} waited for another"
        );
    }
    backend.end().await;
}

fn names_of(group: &str, length: usize) -> impl Iterator<Item = String> {
    (1..=length).map(move |number| format!("{group}-{number}"))
}

/// Group and name of every message, the groups taking turns.
fn messages() -> impl Iterator<Item = (&'static str, String)> {
    (1..=12).flat_map(|number| {
        let groups = GROUPS.iter().filter(move |(_, length)| number <= *length);
        groups.map(move |(group, _)| (*group, format!("{group}-{number}")))
    })
}

/// No message has overtaken another of its group.
fn assert_beginnings(mails: &BTreeMap<String, u64>) {
    for (group, length) in GROUPS {
        let sent: Vec<bool> = names_of(group, length)
            .filter(|name| name != POISON)
            .map(|name| mails.contains_key(&name))
            .collect();
        assert!(
            sent.is_sorted_by(|one, next| one >= next),
            "group {group}: {mails:?}"
        );
    }
}

fn entry(run: &Run<'_>, group: &str, name: &str) -> SendMessageBatchRequestEntry {
    let address = match name {
        POISON => "user@fails.example",
        _ => "user@example.com",
    };
    let message = run.event(name, "user.signed_up", 1, address);
    let entry = SendMessageBatchRequestEntry::builder()
        .id(name)
        .message_body(message.body)
        .message_group_id(format!("{}-{group}", run.id))
        .message_deduplication_id(message.event_id);
    entry.build().unwrap()
}

/// Leaves the record of a worker that took the event and was never heard of again.
async fn hold(cloud: &Cloud, run: &Run<'_>) {
    let now = RealSystem.now().as_millisecond();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let lease = AttributeValue::N((now + HELD_MILLISECONDS).to_string());
    let expiry = AttributeValue::N((now / 1000 + 3600).to_string());
    let put = cloud
        .dynamodb
        .put_item()
        .table_name(RECORDS)
        .item("id", text(&format!("{FUNCTION}#{}", run.event_id(HELD))))
        .item("status", text("LEASED"))
        .item("owner", text("nobody"))
        .item("lease_until", lease)
        .item("expires_at", expiry)
        .item("fingerprint", text("unknown"));
    put.send().await.unwrap();
}

//! What fails for a while succeeds in the end; what is given up says why, and once mended it has its
//! effect once, however often it is brought back.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fanline::dead_letter::Reason;

use super::{
    backend::Backend,
    dead_letters::dead_letters,
    run::{EMAIL_DLQ, EMAIL_QUEUE, Run, entry, is_done},
};
use crate::cloud::{Cloud, number, until};

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

    let letters = dead_letters(cloud, &run, EMAIL_DLQ, 1).await;
    assert_eq!(letters[0].name, "hopeless");
    let note = &letters[0].note;
    assert_eq!((note.reason, note.attempts), (Reason::AttemptsUsedUp, 5));
    assert_eq!(note.event_id, Some(run.event_id("hopeless")));

    // Mended, as `fanline dlq edit` would, and brought back twice, with one that was done before.
    let mended = run.signup("hopeless");
    let entries = [("1", &mended), ("2", &mended), ("3", &refused)];
    let entries = entries.map(|(id, message)| entry(id, message));
    assert_eq!(cloud.send(EMAIL_QUEUE, entries).await, 3);
    let mails = run.settled(2, 0).await;
    let expected = ["hopeless", "refused"].map(|name| (name.to_owned(), 1));
    assert_eq!(mails, BTreeMap::from(expected));
    assert!(records().await.values().all(is_done));
    dead_letters(cloud, &run, EMAIL_DLQ, 0).await;
    backend.end().await;
}

/// Makes the captured mailer refuse the event's mail so often.
async fn refuse(cloud: &Cloud, event_id: &str, times: u64) {
    let put = cloud.dynamodb.put_item().table_name("sent-emails");
    let put = put
        .item("id", AttributeValue::S(event_id.to_owned()))
        .item("refusals", AttributeValue::N(times.to_string()))
        .item("sends", AttributeValue::N("0".to_owned()));
    put.send().await.unwrap();
}

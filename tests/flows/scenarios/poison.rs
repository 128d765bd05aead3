//! What no retry can help ends in the dead-letter queue as it came, and holds up nothing behind it.

use std::collections::BTreeMap;

use fanline::{dead_letter::Reason, publish::Outgoing};
use serde_json::Value;

use super::{
    backend::Backend,
    dead_letters::{DeadLetter, dead_letters},
    run::{ANALYTICS_DLQ, EMAIL_DLQ, EMAIL_QUEUE, Run, TOPIC, entry},
};

/// Messages that differ in what is wrong with them.
fn poison(run: &Run<'_>) -> Vec<Outgoing> {
    let good = run.signup("replaced").body;
    let id = |name| run.event_id(name);
    let body = |name: &str, body: String| Outgoing {
        event_id: run.event_id(name),
        entity: run.event_id(name),
        body,
        attributes: vec![
            ("type".to_owned(), "user.signed_up".to_owned()),
            ("note".to_owned(), format!("{name}: \u{e9}\u{2713}")),
        ],
    };
    let replaced = |name: &str, from: &str, to: &str| {
        assert!(good.contains(from), "{good}");
        body(name, good.replace("replaced", name).replace(from, to))
    };
    vec![
        body(
            "not-json",
            format!("  {} is no JSON \u{e9}\t\r\n{{", id("not-json")),
        ),
        body(
            "no-metadata",
            format!(
                r#"{{"type": "user.signed_up",  "data": {{"userId": "{}"}}}}"#,
                id("no-metadata")
            ),
        ),
        replaced("wrong-data", r#""user@example.com""#, "17"),
        replaced("no-time", "timestamp", "time"),
        replaced("panics", "@example.com", "@panics.example"),
    ]
}

pub(super) async fn run<B: Backend>(backend: B) {
    let cloud = backend.cloud();
    let run = Run::new(cloud);
    let poison = poison(&run);
    let good = run.signups("behind", 0..5);
    let batch = poison.iter().chain(&good);
    let entries = batch.map(|message| entry(&message.event_id, message));
    assert_eq!(cloud.send(EMAIL_QUEUE, entries).await, 10);
    let unknown = run.event("unknown-version", "user.signed_up", 2, "user@example.com");
    cloud.publish(TOPIC, std::slice::from_ref(&unknown)).await;

    let mails = run.settled(good.len(), 0).await;
    assert!(
        mails.keys().all(|name| name.starts_with("behind")),
        "{mails:?}"
    );
    assert!(mails.values().all(|sends| *sends == 1), "{mails:?}");

    let sent: BTreeMap<_, _> = poison.iter().chain([&unknown]).map(as_sent).collect();
    let letters = dead_letters(cloud, &run, EMAIL_DLQ, sent.len()).await;
    for letter in &letters {
        assert_note(letter);
    }
    let found: BTreeMap<_, _> = letters.into_iter().map(as_found).collect();
    match B::KEEPS_BODIES {
        true => assert_eq!(found, sent),
        false => assert_eq!(in_one_form(found), in_one_form(sent)),
    }

    // This queue gets events wrapped in SNS's notification, and so does its DLQ.
    let letters = dead_letters(cloud, &run, ANALYTICS_DLQ, 1).await;
    let notification: Value = serde_json::from_str(&letters[0].body).unwrap();
    assert_eq!(notification["Message"], unknown.body);
    for (name, value) in &unknown.attributes {
        assert_eq!(&notification["MessageAttributes"][name]["Value"], value);
    }
    backend.end().await;
}

/// Why each of them is there, and after how many attempts.
fn assert_note(letter: &DeadLetter) {
    let (reason, attempts, error) = match letter.name.as_str() {
        "panics" => (
            Reason::AttemptsUsedUp,
            5,
            "handler panicked: mailer has a bug",
        ),
        "not-json" => (
            Reason::Rejected,
            1,
            "undecodable: body: expected a JSON object",
        ),
        "no-metadata" => (Reason::Rejected, 1, "undecodable: metadata"),
        "no-time" => (Reason::Rejected, 1, "undecodable: metadata.timestamp"),
        "wrong-data" => (
            Reason::Rejected,
            1,
            "undecodable: user.signed_up version 1: data.email",
        ),
        "unknown-version" => (Reason::Rejected, 1, "unknown version 2 of user.signed_up"),
        other => panic!("{other} is no poison"),
    };
    let note = &letter.note;
    assert_eq!(
        (note.reason, note.attempts),
        (reason, attempts),
        "{letter:?}"
    );
    assert!(note.error.starts_with(error), "{letter:?}");
    assert_eq!(note.source, EMAIL_QUEUE);
}

/// Bodies that are JSON, written in one way.
fn in_one_form(letters: BTreeMap<String, Contents>) -> BTreeMap<String, Contents> {
    let letters = letters.into_iter().map(|(name, (body, attributes))| {
        let value = serde_json::from_str::<Value>(&body);
        let body = value.map_or(body, |value| value.to_string());
        (name, (body, attributes))
    });
    letters.collect()
}

type Contents = (String, BTreeMap<String, String>);

fn as_sent(message: &Outgoing) -> (String, Contents) {
    let name = message.event_id.split_once('-').unwrap().1.to_owned();
    let attributes = message.attributes.iter().cloned().collect();
    (name, (message.body.clone(), attributes))
}

fn as_found(letter: DeadLetter) -> (String, Contents) {
    (letter.name, (letter.body, letter.attributes))
}

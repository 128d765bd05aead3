//! One topic, and each queue gets what its filter policy lets through.

use std::collections::BTreeSet;

use fanline::publish::Outgoing;

use super::{
    backend::Backend,
    dead_letters::{DeadLetter, dead_letters},
    run::{ANALYTICS_DLQ, EMAIL_DLQ, Run, TOPIC, is_done},
};
use crate::{cloud::until, dev::fanline, signups::text};

pub(super) async fn run(backend: impl Backend) {
    let cloud = backend.cloud();
    let run = Run::new(cloud);
    let address = "user@example.com";

    // What no queue may get goes first: if one got it, it would be in its DLQ before the last event is.
    let order = run.event("order", "order.placed", 1, address);
    let bare = Outgoing {
        attributes: Vec::new(),
        ..run.signup("bare")
    };
    cloud.publish(TOPIC, &[order, bare]).await;
    let signups = run.signups("signup", 0..12);
    cloud.publish(TOPIC, &signups).await;
    let teleported = run.event("teleported", "user.teleported", 1, address);
    let unknown_version = run.event("unknown-version", "user.signed_up", 2, address);
    cloud.publish(TOPIC, &[teleported, unknown_version]).await;
    let by_command = publish_by_command(&cloud.endpoint).await;

    let mails = run.settled(12, 12).await;
    assert!(mails.values().all(|sends| *sends == 1), "{mails:?}");
    let found = async || cloud.items("sent-emails", "id", &by_command).await.len();
    until("mails of `fanline publish`", found, |mails| *mails == 1).await;

    let letters = dead_letters(cloud, &run, EMAIL_DLQ, 2).await;
    assert_eq!(names(&letters), ["teleported", "unknown-version"].into());
    let letters = dead_letters(cloud, &run, ANALYTICS_DLQ, 1).await;
    assert_eq!(names(&letters), ["unknown-version"].into());

    // Neither function has so much as claimed what was not for it.
    for function in ["email-service", "analytics-service"] {
        let records = run.records("processed-events", function).await;
        assert!(records.keys().eq(mails.keys()), "{function}: {records:?}");
        assert!(records.values().all(is_done), "{function}: {records:?}");
    }
    backend.end().await;
}

fn names(letters: &[DeadLetter]) -> BTreeSet<&str> {
    let names = letters.iter().map(|letter| letter.name.as_str());
    names.collect()
}

/// The id of a sign-up that happens now.
async fn publish_by_command(endpoint: &str) -> String {
    let published = fanline(&["publish", "--endpoint-url", endpoint, "--topic", TOPIC])
        .args(["--type", "user.signed_up", "--data"])
        .arg(r#"{"userId": "u", "email": "user@example.com"}"#)
        .output()
        .await
        .unwrap();
    assert!(published.status.success(), "{published:?}");
    text(published.stdout).trim().to_owned()
}

//! Of a batch, what failed comes back and nothing else.

use fanline::dead_letter::Reason;

use super::{
    backend::Backend,
    dead_letters::dead_letters,
    run::{EMAIL_DLQ, EMAIL_QUEUE, Run, entry, is_done},
};
use crate::cloud::{number, until};

/// As often as the worker's retry plan says, and as the template's queues deliver.
const ATTEMPTS: u64 = 5;

const BAD: [usize; 3] = [2, 5, 9];

pub(super) async fn run(backend: impl Backend) {
    let cloud = backend.cloud();
    let run = Run::new(cloud);
    // So that the queue's depth tells about this batch.
    cloud.wait_for(&[EMAIL_QUEUE], &[]).await;

    let address = |number| match BAD.contains(&number) {
        true => "user@fails.example",
        false => "user@example.com",
    };
    let entries = (0..10).map(|number| {
        let name = format!("mail-{number}");
        entry(
            &name,
            &run.event(&name, "user.signed_up", 1, address(number)),
        )
    });
    assert_eq!(cloud.send(EMAIL_QUEUE, entries).await, 10);

    // The good ones are gone from the queue while the bad ones are still tried.
    let look = async || {
        (
            run.mails("sent-emails").await.len(),
            cloud.depth(EMAIL_QUEUE).await,
        )
    };
    until("mails and messages left", look, |seen| *seen == (7, 3)).await;

    let mails = run.settled(7, 0).await;
    assert!(mails.values().all(|sends| *sends == 1), "{mails:?}");
    let mut letters = dead_letters(cloud, &run, EMAIL_DLQ, BAD.len()).await;
    letters.sort_by(|one, other| one.name.cmp(&other.name));
    let records = run.records("processed-events", "email-service").await;
    assert_eq!(records.len(), 10);
    for (letter, bad) in letters.iter().zip(BAD) {
        assert_eq!(letter.name, format!("mail-{bad}"));
        assert_eq!(letter.note.reason, Reason::AttemptsUsedUp);
        assert_eq!(u64::from(letter.note.attempts), ATTEMPTS, "{letter:?}");
        assert_eq!(letter.note.error, "mail server does not answer");
        assert_eq!(letter.note.handler, "email-service");
        let record = &records[&letter.name];
        assert_eq!(number(record, "attempts"), Some(ATTEMPTS), "{record:?}");
        assert!(!is_done(record), "{record:?}");
    }
    for name in mails.keys() {
        assert!(is_done(&records[name]), "{name}");
    }
    backend.end().await;
}

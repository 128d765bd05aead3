//! The contract of [`SourceQueue`].

use std::{collections::BTreeMap, time::Duration};

use fanline::{Attribute, AttributeValue, DeadLetter, Message, SourceQueue, VisibilityChange};
use futures_util::future::BoxFuture;

/// A source queue with what a test must be able to do to it and to see of it.
pub trait QueueUnderTest {
    /// The subject; it has a dead-letter queue.
    fn queue(&self) -> &dyn SourceQueue;

    /// Puts messages with these bodies into the source queue.
    fn put(&self, bodies: Vec<String>) -> BoxFuture<'_, ()>;

    /// Receives everything that is visible there.
    fn receive(&self) -> BoxFuture<'_, Vec<Message>>;

    /// Everything that the dead-letter queue holds. Message ids are not compared.
    fn dead_letters(&self) -> BoxFuture<'_, Vec<DeadLetter>>;
}

/// Puts a source queue through every case. Queues start empty.
///
/// # Panics
/// If it breaks the contract.
pub async fn source_queue(subject: &dyn QueueUnderTest) {
    assert!(subject.queue().has_dead_letter_queue());
    dead_letters_arrive_as_they_are(subject).await;
    each_refused_letter_is_named(subject).await;
    messages_come_back_when_told(subject).await;
    each_unknown_receipt_is_named(subject).await;
    assert!(subject.queue().send_dead_letters(&[]).await.is_empty());
    assert!(subject.queue().change_visibility(&[]).await.is_empty());
}

fn letter(number: usize, body: String) -> DeadLetter {
    let blob = Attribute {
        data_type: "Binary.png".to_owned(),
        value: AttributeValue::Binary(vec![0, 159, 146, 150]),
    };
    let number_of = Attribute {
        data_type: "Number.int".to_owned(),
        value: AttributeValue::Text(number.to_string()),
    };
    DeadLetter {
        message_id: format!("message-{number}"),
        body,
        attributes: [
            ("type".to_owned(), Attribute::text("user.signed_up é✓")),
            ("blob".to_owned(), blob),
            ("number".to_owned(), number_of),
        ]
        .into(),
        group: None,
    }
}

fn by_body(letters: Vec<DeadLetter>) -> BTreeMap<String, BTreeMap<String, Attribute>> {
    let contents = letters
        .into_iter()
        .map(|letter| (letter.body, letter.attributes));
    contents.collect()
}

/// More than one call takes, and together more bytes than one call takes.
async fn dead_letters_arrive_as_they_are(subject: &dyn QueueUnderTest) {
    let letters: Vec<_> = (0..23)
        .map(|number| letter(number, format!("  {number}\t{{\r\n{}", "é".repeat(50_000))))
        .collect();
    let answers = subject.queue().send_dead_letters(&letters).await;
    assert_eq!(answers, vec![Ok(()); letters.len()]);
    let found = subject.dead_letters().await;
    assert_eq!(found.len(), letters.len());
    assert!(
        by_body(found) == by_body(letters),
        "bodies or attributes differ"
    );
}

async fn each_refused_letter_is_named(subject: &dyn QueueUnderTest) {
    let too_long = "x".repeat(1024 * 1024 + 1);
    let bodies = ["first".to_owned(), too_long, "last".to_owned()];
    let letters: Vec<_> = (100..)
        .zip(bodies)
        .map(|(number, body)| letter(number, body))
        .collect();
    let answers = subject.queue().send_dead_letters(&letters).await;
    let stored: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(stored, [true, false, true], "{answers:?}");
    let found = by_body(subject.dead_letters().await);
    assert!(found.contains_key("first") && found.contains_key("last"));
}

fn change(message: &Message, wait: Duration) -> VisibilityChange {
    VisibilityChange {
        message_id: message.id.clone(),
        receipt_handle: message.receipt_handle.clone(),
        wait,
    }
}

async fn messages_come_back_when_told(subject: &dyn QueueUnderTest) {
    subject
        .put((0..23).map(|number| format!("body {number}")).collect())
        .await;
    let received = subject.receive().await;
    assert_eq!(received.len(), 23);
    assert!(subject.receive().await.is_empty(), "all are in flight");
    let (back, away) = received.split_at(12);
    let waits = back.iter().map(|message| (message, Duration::ZERO));
    let waits = waits.chain(
        away.iter()
            .map(|message| (message, Duration::from_secs(40_000))),
    );
    let changes: Vec<_> = waits.map(|(message, wait)| change(message, wait)).collect();
    let answers = subject.queue().change_visibility(&changes).await;
    assert_eq!(answers, vec![Ok(()); changes.len()]);
    let mut again: Vec<_> = subject
        .receive()
        .await
        .into_iter()
        .map(|message| message.id)
        .collect();
    let mut expected: Vec<_> = back.iter().map(|message| message.id.clone()).collect();
    again.sort();
    expected.sort();
    assert_eq!(again, expected);
}

async fn each_unknown_receipt_is_named(subject: &dyn QueueUnderTest) {
    subject.put(vec!["one more".to_owned()]).await;
    let received = subject.receive().await;
    let stranger = Message {
        id: "stranger".to_owned(),
        receipt_handle: "no such receipt".to_owned(),
        ..Message::default()
    };
    let changes = [
        change(&stranger, Duration::ZERO),
        change(&received[0], Duration::ZERO),
    ];
    let answers = subject.queue().change_visibility(&changes).await;
    let changed: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(changed, [false, true], "{answers:?}");
}

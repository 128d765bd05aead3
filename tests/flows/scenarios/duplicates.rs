//! An event that comes many times has its effect once.

use super::{
    backend::Backend,
    dead_letters::dead_letters,
    run::{ANALYTICS_DLQ, ANALYTICS_QUEUE, EMAIL_DLQ, EMAIL_QUEUE, Run, TOPIC, entry, is_done},
};

pub(super) async fn run(backend: impl Backend) {
    let cloud = backend.cloud();
    let run = Run::new(cloud);
    let event = run.signup("again");

    // At once, so that some meet a worker that has not finished it.
    cloud.publish(TOPIC, &vec![event.clone(); 5]).await;
    for queue in [EMAIL_QUEUE, ANALYTICS_QUEUE] {
        let copies = (0..4).map(|number| entry(&number.to_string(), &event));
        assert_eq!(cloud.send(queue, copies).await, 4);
    }
    run.settled(1, 1).await;

    // Then, when it is long done.
    let copies = [event.clone(), event, run.signup("last")];
    cloud.publish(TOPIC, &copies).await;
    let mails = run.settled(2, 2).await;
    assert_eq!(
        mails,
        ["again", "last"].map(|name| (name.to_owned(), 1)).into()
    );

    for (function, queue) in [
        ("email-service", EMAIL_DLQ),
        ("analytics-service", ANALYTICS_DLQ),
    ] {
        let records = run.records("processed-events", function).await;
        assert!(records.keys().eq(mails.keys()), "{function}: {records:?}");
        assert!(records.values().all(is_done), "{function}: {records:?}");
        dead_letters(cloud, &run, queue, 0).await;
    }
    backend.end().await;
}

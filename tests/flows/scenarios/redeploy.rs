//! Functions that are replaced while events flow: every event has its effect once.

use std::{cell::Cell, time::Duration};

use tokio::time::sleep;

use super::{
    backend::Backend,
    dead_letters::dead_letters,
    run::{ANALYTICS_DLQ, EMAIL_DLQ, EMAIL_QUEUE, Run, TOPIC, is_done},
};
use crate::cloud::{Cloud, until};

/// There and back, where a deployment needs a change to be one.
const DEPLOYMENTS: usize = 2;

/// Between two batches of ten events.
const PACE: Duration = Duration::from_millis(30);

/// No more is published while so many wait: a deployment may take minutes.
const BACKLOG: u64 = 300;

/// Mails between a deployment and the next, so that old and new functions are seen at work.
const PROGRESS: usize = 100;

pub(super) async fn run(mut backend: impl Backend) {
    let cloud = backend.cloud().clone();
    let run = Run::new(&cloud);
    let is_over = Cell::new(false);
    let publishing = publish_until(&cloud, &run, &is_over);
    let deploying = async {
        for _ in 0..DEPLOYMENTS {
            progress(&run).await;
            let look = async || backend.processes("email-service");
            let old = until("processes", look, |processes| !processes.is_empty()).await;
            backend.redeploy().await;
            let look = async || backend.processes("email-service");
            until("processes, new and not old", look, |processes| {
                let is_old = |process| old.contains(process);
                !processes.is_empty() && !processes.iter().any(is_old)
            })
            .await;
        }
        progress(&run).await;
        is_over.set(true);
    };
    let (published, ()) = tokio::join!(publishing, deploying);

    let mails = run.settled(published, published as u64).await;
    assert!(mails.values().all(|sends| *sends == 1), "{mails:?}");
    for function in ["email-service", "analytics-service"] {
        let records = run.records("processed-events", function).await;
        assert_eq!(records.len(), published, "{function}");
        assert!(records.values().all(is_done), "{function}: {records:?}");
    }
    for queue in [EMAIL_DLQ, ANALYTICS_DLQ] {
        dead_letters(&cloud, &run, queue, 0).await;
    }
    backend.end().await;
}

/// Publishes at a steady pace; returns how many.
async fn publish_until(cloud: &Cloud, run: &Run<'_>, is_over: &Cell<bool>) -> usize {
    let mut published = 0;
    while !is_over.get() {
        if cloud.depth(EMAIL_QUEUE).await < BACKLOG {
            cloud
                .publish(TOPIC, &run.signups("user", published..published + 10))
                .await;
            published += 10;
        }
        sleep(PACE).await;
    }
    published
}

/// Waits until some more mails were sent.
async fn progress(run: &Run<'_>) {
    let before = run.mails("sent-emails").await.len();
    let look = async || run.mails("sent-emails").await.len();
    until("mails", look, |mails| *mails >= before + PROGRESS).await;
}

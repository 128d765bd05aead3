//! Functions that are killed in the middle of their batches lose nothing and count nobody twice.

use rustix::process::Signal;
use tokio::time::Instant;

use super::{
    backend::Backend,
    dead_letters::dead_letters,
    run::{ANALYTICS_DLQ, ANALYTICS_QUEUE, EMAIL_DLQ, EMAIL_QUEUE, Run, TOPIC, is_done},
};
use crate::{cloud::PATIENCE, dev::signal};

/// A wave has settled before the next one comes. A kill costs an event up to two receives, its own and
/// one that finds the dead worker's lease; so each has receives to spare.
const WAVES: usize = 3;

/// Events of a wave before the first kill.
const EVENTS: usize = 100;

pub(super) async fn run(backend: impl Backend) {
    let cloud = backend.cloud();
    let run = Run::new(cloud);
    let mut published = 0;
    let mut kills = 0;
    for wave in 1..=WAVES {
        let mut more = async |count: usize| {
            cloud
                .publish(TOPIC, &run.signups("user", published..published + count))
                .await;
            published += count;
        };
        more(EVENTS).await;
        for (function, queue) in [
            ("email-service", EMAIL_QUEUE),
            ("analytics-service", ANALYTICS_QUEUE),
        ] {
            let started = Instant::now();
            loop {
                let killed = kill_at_work(&backend, &run, function, queue).await;
                kills += killed;
                if killed > 0 {
                    break;
                }
                assert!(
                    started.elapsed() < PATIENCE,
                    "wave {wave}: {function} was never at work"
                );
                more(10).await;
            }
        }
        // Sent twice are mails whose worker was killed before it could say so; README, "What it does not".
        let mails = run.settled(published, published as u64).await;
        assert!(
            mails.values().all(|sends| (1..=2).contains(sends)),
            "wave {wave}: {mails:?}"
        );
    }
    assert!(kills >= 2 * WAVES, "{kills} processes were killed");
    for function in ["email-service", "analytics-service"] {
        let records = run.records("processed-events", function).await;
        assert_eq!(records.len(), published, "{function}");
        assert!(records.values().all(is_done), "{function}: {records:?}");
    }
    for queue in [EMAIL_DLQ, ANALYTICS_DLQ] {
        dead_letters(cloud, &run, queue, 0).await;
    }
    backend.end().await;
}

/// Kills all processes of a function if they have messages in hand; returns how many. They are stopped
/// first, so that nothing is finished between the look and the kill.
async fn kill_at_work(backend: &impl Backend, run: &Run<'_>, function: &str, queue: &str) -> usize {
    let processes = backend.processes(function);
    let send = |with| {
        processes
            .iter()
            .filter(|process| signal(**process, with))
            .count()
    };
    send(Signal::STOP);
    let at_work = match function {
        // A lease that is not settled yet. Of earlier waves there is none.
        "email-service" => !run
            .records("processed-events", function)
            .await
            .values()
            .all(is_done),
        // It takes no leases.
        _ => backend.cloud().in_flight(queue).await > 0,
    };
    match at_work {
        true => send(Signal::KILL),
        false => {
            send(Signal::CONT);
            0
        }
    }
}

//! The simulation's model of queues and event source mappings does what `fanline dev` and LocalStack do: the same
//! messages have the same traces, which are how often each was received and how it ended.
//!
//! A receive leaves evidence behind only if it failed: the number of the last failure in the dedup record, or of the one
//! too many in the dead letter. The one thing to get wrong: to leave it at that. It shows that nothing was received
//! too seldom; that nothing was received too often, too, is shown by each queue's own count.

use std::collections::BTreeMap;

use fanline::publish::Outgoing;
use fanline_testing::sim::{Ending, Trace};
use rustix::process::Signal;

use super::{
    backend::Backend,
    dead_letters::dead_letters,
    model::{ANALYTICS, EMAIL, traces},
    retries::refuse,
    run::{ANALYTICS_DLQ, ANALYTICS_QUEUE, EMAIL_DLQ, EMAIL_QUEUE, Run, entry, is_done},
};
use crate::{
    cloud::{Cloud, number, until},
    dev::signal,
};

/// Consumer, its queue, its DLQ.
const CONSUMERS: [(&str, &str, &str); 2] = [
    (EMAIL, EMAIL_QUEUE, EMAIL_DLQ),
    (ANALYTICS, ANALYTICS_QUEUE, ANALYTICS_DLQ),
];

/// By consumer and event.
type Traces = BTreeMap<(&'static str, String), Trace>;

pub(super) async fn run(backend: impl Backend) {
    let cloud = backend.cloud().clone();
    let run = Run::new(&cloud);
    let (first, batch, lost) = ([run.signup("first")], batch(&run), lost_batch(&run));
    let refusals = BTreeMap::from([
        (run.event_id("refused-twice"), 2),
        (run.event_id("lost-refused"), 1),
    ]);
    let answered = [first.to_vec(), batch.clone()].concat();
    let mut expected = by_name(&run, &traces(&answered, &refusals, 0));
    let email_alone = traces(&lost, &refusals, 1).split_off(EMAIL);
    expected.extend(by_name(&run, &email_alone));

    for (event_id, times) in &refusals {
        refuse(&cloud, event_id, *times).await;
    }
    // Then functions run and wait for work.
    for messages in [&first[..], &batch] {
        for (_, queue, _) in CONSUMERS {
            send(&cloud, queue, messages).await;
        }
        cloud.wait_for(&[EMAIL_QUEUE, ANALYTICS_QUEUE], &[]).await;
    }
    lose_invocation(&backend, &lost).await;
    cloud.wait_for(&[EMAIL_QUEUE], &[]).await;

    let found = found(&cloud, &run, &[&answered[..], &lost].concat(), &expected).await;
    assert_eq!(found, expected);
    let receives = CONSUMERS.map(|(consumer, ..)| {
        let own = expected.iter().filter(|((of, _), _)| *of == consumer);
        own.map(|(_, trace)| u64::from(trace.receives)).sum::<u64>()
    });
    let queues = CONSUMERS.map(|(_, queue, _)| queue);
    assert_eq!(backend.end_counting(&queues).await, receives, "receives");
}

/// As many as fit into one invocation, with all that functions can be told to do.
fn batch(run: &Run<'_>) -> Vec<Outgoing> {
    let to = |name: &str, address: &str| run.event(name, "user.signed_up", 1, address);
    let mut no_json = run.signup("no-json");
    no_json.body.insert(0, '#');
    let mut wrong_data = run.signup("wrong-data");
    wrong_data.body = wrong_data.body.replace(r#""user@example.com""#, "17");
    let twice = run.signup("twice");
    vec![
        run.signup("good"),
        run.signup("refused-twice"),
        twice.clone(),
        to("hopeless", "user@fails.example"),
        no_json,
        to("panics", "user@panics.example"),
        wrong_data,
        run.event("unknown-version", "user.signed_up", 2, "user@example.com"),
        twice,
        run.signup("also-good"),
    ]
}

/// Each leaves evidence of how often it was received.
fn lost_batch(run: &Run<'_>) -> Vec<Outgoing> {
    let mut no_json = run.signup("lost-no-json");
    no_json.body.insert(0, '#');
    vec![
        run.signup("lost-refused"),
        no_json,
        run.event("lost-hopeless", "user.signed_up", 1, "user@fails.example"),
    ]
}

async fn send(cloud: &Cloud, queue: &str, messages: &[Outgoing]) {
    let entries = messages.iter().enumerate();
    let entries = entries.map(|(index, message)| entry(&index.to_string(), message));
    assert_eq!(cloud.send(queue, entries).await, messages.len());
}

/// Has the email function's timeout end an invocation that has these messages, before anything of them was done.
async fn lose_invocation(backend: &impl Backend, messages: &[Outgoing]) {
    let processes = async || backend.processes("email-service");
    let found = processes().await;
    let (kept, others) = found.split_last().expect("a process waits for work");
    // Or it might be another one that gets them.
    for other in others {
        signal(*other, Signal::KILL);
    }
    until("processes", processes, |found| found == &[*kept]).await;
    // Killed, its messages would be given to another: it has not read them.
    assert!(signal(*kept, Signal::STOP));
    send(backend.cloud(), EMAIL_QUEUE, messages).await;
    until("processes", processes, |found| !found.contains(kept)).await;
}

/// What is there to be seen of messages that have come to an end.
async fn found(cloud: &Cloud, run: &Run<'_>, messages: &[Outgoing], expected: &Traces) -> Traces {
    let mut found = Traces::new();
    for (consumer, _, dlq) in CONSUMERS {
        let is_letter = |((of, _), trace): &(&(&str, String), &Trace)| {
            *of == consumer && trace.ending != Ending::Done
        };
        let letters = expected.iter().filter(is_letter).count();
        for letter in dead_letters(cloud, run, dlq, letters).await {
            let attempts = letter.note.attempts;
            let ending = Ending::DeadLetter {
                reason: Some(letter.note.reason),
                attempts,
            };
            let trace = Trace {
                receives: attempts,
                ending,
            };
            found.insert((consumer, letter.name), trace);
        }
        let records = run.records("processed-events", consumer).await;
        for (name, record) in records.into_iter().filter(|(_, record)| is_done(record)) {
            let id = run.event_id(&name);
            let copies = messages.iter().filter(|message| message.event_id == id);
            let failures = number(&record, "attempts").unwrap_or(0);
            let trace = Trace {
                receives: (failures + copies.count() as u64) as u32,
                ending: Ending::Done,
            };
            found.insert((consumer, name), trace);
        }
    }
    found
}

fn by_name(run: &Run<'_>, traces: &BTreeMap<&'static str, BTreeMap<String, Trace>>) -> Traces {
    let all = traces.iter().flat_map(|(consumer, traces)| {
        traces
            .iter()
            .map(|(event, trace)| ((*consumer, event.as_str()), *trace))
    });
    let prefix = run.event_id("");
    let named = all.map(|((consumer, event), trace)| {
        let name = event.strip_prefix(&prefix).unwrap_or(event);
        ((consumer, name.to_owned()), trace)
    });
    named.collect()
}

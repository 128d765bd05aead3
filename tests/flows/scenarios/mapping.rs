//! The simulation's model of queues and event source mappings does what `fanline dev` and LocalStack do: the same
//! messages have the same traces, which are how often each was received and how it ended.
//!
//! A receive leaves evidence behind only if it failed: the number of the last failure in the dedup record, or of the one
//! too many in the dead letter. The one thing to get wrong: to leave it at that. It shows that nothing was received
//! too seldom; that nothing was received too often, too, is shown by each queue's own count.

use std::{collections::BTreeMap, time::Duration};

use fanline::publish::Outgoing;
use fanline_testing::sim::{Ending, Trace};
use rustix::process::Signal;
use tokio::time::sleep;

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

/// The time that a receive takes, from its first message to its last.
const RECEIVED: Duration = Duration::from_millis(200);

/// By consumer and event.
type Traces = BTreeMap<(&'static str, String), Trace>;

pub(super) async fn run(backend: impl Backend) {
    let cloud = backend.cloud().clone();
    let run = Run::new(&cloud);
    let (first, batch) = (vec![run.signup("first")], batch(&run));
    refuse(&cloud, &run.event_id("refused-twice"), 2).await;
    // The first, so that functions run and wait for work.
    for messages in [&first, &batch] {
        for (_, queue, _) in CONSUMERS {
            send(&cloud, queue, messages).await;
        }
        cloud.wait_for(&[EMAIL_QUEUE, ANALYTICS_QUEUE], &[]).await;
    }
    let mut lost = Vec::new();
    let mut torn = Vec::new();
    while lost.is_empty() {
        let messages = lost_batch(&run, torn.len());
        refuse(&cloud, &messages[0].event_id, 1).await;
        let is_whole = lose_invocation(&backend, &messages).await;
        cloud.wait_for(&[EMAIL_QUEUE], &[]).await;
        let batches = if is_whole { &mut lost } else { &mut torn };
        batches.extend(messages);
        assert!(torn.len() < 10, "batches are never received as sent");
    }

    let refusals = BTreeMap::from([(run.event_id("refused-twice"), 2)]);
    let answered = [first, batch].concat();
    let mut expected = by_name(&run, &traces(&answered, &refusals, 0));
    let unanswered = [&lost[..], &torn].concat();
    let refusals = unanswered.iter().step_by(3);
    let refusals = refusals.map(|message| (message.event_id.clone(), 1));
    let email_alone = traces(&unanswered, &refusals.collect(), 1).split_off(EMAIL);
    expected.extend(by_name(&run, &email_alone));

    let found = found(&cloud, &run, &[answered, unanswered].concat(), &expected).await;
    for ((_, event), trace) in &mut expected {
        // Nobody knows which of them were received together, but how often they were counts.
        let event_id = run.event_id(event);
        if torn.iter().any(|message| message.event_id == event_id) {
            *trace = found[&(EMAIL, event.clone())];
        }
    }
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

/// Each leaves evidence of how often it was received. The first is to be refused once.
fn lost_batch(run: &Run<'_>, number: usize) -> Vec<Outgoing> {
    let name = |name: &str| format!("lost-{number}-{name}");
    let mut no_json = run.signup(&name("no-json"));
    no_json.body.insert(0, '#');
    let hopeless = "user@fails.example";
    vec![
        run.signup(&name("refused")),
        no_json,
        run.event(&name("hopeless"), "user.signed_up", 1, hopeless),
    ]
}

async fn send(cloud: &Cloud, queue: &str, messages: &[Outgoing]) {
    let entries = messages.iter().enumerate();
    let entries = entries.map(|(index, message)| entry(&index.to_string(), message));
    assert_eq!(cloud.send(queue, entries).await, messages.len());
}

/// Has the email function's timeout end an invocation that has these messages, before anything of them was done. False
/// if they were not received together: LocalStack's mapping may look while a batch is being sent.
async fn lose_invocation(backend: &impl Backend, messages: &[Outgoing]) -> bool {
    let cloud = backend.cloud();
    let processes = async || backend.processes("email-service");
    let found = processes().await;
    let (kept, others) = found.split_last().expect("a process waits for work");
    // Or it might be another one that gets them.
    for other in others {
        signal(*other, Signal::KILL);
    }
    until("processes", processes, |found| found == &[*kept]).await;
    // Not killed: it has not read them, and `fanline dev` would give them to another.
    assert!(signal(*kept, Signal::STOP));
    send(cloud, EMAIL_QUEUE, messages).await;
    let look = async || cloud.in_flight(EMAIL_QUEUE).await;
    until("messages in flight", look, |in_flight| *in_flight > 0).await;
    sleep(RECEIVED).await;
    let is_whole = look().await == messages.len() as u64;
    until("processes", processes, |found| !found.contains(kept)).await;
    is_whole
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

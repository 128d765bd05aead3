//! The model of Lambda's event source mapping: which messages of a batch are deleted, and which come back.
//!
//! AWS's rules are those of "Handling errors for an SQS event source in Lambda": what a partial batch response does not
//! name is deleted; after an invocation that failed nothing is; a FIFO group stops at its first failure. The one thing to
//! get wrong: a table that the workers' own duties hide. What counts is how often each message was received.

use std::time::Duration;

use fanline::{Attempt, Envelope, Event, Failure, Worker, dead_letter::Reason, publish::Outgoing};
use fanline_testing::{
    envelope,
    sim::{Ending, Faults, Fixed, Simulation, Trace},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An event that fails as often as this says.
#[derive(Serialize, Deserialize)]
struct Task {
    failures: u32,
}

impl Event for Task {
    const TYPE: &'static str = "task.due";
}

async fn handle(event: Envelope<Task>, attempt: Attempt) -> Result<(), Failure> {
    match attempt.0 > event.data.failures {
        true => Ok(()),
        false => Err(Failure::retry("not yet")),
    }
}

/// The queue's `maxReceiveCount`, and the attempts of the retry plan.
const RECEIVES: u32 = 5;

/// More than there are receives.
const FOREVER: u32 = 99;

struct Queue {
    is_fifo: bool,
    batch_size: usize,
    /// Invocations that end without an answer, of each message.
    lost: u32,
}

const STANDARD: Queue = Queue {
    is_fifo: false,
    batch_size: 10,
    lost: 0,
};
const FIFO: Queue = Queue {
    is_fifo: true,
    ..STANDARD
};

/// What became of events, each in a FIFO group and failing so often at first; all are there before the first receive.
fn run(queue: &Queue, events: &[(&str, u32)]) -> Vec<Trace> {
    let messages: Vec<_> = events.iter().enumerate().map(message).collect();
    let simulation = Simulation::new(|| ())
        .messages(messages.clone())
        .consumer("tasks", |()| Worker::new(()).on(handle))
        .faults(Faults::none())
        .fixed(Fixed {
            batch_size: queue.batch_size,
            concurrency: 2,
            timeout: Duration::from_secs(3),
            receives: RECEIVES,
            lost_receives: queue.lost,
        });
    let run = match queue.is_fifo {
        true => simulation.fifo().run(0),
        false => simulation.run(0),
    };
    assert_eq!(run.violations, []);
    let traces = run.traces("tasks");
    let in_order = messages.iter().map(|message| traces[&message.event_id]);
    in_order.collect()
}

fn message((number, (group, failures)): (usize, &(&str, u32))) -> Outgoing {
    let event_id = format!("task-{number}");
    Outgoing {
        body: envelope(Task::TYPE, &event_id, json!({"failures": failures})).to_string(),
        entity: (*group).to_owned(),
        attributes: vec![("type".to_owned(), Task::TYPE.to_owned())],
        event_id,
    }
}

/// How often each is received, if all of them are handled in the end.
#[track_caller]
fn assert_receives(rule: &str, queue: &Queue, events: &[(&str, u32)], receives: &[u32]) {
    let traces = run(queue, events);
    let found: Vec<u32> = traces.iter().map(|trace| trace.receives).collect();
    assert_eq!(found, receives, "{rule}: {traces:?}");
    let is_done = |trace: &Trace| trace.ending == Ending::Done;
    assert!(traces.iter().all(is_done), "{rule}: {traces:?}");
}

#[test]
fn an_answer_brings_back_what_it_names_and_nothing_else() {
    assert_receives("nobody is named", &STANDARD, &[("a", 0); 3], &[1, 1, 1]);
    let some = [("a", 0), ("a", 2), ("a", 0), ("a", 4)];
    assert_receives("some are named", &STANDARD, &some, &[1, 3, 1, 5]);
    assert_receives("all are named", &STANDARD, &[("a", 1); 3], &[2, 2, 2]);
}

#[test]
fn without_an_answer_the_whole_batch_comes_back() {
    let lost = |lost| Queue { lost, ..STANDARD };
    assert_receives("once", &lost(1), &[("a", 0); 3], &[2, 2, 2]);
    assert_receives("again and again", &lost(4), &[("a", 0); 3], &[5, 5, 5]);
    // Its fourth receive is the second of which anything is heard.
    let events = [("a", 0), ("a", 3), ("a", 0)];
    assert_receives("then with an answer", &lost(2), &events, &[3, 4, 3]);
    let one_by_one = Queue {
        batch_size: 1,
        ..lost(1)
    };
    assert_receives("one by one", &one_by_one, &[("a", 0); 3], &[2, 2, 2]);
}

#[test]
fn a_fifo_group_stops_at_its_first_failure_and_the_others_go_on() {
    let events = [("a", 0), ("a", 1), ("b", 0), ("a", 0), ("b", 0)];
    assert_receives("in one batch", &FIFO, &events, &[1, 2, 1, 2, 1]);
    let one_by_one = Queue {
        batch_size: 1,
        ..FIFO
    };
    // What is behind a message in flight is not given out.
    assert_receives("one by one", &one_by_one, &events, &[1, 2, 1, 1, 1]);
    let lost = Queue { lost: 1, ..FIFO };
    assert_receives("without an answer", &lost, &events, &[2, 2, 2, 2, 2]);
}

#[test]
fn receives_without_an_answer_count_towards_the_last() {
    let ended = |queue: &Queue| {
        let traces = run(queue, &[("a", FOREVER), ("a", 0)]);
        assert_eq!(traces[0].receives, RECEIVES);
        (traces[0].ending, traces[1].ending)
    };
    let letter = |reason| Ending::DeadLetter {
        reason,
        attempts: RECEIVES,
    };
    for lost in [0, 2, RECEIVES - 1] {
        let queue = Queue { lost, ..STANDARD };
        let expected = (letter(Some(Reason::AttemptsUsedUp)), Ending::Done);
        assert_eq!(ended(&queue), expected, "{lost} lost");
    }
    // Nobody was left to give them up: SQS did.
    let lost = RECEIVES;
    assert_eq!(
        ended(&Queue { lost, ..STANDARD }),
        (letter(None), letter(None))
    );
}

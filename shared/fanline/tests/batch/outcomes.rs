//! The table of design section 5, row by row: what happened, what the store holds then, what
//! SQS is told, what is counted.

use std::sync::Arc;

use fanline::{
    Batch, Message, Outcome, System, Timestamp,
    dedup::{Claim, ClaimAnswer, DedupStore, Record, SettleAnswer, SettleAs, Settlement, Status},
};
use fanline_testing::{Fault, FaultyStore, envelope, message};
use serde_json::{Value, json};

use crate::world::{Act, INVOCATION, World, leased_message, standard, transacted_message};

/// What the store holds before the message comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Nothing,
    Done,
    DoneWithOtherData,
    LiveLease,
    LapsedLease,
}

struct Row {
    name: &'static str,
    message: Message,
    before: Before,
    faults: &'static [Fault],
    outcome: Outcome,
    /// Status, and whether the lease is given back.
    after: Option<(Status, bool)>,
    reported: bool,
}

const DONE: Option<(Status, bool)> = Some((Status::Done, false));
const RELEASED: Option<(Status, bool)> = Some((Status::Leased, true));
const HELD: Option<(Status, bool)> = Some((Status::Leased, false));

fn rows() -> Vec<Row> {
    let leased = |act| leased_message("m-1", "e-1", act);
    let transacted = |act| transacted_message("m-1", "e-1", act);
    let row = |name, message, outcome, after, reported| Row {
        name,
        message,
        before: Before::Nothing,
        faults: &[],
        outcome,
        after,
        reported,
    };
    let retried = |reason: &str| Outcome::Retried {
        after: None,
        reason: reason.to_owned(),
    };
    let rejected = |reason: &str| Outcome::Rejected {
        reason: reason.to_owned(),
    };
    let unavailable = || Outcome::StoreUnavailable {
        reason: "injected fault".to_owned(),
    };
    let until = World::new().system.now() + INVOCATION;
    let unknown_type = message("m-1", envelope("user.renamed", "e-1", json!({})));
    let mut unknown_version = envelope("lease.used", "e-1", json!({"act": "Succeed"}));
    unknown_version["metadata"]["version"] = json!(9);
    let wrong_data = message("m-1", envelope("lease.used", "e-1", json!({"act": "Sing"})));
    vec![
        row(
            "handler ok",
            leased(Act::Succeed),
            Outcome::Succeeded,
            DONE,
            false,
        ),
        row(
            "handler ok, transaction",
            transacted(Act::Succeed),
            Outcome::Succeeded,
            DONE,
            false,
        ),
        Row {
            before: Before::Done,
            ..row(
                "key done",
                leased(Act::Succeed),
                Outcome::Duplicate,
                DONE,
                false,
            )
        },
        Row {
            before: Before::Done,
            ..row(
                "key done, transaction",
                transacted(Act::Succeed),
                Outcome::Duplicate,
                DONE,
                false,
            )
        },
        Row {
            before: Before::DoneWithOtherData,
            ..row(
                "key done, other payload",
                leased(Act::Succeed),
                Outcome::Conflict,
                DONE,
                true,
            )
        },
        Row {
            before: Before::LiveLease,
            ..row(
                "twin running",
                leased(Act::Succeed),
                Outcome::Busy { until },
                HELD,
                true,
            )
        },
        Row {
            before: Before::LiveLease,
            ..row(
                "twin running, transaction",
                transacted(Act::Succeed),
                Outcome::Busy { until },
                HELD,
                true,
            )
        },
        Row {
            before: Before::LapsedLease,
            ..row(
                "lease expired",
                leased(Act::Succeed),
                Outcome::Succeeded,
                DONE,
                false,
            )
        },
        row(
            "retry",
            leased(Act::Fail),
            retried("did not work"),
            RELEASED,
            true,
        ),
        row(
            "retry, transaction",
            transacted(Act::Fail),
            retried("did not work"),
            None,
            true,
        ),
        row(
            "panic",
            leased(Act::Panic),
            retried("handler panicked: a bug"),
            RELEASED,
            true,
        ),
        row(
            "handler timeout",
            leased(Act::Hang),
            retried("stopped at the deadline of the invocation"),
            RELEASED,
            true,
        ),
        row(
            "reject",
            leased(Act::Reject),
            rejected("will never work"),
            RELEASED,
            true,
        ),
        row(
            "unknown type",
            unknown_type,
            rejected("unknown event type \"user.renamed\"; handled: lease.used, transaction.used"),
            None,
            true,
        ),
        row(
            "unknown version",
            message("m-1", unknown_version),
            rejected("unknown version 9 of lease.used; handled: 1"),
            None,
            true,
        ),
        row(
            "undecodable body",
            message("m-1", "hello"),
            rejected(
                "undecodable: body: expected a JSON object, found text that is not JSON at line 1 column 1 (5 bytes)",
            ),
            None,
            true,
        ),
        row(
            "undecodable data",
            wrong_data,
            rejected(
                "undecodable: lease.used version 1: data.act: expected one of `Succeed`, `Fail`, `FailFor`, `FindItDown`, `Reject`, `Panic`, `Hang`, `TakeASecond`, found another value",
            ),
            None,
            true,
        ),
        Row {
            faults: &[Fault::Before],
            ..row(
                "store down before claim",
                leased(Act::Succeed),
                unavailable(),
                None,
                true,
            )
        },
        Row {
            faults: &[Fault::After],
            ..row(
                "claim's answer lost",
                leased(Act::Succeed),
                unavailable(),
                RELEASED,
                true,
            )
        },
        Row {
            faults: &[Fault::HangAfter],
            ..row(
                "claim never answers",
                leased(Act::Succeed),
                Outcome::StoreUnavailable {
                    reason: "the dedup store did not answer before the deadline".to_owned(),
                },
                RELEASED,
                true,
            )
        },
        Row {
            faults: &[Fault::None, Fault::Before],
            ..row(
                "store down before completion",
                leased(Act::Succeed),
                unavailable(),
                HELD,
                true,
            )
        },
        Row {
            faults: &[Fault::None, Fault::After],
            ..row(
                "completion's answer lost",
                leased(Act::Succeed),
                unavailable(),
                DONE,
                true,
            )
        },
    ]
}

async fn prepare(world: &World, row: &Row) {
    if row.before == Before::Nothing {
        return;
    }
    let now = world.system.now();
    let mut twin = row.message.clone();
    if row.before == Before::DoneWithOtherData {
        twin = leased_message("m-0", "e-1", Act::TakeASecond);
    }
    if matches!(row.before, Before::Done | Before::DoneWithOtherData) {
        let processor = world.processor();
        let report = world.process(&processor, standard(vec![twin])).await;
        assert_eq!(report.failures().count(), 0, "{}: first delivery", row.name);
        return;
    }
    let lease_until = match row.before {
        Before::LiveLease => now + INVOCATION,
        _ => now,
    };
    let claim = Claim {
        id: "consumer#e-1".to_owned(),
        owner: "twin".to_owned(),
        fingerprint: "twin's data".to_owned(),
        lease_until,
        expires_at: now + INVOCATION * 100,
    };
    let answers = world.store.claim(&[claim], now).await;
    assert_eq!(
        answers,
        [ClaimAnswer::Claimed],
        "{}: twin's lease",
        row.name
    );
}

#[tokio::test(start_paused = true)]
async fn each_row_of_the_table_holds() {
    for row in rows() {
        let world = World::new();
        prepare(&world, &row).await;
        let faults = row.faults.iter().copied();
        let store = FaultyStore::new(Arc::new(world.store.clone()), faults);
        let processor = world.processor_with(world.worker(), Arc::new(store));
        let report = world.process(&processor, standard(vec![row.message])).await;

        let (_, outcome) = report.outcomes().next().unwrap();
        assert_eq!(*outcome, row.outcome, "{}", row.name);
        assert_eq!(
            report.failures().count(),
            usize::from(row.reported),
            "{}",
            row.name
        );
        assert_eq!(outcome.is_handled(), !row.reported, "{}", row.name);
        let counted: Vec<_> = Outcome::METRICS
            .iter()
            .zip(report.counts())
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(counted, [(&outcome.metric(), 1)], "{}", row.name);
        let after = world.store.records().remove("consumer#e-1").map(|record| {
            (
                record.status,
                record.status == Status::Leased && record.lease_until == Timestamp::UNIX_EPOCH,
            )
        });
        assert_eq!(after, row.after, "{}", row.name);
    }
}

#[tokio::test(start_paused = true)]
async fn released_record_keeps_attempt_and_reason() {
    let world = World::new();
    let message = Message {
        receive_count: 3,
        ..leased_message("m-1", "e-1", Act::Fail)
    };
    let report = world
        .process(&world.processor(), standard(vec![message]))
        .await;
    assert_eq!(report.failures().count(), 1);
    let record: Record = world.store.records().remove("consumer#e-1").unwrap();
    assert_eq!(
        (record.attempts, record.last_error.as_deref()),
        (3, Some("retried: did not work"))
    );
}

#[tokio::test(start_paused = true)]
async fn lease_lost_while_running_is_reported_and_touches_nothing() {
    let world = World::new();
    let processor = world.processor();
    let message = leased_message("m-1", "e-1", Act::TakeASecond);
    let run = world.process(&processor, standard(vec![message]));
    let thief = async {
        tokio::task::yield_now().await;
        // The first worker is paused for longer than its lease, and another one takes over.
        world.system.advance(INVOCATION * 2);
        let claim = Claim {
            id: "consumer#e-1".to_owned(),
            owner: "thief".to_owned(),
            fingerprint: "data".to_owned(),
            lease_until: world.system.now() + INVOCATION,
            expires_at: world.system.now() + INVOCATION * 100,
        };
        assert_eq!(
            world.store.claim(&[claim], world.system.now()).await,
            [ClaimAnswer::Claimed]
        );
    };
    let (report, ()) = tokio::join!(run, thief);
    assert_eq!(report.failures().collect::<Vec<_>>(), ["m-1"]);
    assert_eq!(report.outcomes().next().unwrap().1, &Outcome::LeaseLost);
    assert_eq!(world.store.records()["consumer#e-1"].owner, "thief");
    let settlement = Settlement {
        id: "consumer#e-1".to_owned(),
        owner: "thief".to_owned(),
        end: SettleAs::Complete,
    };
    assert_eq!(
        world.store.settle(&[settlement]).await,
        [SettleAnswer::Settled]
    );
}

#[tokio::test(start_paused = true)]
async fn unknown_events_are_skipped_if_told_so() {
    let world = World::new();
    let unknown = message("m-1", envelope("user.renamed", "e-1", json!({})));
    let report = world
        .process(&world.skipping_processor(), standard(vec![unknown]))
        .await;
    assert_eq!(report.failures().count(), 0);
    assert_eq!(report.outcomes().next().unwrap().1.metric(), "skipped");
}

#[tokio::test(start_paused = true)]
async fn deadline_leaves_what_was_not_started_and_gives_leases_back() {
    let world = World::new();
    let processor = world.processor_of(1, Arc::new(world.store.clone()));
    let messages = vec![
        leased_message("m-1", "e-1", Act::Succeed),
        leased_message("m-2", "e-2", Act::Hang),
        leased_message("m-3", "e-3", Act::Succeed),
    ];
    let started = tokio::time::Instant::now();
    let report = world.process(&processor, standard(messages)).await;
    assert!(
        started.elapsed() < INVOCATION,
        "it answers before the invocation ends"
    );
    let metrics: Vec<_> = report
        .outcomes()
        .map(|(_, outcome)| outcome.metric())
        .collect();
    assert_eq!(metrics, ["succeeded", "retried", "unattempted"]);
    for event in ["e-2", "e-3"] {
        let record = &world.store.records()[&format!("consumer#{event}")];
        assert_eq!(record.lease_until, Timestamp::UNIX_EPOCH, "{event}");
    }
}

#[tokio::test]
async fn record_without_message_id_fails_the_event_and_runs_nothing() {
    let world = World::new();
    let messages = vec![
        leased_message("m-1", "e-1", Act::Succeed),
        leased_message("", "e-2", Act::Succeed),
    ];
    let error = world
        .processor()
        .process(standard(messages), &world.queue, world.deadline())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "record 1 of the batch has no messageId; it cannot be reported by itself, so the whole batch is returned"
    );
    assert!(world.store.records().is_empty() && world.journal.starts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn metrics_line_counts_every_outcome_and_declares_those_that_occurred() {
    let world = World::new();
    let messages = vec![
        leased_message("m-1", "e-1", Act::Succeed),
        leased_message("m-2", "e-1", Act::Succeed),
        leased_message("m-3", "e-3", Act::Fail),
    ];
    world.system.advance(std::time::Duration::from_millis(250));
    let report = world.process(&world.processor(), standard(messages)).await;
    let line = report.metrics_line();
    assert!(!line.contains('\n'));
    let mut line: Value = serde_json::from_str(&line).unwrap();
    let directive = line["_aws"]["CloudWatchMetrics"][0].take();
    assert_eq!(
        line["_aws"]["Timestamp"],
        json!(world.system.now().as_millisecond())
    );
    assert_eq!(directive["Namespace"], json!("Fanline"));
    assert_eq!(directive["Dimensions"], json!([["consumer"]]));
    let declared: Vec<_> = directive["Metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| metric["Name"].as_str().unwrap())
        .collect();
    assert_eq!(
        declared,
        [
            "records",
            "succeeded",
            "duplicate",
            "retried",
            "attempts",
            "age"
        ]
    );
    line["_aws"].take();
    assert_eq!(
        line,
        json!({
            "_aws": null, "consumer": "consumer", "requestId": "request-1", "source": "queue-1", "records": 3, "keyed": 0,
            "succeeded": 1, "duplicate": 1, "retried": 1, "skipped": 0, "conflict": 0, "busy": 0,
            "dead_lettered": 0, "unavailable": 0, "rejected": 0, "lease_lost": 0, "unattempted": 0, "store_unavailable": 0,
            "attempts": [1, 1, 1], "age": [250, 250, 250]
        })
    );
}

#[tokio::test]
async fn empty_batch_is_answered_without_a_call() {
    let world = World::new();
    let store = FaultyStore::new(Arc::new(world.store.clone()), [Fault::HangBefore]);
    let processor = world.processor_with(world.worker(), Arc::new(store));
    let report = world.process(&processor, Batch::default()).await;
    assert_eq!(report.outcomes().len(), 0);
}

//! The event source mapping between a fake SQS and a real function process.

use crate::fake_sqs::FakeSqs;
use crate::support::{Gate, Lines, spec as function_spec, start as start_function};
use fanline_cli::lambda::{Ending, Function, FunctionSpec, InvokeError};
use fanline_cli::mapping::{InvalidMapping, Mapping, MappingEvent, MappingSpec};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

struct Rig {
    sqs: FakeSqs,
    function: Arc<Function>,
    mapping: Mapping,
    events: mpsc::UnboundedReceiver<MappingEvent>,
    _lines: Lines,
}

fn mapping_spec() -> MappingSpec {
    MappingSpec {
        queue_url: "http://localhost/000000000000/orders".into(),
        queue_arn: "arn:aws:sqs:eu-west-1:000000000000:orders".into(),
        fifo: false,
        batch_size: 10,
        maximum_batching_window: Duration::ZERO,
        maximum_concurrency: 2,
        report_batch_item_failures: true,
        filter_patterns: Vec::new(),
    }
}

async fn rig(change: impl FnOnce(&mut MappingSpec)) -> Rig {
    let sqs = FakeSqs::start().await;
    rig_on(sqs, function_spec(), change)
}

fn rig_on(sqs: FakeSqs, function: FunctionSpec, change: impl FnOnce(&mut MappingSpec)) -> Rig {
    let mut spec = mapping_spec();
    change(&mut spec);
    let (function, lines) = start_function(function);
    let (sender, events) = mpsc::unbounded_channel();
    let mapping = Mapping::start(spec, sqs.client(), Arc::clone(&function), sender).unwrap();
    Rig {
        sqs,
        function,
        mapping,
        events,
        _lines: lines,
    }
}

impl Rig {
    /// The next event for which `pick` has an answer; the others are passed over.
    async fn until<T>(&mut self, pick: impl Fn(MappingEvent) -> Option<T>) -> T {
        let searching = async {
            loop {
                if let Some(found) = pick(self.events.recv().await.expect("the mapping runs")) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), searching)
            .await
            .expect("the event should come")
    }

    async fn deleted(&mut self) -> Vec<String> {
        self.until(|event| match event {
            MappingEvent::Deleted { message_ids, .. } => Some(message_ids),
            _ => None,
        })
        .await
    }

    async fn returned(&mut self) -> (Vec<String>, String) {
        self.until(|event| match event {
            MappingEvent::Returned {
                message_ids,
                reason,
                ..
            } => Some((message_ids, reason)),
            _ => None,
        })
        .await
    }

    async fn problem(&mut self) -> String {
        self.until(|event| match event {
            MappingEvent::Problem { text, .. } => Some(text),
            _ => None,
        })
        .await
    }
}

fn echo(count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| json!({ "do": "echo", "value": number }))
        .collect()
}

fn ids(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers
        .into_iter()
        .map(|number| format!("m-{number}"))
        .collect()
}

#[tokio::test]
async fn a_handled_batch_is_reported_and_deleted() {
    let mut rig = rig(|_| ()).await;
    rig.sqs.send(echo(3));
    let received = rig.events.recv().await.unwrap();
    let MappingEvent::Received {
        queue_arn,
        messages,
    } = received
    else {
        panic!("{received:?}")
    };
    assert_eq!(&*queue_arn, "arn:aws:sqs:eu-west-1:000000000000:orders");
    assert_eq!(messages[1].message_id, "m-1");
    assert_eq!(messages[1].receive_count, 2);
    assert_eq!(messages[1].body, r#"{"do":"echo","value":1}"#);
    let invoked = rig.events.recv().await.unwrap();
    let MappingEvent::Invoked {
        function,
        batch_size,
        outcome,
        ..
    } = invoked
    else {
        panic!("{invoked:?}")
    };
    assert_eq!(
        (function.as_str(), batch_size, outcome),
        ("echo", 3, Ok(()))
    );
    assert_eq!(rig.deleted().await, ids(0..3));
    assert_eq!(rig.sqs.deleted(), ids(0..3));
    let receive = &rig.sqs.receives()[0];
    assert_eq!(receive["WaitTimeSeconds"], 20);
    assert_eq!(receive["MaxNumberOfMessages"], 10);
    rig.mapping.stop().await;
}

#[tokio::test]
async fn failed_messages_stay() {
    let mut rig = rig(|_| ()).await;
    rig.sqs.send([
        json!({"do": "echo"}),
        json!({"do": "fail"}),
        json!({"do": "echo"}),
    ]);
    assert_eq!(
        rig.returned().await,
        (ids([1]), "the function reported them as failed".to_owned())
    );
    assert_eq!(rig.deleted().await, ids([0, 2]));
}

#[tokio::test]
async fn a_response_that_cannot_be_read_deletes_nothing() {
    let mut rig = rig(|_| ()).await;
    let unknown = json!({ "batchItemFailures": [{ "itemIdentifier": "m-99" }] });
    rig.sqs.send([
        json!({"do": "respond", "value": unknown}),
        json!({"do": "echo"}),
    ]);
    let (kept, reason) = rig.returned().await;
    assert_eq!(kept, ids(0..2));
    assert_eq!(reason, "itemIdentifier m-99 is no message of this batch");
    rig.mapping.stop().await;
    assert!(rig.sqs.deleted().is_empty());
}

#[tokio::test]
async fn without_reporting_a_return_deletes_all() {
    let mut rig = rig(|spec| spec.report_batch_item_failures = false).await;
    rig.sqs.send([json!({"do": "fail"}), json!({"do": "echo"})]);
    assert_eq!(rig.deleted().await, ids(0..2));
}

#[tokio::test]
async fn a_crash_returns_the_batch_and_the_next_one_is_handled() {
    let mut rig = rig(|_| ()).await;
    rig.sqs.send([json!({"do": "echo"}), json!({"do": "exit"})]);
    let (kept, reason) = rig.returned().await;
    assert_eq!(kept, ids(0..2));
    let crash = InvokeError::Crashed {
        ending: Ending::Status(1),
    };
    assert_eq!(reason, crash.to_string());
    rig.sqs.send(echo(1));
    assert_eq!(rig.deleted().await, ids(0..1));
}

#[tokio::test]
async fn a_timeout_returns_the_batch() {
    let function = FunctionSpec {
        timeout: Duration::from_millis(200),
        ..function_spec()
    };
    let mut rig = rig_on(FakeSqs::start().await, function, |_| ());
    rig.sqs.send([json!({"do": "hang"})]);
    let (kept, reason) = rig.returned().await;
    assert_eq!(
        (kept, reason.as_str()),
        (ids([0]), "timed out after 0.20 s: the process was killed")
    );
    assert!(rig.function.process_ids().is_empty());
}

#[tokio::test]
async fn large_batches_are_gathered_over_several_receives_and_deleted_in_tens() {
    let mut rig = rig(|spec| {
        spec.batch_size = 25;
        spec.maximum_batching_window = Duration::from_secs(60);
    })
    .await;
    rig.sqs.send(echo(25));
    assert_eq!(rig.deleted().await.len(), 25);
    let asked = rig.sqs.receives();
    let asked: Vec<&Value> = asked
        .iter()
        .take(3)
        .map(|receive| &receive["MaxNumberOfMessages"])
        .collect();
    assert_eq!(asked, [10, 10, 5]);
    assert_eq!(rig.sqs.delete_calls(), [10, 10, 5]);
}

#[tokio::test]
async fn a_window_ends_an_incomplete_batch() {
    let mut rig = rig(|spec| {
        spec.batch_size = 25;
        spec.maximum_batching_window = Duration::from_secs(1);
    })
    .await;
    rig.sqs.send(echo(12));
    let size = rig
        .until(|event| match event {
            MappingEvent::Invoked { batch_size, .. } => Some(batch_size),
            _ => None,
        })
        .await;
    assert_eq!(size, 12);
}

#[tokio::test]
async fn batches_run_concurrently_up_to_the_maximum() {
    let function = FunctionSpec {
        concurrency: 5,
        ..function_spec()
    };
    let mut rig = rig_on(FakeSqs::start().await, function, |spec| spec.batch_size = 1);
    let gate = Gate::open().await;
    let body: Value = serde_json::from_slice(&gate.command()).unwrap();
    rig.sqs.send(std::iter::repeat_n(body, 3));
    let (first, second) = (gate.arrival().await, gate.arrival().await);
    assert_eq!(
        rig.sqs.receives().len(),
        2,
        "no message is received without a free slot"
    );
    assert_eq!(rig.function.process_ids().len(), 2);
    drop(first);
    let third = gate.arrival().await;
    drop((second, third));
    let mut handled = Vec::new();
    while handled.len() < 3 {
        handled.extend(rig.deleted().await);
    }
    handled.sort();
    assert_eq!(handled, ids(0..3));
}

#[tokio::test]
async fn refused_deletes_are_repeated() {
    let mut rig = rig(|_| ()).await;
    rig.sqs.refuse_delete("r-1", 2, false);
    rig.sqs.send(echo(3));
    assert_eq!(rig.deleted().await, ids([0, 2, 1]));
    assert_eq!(rig.sqs.delete_calls(), [3, 1, 1]);
}

#[tokio::test]
async fn deletes_that_stay_refused_are_reported() {
    let mut rig = rig(|_| ()).await;
    rig.sqs.refuse_delete("r-0", usize::MAX, false);
    rig.sqs.refuse_delete("r-1", usize::MAX, true);
    rig.sqs.send(echo(3));
    let (mut kept, reason) = rig.returned().await;
    kept.sort();
    assert_eq!(kept, ids([0, 1]));
    assert!(reason.ends_with("Refused: not now"), "{reason}");
    assert_eq!(rig.deleted().await, ids([2]));
    assert_eq!(
        rig.sqs.delete_calls(),
        [3, 1, 1, 1],
        "a sender fault is not repeated"
    );
}

#[tokio::test]
async fn a_receive_that_fails_is_told_and_tried_again() {
    let sqs = FakeSqs::start().await;
    sqs.refuse_receives(&["RequestThrottled", "QueueDoesNotExist"]);
    let mut rig = rig_on(sqs, function_spec(), |_| ());
    let text = rig.problem().await;
    assert!(
        text.contains("trying again in 0.2 s: RequestThrottled: refused"),
        "{text}"
    );
    let text = rig.problem().await;
    assert!(
        text.contains("trying again in 0.4 s: QueueDoesNotExist: refused"),
        "{text}"
    );
    rig.sqs.send(echo(1));
    assert_eq!(rig.deleted().await, ids([0]));
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_named() {
    let mut sqs = FakeSqs::start().await;
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    sqs.url = format!("http://{nobody}");
    let mut rig = rig_on(sqs, function_spec(), |_| ());
    let text = rig.problem().await;
    assert!(text.to_lowercase().contains("connection refused"), "{text}");
    rig.mapping.stop().await;
}

#[tokio::test]
async fn unwanted_messages_are_deleted_unseen() {
    let wanted = json!({ "body": { "do": ["echo"] } });
    let mut rig = rig(|spec| spec.filter_patterns = vec![wanted]).await;
    rig.sqs.send([
        json!({"do": "exit"}),
        json!({"do": "echo"}),
        json!("no JSON"),
    ]);
    let filtered = rig
        .until(|event| match event {
            MappingEvent::Filtered { message_ids, .. } => Some(message_ids),
            _ => None,
        })
        .await;
    assert_eq!(filtered, ids([0, 2]));
    assert_eq!(rig.deleted().await, ids([1]));
}

#[tokio::test]
async fn a_stop_lets_running_batches_finish() {
    let mut rig = rig(|_| ()).await;
    let gate = Gate::open().await;
    rig.sqs
        .send([serde_json::from_slice(&gate.command()).unwrap()]);
    let running = gate.arrival().await;
    let stopping = tokio::spawn(rig.mapping.stop());
    drop(running);
    stopping.await.unwrap();
    assert_eq!(rig.sqs.deleted(), ids([0]));
    rig.function.shutdown().await;
    let mut last = None;
    while let Some(event) = rig.events.recv().await {
        last = Some(event);
    }
    assert!(
        matches!(last, Some(MappingEvent::Deleted { .. })),
        "{last:?}"
    );
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_long_poll() {
    let rig = rig(|_| ()).await;
    let polling = async {
        while rig.sqs.receives().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), polling)
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(5), rig.mapping.stop())
        .await
        .expect("20 s is too long");
}

#[tokio::test]
async fn what_lambda_would_refuse_is_refused() {
    let sqs = FakeSqs::start().await;
    let (function, _lines) = start_function(function_spec());
    let (sender, _events) = mpsc::unbounded_channel();
    let filter_patterns = vec![json!({ "body": { "type": "a" } })];
    let spec = MappingSpec {
        filter_patterns,
        ..mapping_spec()
    };
    let refused = Mapping::start(spec, sqs.client(), function, sender)
        .err()
        .unwrap();
    assert!(matches!(refused, InvalidMapping::Filter { number: 1, .. }));
    let text = "filter pattern 1: body.type: found \"a\"; expected an array of values, as in [\"a\"], or an object";
    assert_eq!(refused.to_string(), text);
}

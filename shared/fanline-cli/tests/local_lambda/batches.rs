//! How a mapping gathers, invokes and deletes when nothing goes wrong, and how it stops.

use crate::fake_sqs::FakeSqs;
use crate::rig::{echo, ids, mapping_spec, rig, rig_on};
use crate::support::{Gate, spec as function_spec, start as start_function};
use fanline_cli::lambda::FunctionSpec;
use fanline_cli::mapping::{InvalidMapping, Mapping, MappingEvent, MappingSpec};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;

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

/// Every full answer is followed by another receive at once, also when the window is short.
#[tokio::test]
async fn a_short_window_does_not_limit_the_batch_to_one_receive() {
    let mut rig = rig(|spec| {
        spec.batch_size = 100;
        spec.maximum_batching_window = Duration::from_secs(1);
    })
    .await;
    rig.sqs.send(echo(45));
    assert_eq!(rig.deleted().await.len(), 45);
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

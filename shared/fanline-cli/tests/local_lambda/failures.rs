//! What a mapping does with failed messages, failed invocations and an SQS that refuses.

use crate::fake_sqs::FakeSqs;
use crate::rig::{echo, ids, rig, rig_on};
use crate::support::spec as function_spec;
use fanline_cli::lambda::{Ending, FunctionSpec, InvokeError};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpListener;

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

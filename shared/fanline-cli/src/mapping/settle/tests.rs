use super::*;
use crate::lambda::Ending;
use proptest::prelude::*;
use std::time::Duration;

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn deleted(report: bool, response: &str) -> Vec<String> {
    let batch = ids(&["a", "b", "c"]);
    let settlement = settle(
        &batch,
        report,
        &Ok(Bytes::copy_from_slice(response.as_bytes())),
    );
    assert_eq!(
        settlement.reason.is_empty(),
        settlement.keep.is_empty(),
        "{response}"
    );
    settlement.delete
}

#[test]
fn complete_successes_delete_everything() {
    for response in [
        "",
        "  \n",
        "null",
        "{}",
        r#"{"batchItemFailures":[]}"#,
        r#"{"batchItemFailures":null}"#,
        r#"{"statusCode":200}"#,
    ] {
        assert_eq!(deleted(true, response), ids(&["a", "b", "c"]), "{response}");
    }
}

#[test]
fn listed_messages_stay() {
    let listed = |id: &str| format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"{id}"}}]}}"#);
    assert_eq!(deleted(true, &listed("b")), ids(&["a", "c"]));
    let twice = r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"a"}]}"#;
    assert_eq!(deleted(true, twice), ids(&["b", "c"]));
}

#[test]
fn what_cannot_be_read_deletes_nothing() {
    for response in [
        "{",
        "\"ok\"",
        "[]",
        "7",
        "true",
        r#"{"batchItemFailures":{}}"#,
        r#"{"batchItemFailures":"a"}"#,
        r#"{"batchItemFailures":["a"]}"#,
        r#"{"batchItemFailures":[null]}"#,
        r#"{"batchItemFailures":[{}]}"#,
        r#"{"batchItemFailures":[{"messageId":"a"}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":7}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":"z"}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"z"}]}"#,
    ] {
        assert!(deleted(true, response).is_empty(), "{response}");
    }
}

/// AWS's trap: a function that reports failures without the mapping asking for them loses them.
#[test]
fn without_reporting_a_return_deletes_everything() {
    for response in [
        "{",
        "null",
        r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#,
    ] {
        assert_eq!(
            deleted(false, response),
            ids(&["a", "b", "c"]),
            "{response}"
        );
    }
}

#[test]
fn a_failed_invocation_deletes_nothing() {
    let batch = ids(&["a", "b"]);
    for error in [
        InvokeError::FunctionError {
            error_type: "Oops".into(),
            message: "no".into(),
        },
        InvokeError::Crashed {
            ending: Ending::Signal(9),
        },
        InvokeError::TimedOut {
            after: Duration::from_secs(3),
        },
        InvokeError::InitFailed {
            reason: "no".into(),
            output: Vec::new(),
        },
        InvokeError::ShutDown,
    ] {
        for report in [true, false] {
            let settlement = settle(&batch, report, &Err(error.clone()));
            assert!(settlement.delete.is_empty(), "{error}");
            assert_eq!(settlement.keep, batch);
            assert_eq!(settlement.reason, error.to_string());
        }
    }
}

fn identifier() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => "[a-e]".prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(Value::from("")),
        1 => any::<u8>().prop_map(Value::from),
    ]
}

proptest! {
    /// Whatever a function lists: no listed id is deleted, nothing outside the batch is, each
    /// message is in one list, and one wrong entry keeps the whole batch.
    #[test]
    fn a_listed_message_is_never_deleted(
        batch in prop::collection::vec("[a-d]", 1..8),
        listed in prop::collection::vec(identifier(), 0..6),
    ) {
        let items: Vec<Value> =
            listed.iter().map(|id| serde_json::json!({ "itemIdentifier": id })).collect();
        let body = serde_json::json!({ "batchItemFailures": items }).to_string();
        let settlement = settle(&batch, true, &Ok(body.into()));
        let is_known = |id: &Value| id.as_str().is_some_and(|id| batch.iter().any(|known| known == id));
        if listed.iter().all(is_known) {
            let is_listed = |id: &String| listed.iter().any(|listed| listed == id.as_str());
            prop_assert!(!settlement.delete.iter().any(is_listed));
            prop_assert!(settlement.keep.iter().all(is_listed));
        } else {
            prop_assert!(settlement.delete.is_empty());
        }
        let mut all = [settlement.delete, settlement.keep].concat();
        all.sort();
        let mut expected = batch;
        expected.sort();
        prop_assert_eq!(all, expected);
    }

    #[test]
    fn no_bytes_make_it_panic_or_delete_a_stranger(bytes in prop::collection::vec(any::<u8>(), 0..60), report: bool) {
        let batch = ids(&["a", "b"]);
        let settlement = settle(&batch, report, &Ok(bytes.into()));
        prop_assert!(settlement.delete.is_empty() || settlement.delete == batch);
    }
}

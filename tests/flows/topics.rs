//! Functions without a queue: one that a topic invokes, and one that reads a table's stream.

use serde_json::{Value, json};

use crate::{dev::run, signups::text};

#[tokio::test]
async fn topics_invoke_functions_and_streams_feed_them() {
    let output = run(&[
        "dev",
        "--port",
        "0",
        "--until-idle",
        "--json",
        "--template",
        "tests/flows/templates/topics.yaml",
        "--events",
        "tests/flows/events/three.jsonl",
    ])
    .await;
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    // Two distinct events, one of them twice: a duplicate is handled by doing nothing.
    let email = &report["functions"]["email-service"];
    assert_eq!(
        (&email["events"], &email["succeeded"], &email["left"]),
        (&json!(3), &json!(3), &json!(0)),
        "{report}{stderr}"
    );
    // One change for each of the two mails. This function knows no such events, so they are given
    // up after the retries that the template allows, with a notice.
    let reader = &report["functions"]["stream-reader"];
    assert_eq!(
        (&reader["events"], &reader["given_up"], &reader["left"]),
        (&json!(2), &json!(2), &json!(0)),
        "{report}{stderr}"
    );
    assert!(
        stderr.contains("RetryAttemptsExhausted; a notice is in "),
        "{stderr}"
    );
}

//! `fanline check`: the template against what the functions' binaries say of themselves.

use serde_json::{Value, json};

use crate::{dev::run, signups::text};

async fn check(arguments: &[&str]) -> (String, Option<i32>) {
    let output = run(&[&["check"], arguments].concat()).await;
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(!stderr.contains("fanline: "), "{stderr}");
    (stdout, output.status.code())
}

#[tokio::test]
async fn the_projects_own_template_agrees_with_its_workers() {
    let (said, code) = check(&[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        said,
        r#"function           handles                              filter policy                                result
email-service      user.signed_up v1                    {"type":[{"prefix":"user."}]}                ok
analytics-service  user.signed_up v1                    {"type":["user.signed_up"]}                  ok
order-fulfilment   order.cancelled v1, order.placed v1  {"type":["order.cancelled","order.placed"]}  ok
order-projection   order.cancelled v1, order.placed v1  {"type":["order.cancelled","order.placed"]}  ok
"#
    );
    let (said, code) = check(&["--json"]).await;
    let rows: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        rows[1]["worker"],
        json!({
            "fanlineWorker": 1,
            "handlers": [
                { "type": "user.signed_up", "version": 1, "mode": "effectively-once", "attempts": 5 }
            ],
            "unknown": "dead-letter",
            "filterPolicyScope": "MessageAttributes",
            "filterPolicy": { "type": ["user.signed_up"] }
        })
    );
}

#[tokio::test]
async fn a_policy_that_differs_is_shown_beside_the_one_that_is_wanted() {
    let template = "tests/flows/templates/other_policy.yaml";
    let (said, code) = check(&["--template", template]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("  1 difference\n"), "{said}");
    assert!(
        said.ends_with(
            r#"
Subscription (template line 16): FilterPolicy is {"type":[{"prefix":"order."}]}, but EmailService wants {"type":[{"prefix":"user."}]}, so user.signed_up never reaches it; write that into the template, or change Worker::filter_policy
"#
        ),
        "{said}"
    );
}

#[tokio::test]
async fn a_worker_that_cannot_answer_is_named_with_its_last_words() {
    let template = "tests/flows/templates/no_environment.yaml";
    let (said, code) = check(&["--template", template, "--json"]).await;
    assert_eq!(code, Some(1), "{said}");
    let rows: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(rows[0]["result"], "no answer");
    assert_eq!(
        rows[0]["differences"][0]["problem"],
        "its binary email-service, asked with FANLINE_DESCRIBE=1, exited with status 1: environment: EMAILS_TABLE is not set"
    );
}

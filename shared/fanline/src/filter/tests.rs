use std::ops::Bound;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::{Envelope, Event, Failure, Worker};

fn message(attributes: &[(&str, &str)], body: &str) -> Outgoing {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Outgoing {
        entity: String::new(),
        event_id: "e-1".to_owned(),
        body: body.to_owned(),
        attributes: attributes.iter().map(owned).collect(),
    }
}

fn on_attribute(condition: FilterCondition, value: &str) -> bool {
    FilterPolicy::on_attributes()
        .key("k", [condition])
        .matches(&message(&[("k", value)], ""))
}

fn on_body(condition: FilterCondition, value: Value) -> bool {
    let body = json!({ "data": { "k": value } }).to_string();
    FilterPolicy::on_body()
        .key("data.k", [condition])
        .matches(&message(&[], &body))
}

#[test]
fn each_condition_on_attributes() {
    for (condition, value, expected) in [
        (exactly("order"), "order", true),
        (exactly("order"), "Order", false),
        (prefix("ord"), "order", true),
        (prefix("ord"), "word", false),
        (suffix("er"), "order", true),
        (suffix("er"), "error", false),
        (equals_ignore_case("ORDER"), "Order", true),
        (anything_but(["a", "b"]), "c", true),
        (anything_but(["a", "b"]), "b", false),
        (anything_but_prefix("or"), "order", false),
        (anything_but_prefix("or"), "word", true),
        (exists(), "x", true),
        (absent(), "x", false),
        // Text, although it looks like a number.
        (numeric(5.0..=5.0), "5", false),
    ] {
        let shown = condition.to_json();
        assert_eq!(on_attribute(condition, value), expected, "{shown} {value}");
    }
}

#[test]
fn each_condition_on_bodies() {
    for (condition, value, expected) in [
        (exactly("a"), json!("a"), true),
        (exactly("a"), json!(["b", ["a"]]), true),
        (exactly("5"), json!(5), false),
        (anything_but(["a"]), json!(5), true),
        (anything_but(["a"]), json!(["a", "b"]), true),
        (anything_but(["a"]), json!({}), false),
        (numeric(0.0..5.0), json!(0), true),
        (numeric(0.0..5.0), json!(5), false),
        (numeric(..=5.0), json!(5.0), true),
        (numeric(5.0..=5.0), json!(5e0), true),
        (
            numeric((Bound::Excluded(0.0), Bound::Unbounded)),
            json!(0),
            false,
        ),
        (numeric(0.0..), json!("1"), false),
        (exists(), json!(false), true),
        (exists(), json!(null), false),
        (exists(), json!(""), false),
        (exists(), json!({ "more": 1 }), false),
        (absent(), json!(null), false),
        (absent(), json!([]), true),
    ] {
        let shown = condition.to_json();
        assert_eq!(
            on_body(condition, value.clone()),
            expected,
            "{shown} {value}"
        );
    }
}

#[test]
fn what_is_absent_meets_absent_alone() {
    let other = message(&[("other", "x")], r#"{"other": "x"}"#);
    for start in [FilterPolicy::on_attributes(), FilterPolicy::on_body()] {
        assert!(start.clone().key("k", [absent()]).matches(&other));
        for condition in [exists(), anything_but(["x"]), prefix("x")] {
            assert!(!start.clone().key("k", [condition]).matches(&other));
        }
    }
    // AWS: "exists": false only matches if at least one attribute is present.
    let bare = message(&[], "{}");
    assert!(
        !FilterPolicy::on_attributes()
            .key("k", [absent()])
            .matches(&bare)
    );
    assert!(FilterPolicy::on_body().key("k", [absent()]).matches(&bare));
}

#[test]
fn all_keys_must_match_and_no_keys_do() {
    let policy = FilterPolicy::on_attributes()
        .key("a", ["1", "2"])
        .key("b", ["3"]);
    assert!(policy.matches(&message(&[("a", "2"), ("b", "3"), ("c", "4")], "")));
    assert!(!policy.matches(&message(&[("a", "2"), ("b", "4")], "")));
    assert!(FilterPolicy::everything().matches(&message(&[], "no JSON")));
    assert!(
        !FilterPolicy::on_body()
            .key("a", [absent()])
            .matches(&message(&[], "[1]"))
    );
}

#[test]
fn it_is_written_as_sns_takes_it() {
    let policy = FilterPolicy::on_body()
        .key("metadata.source", [anything_but(["a"]), absent()])
        .key("metadata.version", [numeric(2.0..=2.0), numeric(0.5..9.0)])
        .key(
            "type",
            [
                suffix(".placed"),
                equals_ignore_case("x"),
                anything_but_prefix("y"),
                exists(),
            ],
        );
    assert_eq!(
        json!(policy),
        json!({
            "metadata": {
                "source": [{ "anything-but": ["a"] }, { "exists": false }],
                "version": [{ "numeric": ["=", 2] }, { "numeric": [">=", 0.5, "<", 9] }]
            },
            "type": [
                { "suffix": ".placed" }, { "equals-ignore-case": "x" },
                { "anything-but": { "prefix": "y" } }, { "exists": true }
            ]
        })
    );
    assert_eq!(FilterPolicy::everything().to_json(), json!({}));
}

#[derive(Serialize, Deserialize)]
struct Placed {}

impl Event for Placed {
    const TYPE: &'static str = "order.placed";
    const VERSION: u32 = 2;
}

async fn handle(_: Envelope<Placed>) -> Result<(), Failure> {
    Ok(())
}

/// The policy of a worker that handles order.placed, or why it cannot have it.
fn of_worker(policy: FilterPolicy) -> Result<Value, String> {
    let described = Worker::new(()).on(handle).filter_policy(policy).describe();
    let described = described.map_err(|error| error.to_string())?;
    Ok(described.filter_policy)
}

#[test]
fn a_worker_wants_what_it_handles_unless_it_says_otherwise() {
    let own = json!(["order.placed"]);
    let narrow = FilterPolicy::on_body().key("data.total", [numeric(1.0..)]);
    for (policy, expected) in [
        (FilterPolicy::default(), json!({ "type": own })),
        (
            narrow,
            json!({ "type": own, "data": { "total": [{ "numeric": [">=", 1] }] } }),
        ),
        (FilterPolicy::everything(), json!({})),
        (
            FilterPolicy::on_attributes().key("type", [prefix("order.")]),
            json!({ "type": [{ "prefix": "order." }] }),
        ),
    ] {
        assert_eq!(of_worker(policy), Ok(expected));
    }
}

#[test]
fn a_worker_tells_which_messages_it_wants() {
    let worker = Worker::new(()).on(handle);
    let eu = FilterPolicy::on_attributes().key("region", ["eu"]);
    let narrow = Worker::new(()).on(handle).filter_policy(eu);
    let placed = message(&[("type", "order.placed"), ("region", "us")], "");
    assert!(worker.wants(&placed) && !narrow.wants(&placed));
    assert!(!worker.wants(&message(&[("type", "user.signed_up")], "")));
}

#[test]
fn a_handler_that_would_stay_idle_is_a_problem() {
    let attributes = FilterPolicy::on_attributes;
    for (policy, key) in [
        (attributes().key("type", [prefix("user.")]), "type"),
        (
            attributes().key("type", [anything_but(["order.placed"])]),
            "type",
        ),
        (attributes().key("version", ["1"]), "version"),
        (attributes().key("version", [numeric(2.0..)]), "version"),
        (attributes().key("source", [absent()]), "source"),
        (
            FilterPolicy::on_body().key("metadata.version", [numeric(..2.0)]),
            "metadata.version",
        ),
        (
            FilterPolicy::on_body().key("metadata.eventId", [numeric(1.0..)]),
            "metadata.eventId",
        ),
    ] {
        assert_eq!(
            of_worker(policy),
            Err(format!(
                "worker cannot run: filter policy: key {key:?} never lets through order.placed version 2, which has a handler"
            ))
        );
    }
    // These may all have such a value.
    for policy in [
        attributes().key("version", ["1", "2"]),
        attributes().key("total", [numeric(5.0..)]),
        attributes().key("region", [absent()]),
        FilterPolicy::on_body().key("metadata.version", [numeric(2.0..)]),
        FilterPolicy::on_body().key("data.total", [numeric(5.0..)]),
    ] {
        assert!(of_worker(policy.clone()).is_ok(), "{:?}", policy.to_json());
    }
}

#[test]
fn what_sns_refuses_is_a_problem() {
    let many = |count: usize| (0..count).map(|number| number.to_string());
    let attributes = FilterPolicy::on_attributes;
    let five = attributes().key("type", [exists()]);
    let five = ["a", "b", "c", "d"]
        .into_iter()
        .fold(five, |policy, name| policy.key(name, ["1"]));
    assert!(of_worker(five.clone()).is_ok());
    assert!(of_worker(attributes().key("a", many(15)).key("b", many(10))).is_ok());
    for (policy, expected) in [
        (five.key("e", ["1"]), "it has 6 keys, SNS takes 5"),
        (
            attributes().key("a", many(16)).key("b", many(10)),
            "its conditions make 160 combinations, SNS takes 150; `prefix` can stand for many texts",
        ),
        (
            // Ten conditions on two levels, eight on one.
            FilterPolicy::on_body()
                .key("data.a", many(10))
                .key("b", many(8)),
            "its conditions make 160 combinations, SNS takes 150; `prefix` can stand for many texts",
        ),
        (
            attributes().key("a", ["1"]).key("a", ["2"]),
            r#"key "a" stands where "a" does; give all conditions of a key at once"#,
        ),
        (
            FilterPolicy::on_body()
                .key("data", [exists()])
                .key("data.a", ["1"]),
            r#"key "data.a" stands where "data" does; give all conditions of a key at once"#,
        ),
        (
            FilterPolicy::on_body().key("data..a", ["1"]),
            r#"key "data..a" has an empty name"#,
        ),
        (
            attributes().key("a", Vec::<String>::new()),
            r#"key "a" has no condition, so nothing could meet it; `exists()` lets every value through"#,
        ),
        (
            attributes().key("a", [prefix("")]),
            r#"key "a": an operator is given an empty text"#,
        ),
        (
            attributes().key("a", [anything_but(["b", r"\c"])]),
            r#"key "a": a text has a quotation mark or a backslash, which SNS compares with attributes only if it is escaped twice; that is not done here"#,
        ),
        (
            attributes().key("a", [numeric(..)]),
            r#"key "a": a numeric range has no bound; `exists()` lets every value through"#,
        ),
        (
            attributes().key("a", [numeric(5.0..5.0)]),
            r#"key "a": no number is between 5 and 5"#,
        ),
        (
            attributes().key("a", [numeric(2e9..)]),
            r#"key "a": 2000000000 is not within -10^9 and 10^9"#,
        ),
        (
            attributes().key("a", [numeric(0.123_456..)]),
            r#"key "a": 0.123456 has 6 digits after the point, SNS compares 5"#,
        ),
    ] {
        let problem = of_worker(policy).unwrap_err();
        assert!(
            problem.starts_with(&format!("worker cannot run: filter policy: {expected}")),
            "{problem}"
        );
    }
}

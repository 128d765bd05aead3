use super::*;
use serde_json::json;

fn accepts(pattern: Value, record: &Value) -> bool {
    Filter::new(&[pattern])
        .expect("valid")
        .accepts(&record.to_string())
}

fn with_body(body: &str) -> Value {
    json!({
        "messageId": "m-1",
        "body": body,
        "messageAttributes": { "type": { "stringValue": "user.signed_up", "dataType": "String" } },
    })
}

#[test]
fn rules_on_a_json_body() {
    let record = with_body(
        r#"{"type":"user.signed_up","age":30,"tags":["a","b"],"none":null,"deep":{"items":[{"sku":"x"},{"sku":"y"}]}}"#,
    );
    let cases = [
        (json!({"type": ["user.signed_up"]}), true),
        (json!({"type": ["other", "user.signed_up"]}), true),
        (json!({"type": ["user.SIGNED_up"]}), false),
        (
            json!({"type": [{"equals-ignore-case": "user.SIGNED_up"}]}),
            true,
        ),
        (json!({"type": [{"prefix": "user."}]}), true),
        (json!({"type": [{"prefix": "order."}]}), false),
        (json!({"type": [{"suffix": "_up"}]}), true),
        (json!({"type": [{"anything-but": "user.signed_up"}]}), false),
        (json!({"type": [{"anything-but": ["a", "b"]}]}), true),
        (json!({"missing": [{"anything-but": ["a"]}]}), false),
        (json!({"age": [30]}), true),
        (json!({"age": [30.0]}), true),
        (json!({"age": ["30"]}), false),
        (json!({"age": [{"numeric": [">", 18, "<=", 30]}]}), true),
        (json!({"age": [{"numeric": ["<", 30]}]}), false),
        (json!({"type": [{"numeric": [">", 0]}]}), false),
        (json!({"tags": ["b"]}), true),
        (json!({"tags": ["c"]}), false),
        (json!({"none": [null]}), true),
        (json!({"missing": [null]}), false),
        (json!({"missing": [{"exists": false}]}), true),
        (json!({"type": [{"exists": false}]}), false),
        (json!({"type": [{"exists": true}]}), true),
        (json!({"deep": {"items": {"sku": ["y"]}}}), true),
        (json!({"deep": {"items": {"sku": ["z"]}}}), false),
        (json!({"type": ["user.signed_up"], "age": [31]}), false),
        (
            json!({"$or": [{"age": [31]}, {"type": [{"prefix": "user"}]}]}),
            true,
        ),
        (json!({"$or": [{"age": [31]}, {"age": [32]}]}), false),
    ];
    for (pattern, expected) in cases {
        assert_eq!(
            accepts(json!({ "body": pattern }), &record),
            expected,
            "{pattern}"
        );
    }
}

#[test]
fn body_and_pattern_must_be_of_one_form() {
    let text = with_body("plain words");
    assert!(accepts(json!({"body": ["plain words"]}), &text));
    assert!(accepts(json!({"body": [{"prefix": "plain"}]}), &text));
    assert!(!accepts(json!({"body": {"type": ["a"]}}), &text));
    assert!(!accepts(
        json!({"body": {"type": [{"exists": true}]}}),
        &text
    ));
    assert!(!accepts(
        json!({"body": [r#"{"a":1}"#]}),
        &with_body(r#"{"a":1}"#)
    ));
    let parsed_never_matches_absence = json!({"body": {"type": [{"exists": false}]}});
    assert!(
        !accepts(parsed_never_matches_absence, &text),
        "a text body is dropped by a JSON pattern"
    );
}

#[test]
fn other_parts_of_the_record_can_be_matched() {
    let pattern = json!({"messageAttributes": {"type": {"stringValue": [{"prefix": "user."}]}}});
    assert!(accepts(pattern, &with_body("anything")));
}

#[test]
fn any_of_several_patterns_is_enough_and_none_accepts_all() {
    let record = with_body(r#"{"a":1}"#).to_string();
    let filter =
        Filter::new(&[json!({"body": {"a": [2]}}), json!({"body": {"a": [1]}})]).expect("valid");
    assert!(filter.accepts(&record));
    assert!(Filter::new(&[]).expect("valid").accepts(&record));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let cases = [
        (
            json!([]),
            "an empty array matches nothing; give at least one value",
        ),
        (json!(["a"]), "expected an object of fields"),
        (
            json!({"body": {"type": "a"}}),
            "body.type: found \"a\"; expected an array of values, as in [\"a\"], or an object",
        ),
        (
            json!({"body": {"n": [{"numeric": [">"]}]}}),
            "body.n: numeric takes comparisons, as in [\">\",0,\"<=\",5], found [\">\"]",
        ),
        (
            json!({"body": {"n": [{"numeric": []}]}}),
            "body.n: numeric takes comparisons, as in [\">\",0,\"<=\",5], found []",
        ),
        (
            json!({"body": [{"regex": "a"}]}),
            "body: unknown operator regex; expected prefix, suffix, equals-ignore-case, anything-but, numeric or exists",
        ),
        (
            json!({"body": [{"prefix": 1}]}),
            "body: prefix takes a string, found 1",
        ),
        (
            json!({"body": [{}]}),
            "body: found {}; expected one operator, as in {\"prefix\":\"a\"}",
        ),
        (
            json!({"body": {}}),
            "body: an empty object says nothing; leave it out",
        ),
    ];
    for (pattern, expected) in cases {
        let (number, problem) = Filter::new(std::slice::from_ref(&pattern)).expect_err("invalid");
        assert_eq!(
            (number, problem.to_string().as_str()),
            (1, expected),
            "{pattern}"
        );
    }
}

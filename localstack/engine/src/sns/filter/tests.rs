use super::*;
use crate::attribute::AttributeValue;
use serde_json::json;

fn attributes(entries: &[(&str, AttributeValue)]) -> Attributes {
    Attributes::new(
        entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    )
    .expect("valid attributes")
}

fn on_attribute(conditions: Value, value: AttributeValue) -> bool {
    FilterPolicy::parse(
        &json!({ "key": conditions }),
        FilterScope::MessageAttributes,
    )
    .expect("policy parses")
    .matches(&attributes(&[("key", value)]), "")
}

fn on_body(policy: Value, body: Value) -> bool {
    FilterPolicy::parse(&policy, FilterScope::MessageBody)
        .expect("policy parses")
        .matches(&Attributes::default(), &body.to_string())
}

#[test]
fn each_operator_on_attributes() {
    let text = AttributeValue::string;
    let number = AttributeValue::number;
    let array = |items: &str| AttributeValue::text("String.Array", items);
    for (conditions, value, expected) in [
        (json!(["a", "b"]), text("b"), true),
        (json!(["a"]), text("A"), false),
        (json!([{"prefix": "ord"}]), text("order"), true),
        (json!([{"suffix": "er"}]), text("order"), true),
        (json!([{"suffix": "ord"}]), text("order"), false),
        (
            json!([{"equals-ignore-case": "ORDER"}]),
            text("order"),
            true,
        ),
        (json!([{"wildcard": "o*e*"}]), text("order"), true),
        (json!([{"wildcard": "o?der"}]), text("order"), false),
        (json!([{"anything-but": ["a", "b"]}]), text("c"), true),
        (json!([{"anything-but": ["a", "b"]}]), text("a"), false),
        (
            json!([{"anything-but": {"prefix": "or"}}]),
            text("order"),
            false,
        ),
        (
            json!([{"anything-but": {"suffix": "x"}}]),
            text("order"),
            true,
        ),
        (
            json!([{"anything-but": {"wildcard": "o*r"}}]),
            text("order"),
            false,
        ),
        (json!([{"anything-but": 100}]), number("100.0"), false),
        (json!([{"anything-but": 100}]), number("101"), true),
        (json!([{"numeric": ["=", 5]}]), number("5.0"), true),
        (json!([{"numeric": [">", 0, "<=", 5]}]), number("5"), true),
        (json!([{"numeric": [">", 0, "<=", 5]}]), number("0"), false),
        (json!([{"exists": true}]), text("x"), true),
        (json!([{"exists": false}]), text("x"), false),
        (json!([{"cidr": "10.0.0.0/24"}]), text("10.0.0.255"), true),
        (json!([{"cidr": "10.0.0.0/24"}]), text("10.0.1.0"), false),
        (
            json!([{"cidr": "2001:db8::/32"}]),
            text("2001:db8::1"),
            true,
        ),
        (json!([5]), number("5"), true),
        (json!(["rugby", 3]), array(r#"["soccer", "rugby"]"#), true),
        (json!([3]), array(r#"["soccer", 3, true, null]"#), true),
        (json!([true]), array("[true]"), true),
        (
            json!([{"anything-but": ["soccer"]}]),
            array(r#"["soccer"]"#),
            false,
        ),
    ] {
        assert_eq!(
            on_attribute(conditions.clone(), value.clone()),
            expected,
            "{conditions} {value:?}"
        );
    }
}

#[test]
fn a_numeric_filter_never_matches_text_that_looks_like_a_number() {
    assert!(!on_attribute(
        json!([{"numeric": ["=", 5]}]),
        AttributeValue::string("5")
    ));
    assert!(!on_attribute(json!([5]), AttributeValue::string("5")));
    assert!(!on_attribute(json!(["5"]), AttributeValue::number("5")));
}

#[test]
fn an_absent_attribute_meets_only_exists_false() {
    let none = Attributes::default();
    for (conditions, expected) in [
        (json!([{"exists": false}]), true),
        (json!([{"exists": true}]), false),
        (json!([{"anything-but": "x"}]), false),
        (json!(["x", {"exists": false}]), true),
    ] {
        let policy = json!({ "key": conditions });
        let policy = FilterPolicy::parse(&policy, FilterScope::MessageAttributes).expect("parses");
        assert_eq!(policy.matches(&none, ""), expected, "{conditions}");
    }
}

#[test]
fn all_keys_and_one_alternative_of_or() {
    let policy =
        json!({"source": ["web"], "$or": [{"price": [{"numeric": [">", 10]}]}, {"vip": ["yes"]}]});
    let policy = FilterPolicy::parse(&policy, FilterScope::MessageAttributes).expect("parses");
    let web = ("source", AttributeValue::string("web"));
    let matches = |entries: &[(&str, AttributeValue)]| policy.matches(&attributes(entries), "");
    assert!(matches(&[
        web.clone(),
        ("price", AttributeValue::number("11"))
    ]));
    assert!(matches(&[
        web.clone(),
        ("vip", AttributeValue::string("yes"))
    ]));
    assert!(!matches(&[web, ("price", AttributeValue::number("9"))]));
    assert!(!matches(&[("vip", AttributeValue::string("yes"))]));
}

#[test]
fn nested_keys_and_lists_in_the_body() {
    let body = json!({"user": {"plan": "pro", "tags": ["a", "b"]}, "items": [{"sku": "x"}, {"sku": "y"}], "none": null});
    for (policy, expected) in [
        (json!({"user": {"plan": ["pro"]}}), true),
        (json!({"user": {"plan": ["free"]}}), false),
        (json!({"user": {"tags": ["b"]}}), true),
        (json!({"items": {"sku": ["y"]}}), true),
        (json!({"items": {"sku": ["z"]}}), false),
        (json!({"user": {"plan": [{"exists": true}]}}), true),
        (json!({"user": {"age": [{"exists": false}]}}), true),
        (json!({"none": [null]}), true),
        (
            json!({"$or": [{"user": {"plan": ["free"]}}, {"none": [null]}]}),
            true,
        ),
    ] {
        assert_eq!(on_body(policy.clone(), body.clone()), expected, "{policy}");
    }
}

#[test]
fn a_body_that_is_no_object_passes_nothing() {
    let policy = json!({"key": [{"exists": false}]});
    let policy = FilterPolicy::parse(&policy, FilterScope::MessageBody).expect("parses");
    for body in ["text", "[1]", "\"x\"", "", "{"] {
        assert!(!policy.matches(&Attributes::default(), body), "{body}");
    }
    assert!(policy.matches(&Attributes::default(), "{}"));
}

#[test]
fn a_refusal_names_the_key() {
    for policy in [
        json!({"key": "text"}),
        json!({"key": []}),
        json!({"key": [["a"]]}),
        json!({"key": [{"between": 1}]}),
        json!({"key": [{"prefix": 1}]}),
        json!({"key": [{"exists": "yes"}]}),
        json!({"key": [{"numeric": ["~", 1]}]}),
        json!({"key": [{"numeric": [">", 5, "<", 1]}]}),
        json!({"key": [{"numeric": ["="]}]}),
        json!({"key": [{"anything-but": []}]}),
        json!({"key": [{"anything-but": {"exists": true}}]}),
        json!({"key": [{"wildcard": "a**b"}]}),
        json!({"key": [{"cidr": "10.0.0.0/33"}]}),
        json!({"key": [2e9]}),
        json!({"key": {"nested": ["only on the body"]}}),
    ] {
        let error =
            FilterPolicy::parse(&policy, FilterScope::MessageAttributes).expect_err("refused");
        assert!(error.to_string().contains("key"), "{policy}: {error}");
    }
    let six = json!({"a": ["1"], "b": ["1"], "c": ["1"], "d": ["1"], "e": ["1"], "f": ["1"]});
    assert!(FilterPolicy::parse(&six, FilterScope::MessageAttributes).is_err());
    assert!(FilterPolicy::parse(&json!([]), FilterScope::MessageAttributes).is_err());
}

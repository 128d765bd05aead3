//! Filter policies on attributes: texts, keys, and how conditions combine.

use super::filtering::{Sample, attributes_pass, k, n};
use crate::case::{Case, case};
use crate::document::*;
use serde_json::json;

pub(super) const CASES: &[Case] = &[
    case!(
        "filter-exact",
        "A text matches if it equals one of the policy's values, case included.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": ["rugby", "tennis"]});
            let samples = [
                k(true, "rugby"),
                k(true, "tennis"),
                k(false, "Rugby"),
                k(false, "rugb"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-key-missing",
        "A message without an attribute that the policy names does not pass.",
        FILTER_POLICIES,
        |target| {
            let policy = json!({"k": ["a"]});
            let samples = [
                k(true, "a"),
                Sample::of(false, "other", "String", "a"),
                Sample::none(),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-other-attributes-ignored",
        "Attributes that the policy does not name are ignored.",
        FILTER_POLICIES,
        |target| {
            let samples = [k(true, "a").and("other", "String", "b")];
            attributes_pass(&target, json!({"k": ["a"]}), &samples).await
        }
    ),
    case!(
        "filter-and",
        "All keys of a policy must match.",
        AND_OR,
        |target| {
            let policy = json!({"k": ["a"], "l": ["b"]});
            let samples = [
                k(true, "a").and("l", "String", "b"),
                k(false, "a").and("l", "String", "c"),
                k(false, "a"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-or-operator",
        "$or passes messages that match one of its alternatives, beside all other keys.",
        AND_OR,
        |target| {
            let policy = json!({
                "source": ["web"],
                "$or": [{"k": ["a"]}, {"l": [{"numeric": [">", 10]}]}],
            });
            let web = |sample: Sample| sample.and("source", "String", "web");
            let samples = [
                web(k(true, "a")),
                web(Sample::of(true, "l", "Number", "11")),
                web(Sample::of(false, "l", "Number", "9")),
                web(k(false, "b")),
                k(false, "a"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-anything-but",
        "anything-but matches a value that is none of those listed.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": ["rugby", "tennis"]}]});
            let samples = [k(true, "baseball"), k(false, "rugby"), k(false, "tennis")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-anything-but-needs-the-key",
        "anything-but does not match a message without the attribute.",
        FILTER_POLICIES,
        |target| {
            let policy = json!({"k": [{"anything-but": ["a"]}]});
            let samples = [k(true, "b"), Sample::of(false, "other", "String", "b")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-anything-but-or-absent",
        "anything-but can be combined with exists false.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": ["a"]}, {"exists": false}]});
            let samples = [
                k(true, "b"),
                k(false, "a"),
                Sample::of(true, "other", "String", "b"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-anything-but-prefix",
        "anything-but with a prefix matches values that do not begin with it.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": {"prefix": "order-"}}]});
            let samples = [
                k(true, "data-entry"),
                k(true, "an order-1"),
                k(false, "order-1"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-equals-ignore-case",
        "equals-ignore-case matches whatever the case.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"equals-ignore-case": "tennis"}]});
            let samples = [
                k(true, "TENNIS"),
                k(true, "Tennis"),
                k(true, "tennis"),
                k(false, "tennis "),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-prefix",
        "prefix matches values that begin with it.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"prefix": "bas"}]});
            let samples = [
                k(true, "baseball"),
                k(true, "bas"),
                k(false, "rugby"),
                k(false, "Bas"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-suffix",
        "suffix matches values that end with it.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"suffix": "ball"}]});
            let samples = [k(true, "baseball"), k(true, "ball"), k(false, "balls")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-cidr",
        "cidr matches addresses within the network.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"cidr": "10.0.0.0/24"}]});
            let samples = [
                k(true, "10.0.0.0"),
                k(true, "10.0.0.255"),
                k(false, "10.1.1.0"),
                k(false, "x"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-exists",
        "exists true matches any message with the attribute.",
        KEY_MATCHING,
        |target| {
            let policy = json!({"k": [{"exists": true}]});
            let samples = [
                k(true, "fans"),
                n(true, "1"),
                Sample::of(false, "other", "String", "x"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-exists-false",
        "exists false matches messages that have attributes, but not that one.",
        KEY_MATCHING,
        |target| {
            let policy = json!({"k": [{"exists": false}]});
            let samples = [Sample::of(true, "other", "String", "x"), k(false, "fans")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
];

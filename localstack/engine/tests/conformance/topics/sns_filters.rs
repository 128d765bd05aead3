//! Filter policies on message attributes, operator by operator.

use super::sns_filtering::{Sample, attributes_pass};
use crate::case::{Case, case};
use crate::check::{equal, refused};
use crate::document::*;
use crate::fixture::{bodies, sns_attribute};
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::MessageAttributeValue;
use serde_json::json;

/// A message with one attribute `k` of type String.
const fn k(passes: bool, value: &'static str) -> Sample {
    Sample::of(passes, "k", "String", value)
}

/// A message with one attribute `k` of type Number.
const fn n(passes: bool, value: &'static str) -> Sample {
    Sample::of(passes, "k", "Number", value)
}

pub(super) const CASES: &[Case] = &[
    case!(
        "filter-exact",
        "A text matches if it equals one of the policy's values, case included.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": ["rugby", "tennis"]});
            let samples = [k(true, "rugby"), k(true, "tennis"), k(false, "Rugby"), k(false, "rugb")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-key-missing",
        "A message without an attribute that the policy names does not pass.",
        FILTER_POLICIES,
        |target| {
            let policy = json!({"k": ["a"]});
            let samples = [k(true, "a"), Sample::of(false, "other", "String", "a"), Sample::none()];
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
            let samples = [k(true, "b"), k(false, "a"), Sample::of(true, "other", "String", "b")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-anything-but-prefix",
        "anything-but with a prefix matches values that do not begin with it.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": {"prefix": "order-"}}]});
            let samples = [k(true, "data-entry"), k(true, "an order-1"), k(false, "order-1")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-anything-but-suffix",
        "anything-but with a suffix matches values that do not end with it.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": {"suffix": "ball"}}]});
            let samples = [k(true, "rugby"), k(true, "balls"), k(false, "baseball")];
            attributes_pass(&target, policy, &samples).await
        }
    )
    .open("Which operators go within anything-but: prefix, suffix, wildcard and equals-ignore-case."),
    case!(
        "filter-equals-ignore-case",
        "equals-ignore-case matches whatever the case.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"equals-ignore-case": "tennis"}]});
            let samples = [k(true, "TENNIS"), k(true, "Tennis"), k(true, "tennis"), k(false, "tennis ")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-prefix",
        "prefix matches values that begin with it.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"prefix": "bas"}]});
            let samples = [k(true, "baseball"), k(true, "bas"), k(false, "rugby"), k(false, "Bas")];
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
            let samples = [k(true, "10.0.0.0"), k(true, "10.0.0.255"), k(false, "10.1.1.0"), k(false, "x")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-exists",
        "exists true matches any message with the attribute.",
        KEY_MATCHING,
        |target| {
            let policy = json!({"k": [{"exists": true}]});
            let samples = [k(true, "fans"), n(true, "1"), Sample::of(false, "other", "String", "x")];
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
    case!(
        "filter-numeric-equal",
        "numeric = compares numbers, however they are written.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"numeric": ["=", 301.5]}]});
            let samples = [n(true, "301.5"), n(true, "3.015e2"), n(true, "301.50"), n(false, "301")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-numeric-comparisons",
        "numeric compares with <, <=, > and >=.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"numeric": ["<", -5]}, {"numeric": [">=", 100]}]});
            let samples = [n(true, "-6"), n(false, "-5"), n(false, "99.9"), n(true, "100"), n(true, "101")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-numeric-range",
        "numeric with two bounds matches the range between them.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"numeric": [">", 0, "<=", 150]}]});
            let samples = [n(false, "0"), n(true, "0.1"), n(true, "150"), n(false, "150.1")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-numeric-anything-but",
        "anything-but takes numbers too.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": [100, 500]}]});
            let samples = [n(true, "101"), n(true, "100.1"), n(false, "100"), n(false, "500.0")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-numeric-needs-a-number",
        "numeric matches attributes of type Number, not text that looks like a number.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"numeric": ["=", 5]}]});
            attributes_pass(&target, policy, &[n(true, "5"), k(false, "5")]).await
        }
    ),
    case!(
        "filter-string-array",
        "Of a String.Array one element that matches is enough.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": ["rugby", "tennis"]});
            let array = |passes, value| Sample::of(passes, "k", "String.Array", value);
            let samples = [
                array(true, r#"["baseball", "rugby"]"#),
                array(false, r#"["baseball", "football"]"#),
                array(false, "[]"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-string-array-anything-but",
        "anything-but matches a String.Array with an element that is not listed.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": ["rugby", "tennis"]}]});
            let array = |passes, value| Sample::of(passes, "k", "String.Array", value);
            let samples = [
                array(true, r#"["rugby", "baseball"]"#),
                array(true, r#"["baseball"]"#),
                array(false, r#"["rugby"]"#),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    )
    .open("The page's text wants none of the elements listed, its example has one that is; the example is followed."),
    case!(
        "filter-string-array-keywords",
        "Elements of a String.Array may be numbers, true, false and null.",
        SNS_ATTRIBUTES,
        |target| {
            let policy = json!({"k": [true, null, {"numeric": [">", 10]}]});
            let array = |passes, value| Sample::of(passes, "k", "String.Array", value);
            let samples = [
                array(true, r#"["x", true]"#),
                array(true, "[null]"),
                array(true, "[11]"),
                array(false, r#"["true", false, 9]"#),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-binary-is-not-compared",
        "Attributes of type Binary are not compared with the policy.",
        SNS_ATTRIBUTES,
        |target| {
            let filter = json!({"k": ["a"]}).to_string();
            let attributes = [("RawMessageDelivery", "true"), ("FilterPolicy", filter.as_str())];
            let (topic, queue) = target.subscribed(&attributes).await?;
            let binary = MessageAttributeValue::builder().data_type("Binary");
            let binary = binary.binary_value(Blob::new("a")).build()?;
            let call = target.publishing(&topic, "binary").message_attributes("k", binary);
            call.send().await?;
            let call = target.publishing(&topic, "text");
            call.message_attributes("k", sns_attribute("String", "a")?).send().await?;
            let received = target.receive_all(&queue, 1).await?;
            equal("the bodies", bodies(&received), vec!["text"])
        }
    ),
    case!(
        "filter-changed-and-removed",
        "A filter policy is changed by SetSubscriptionAttributes; an empty one lets everything pass.",
        SET_SUBSCRIPTION_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            let filter = [("FilterPolicy", r#"{"k": ["a"]}"#), ("RawMessageDelivery", "true")];
            let arn = target.subscribe(&topic, &queue, &filter).await?;
            target.publish(&topic, "filtered out").await?;
            target.expect_nothing(&queue).await?;
            let call = target.sns.set_subscription_attributes().subscription_arn(&arn);
            call.attribute_name("FilterPolicy").attribute_value("{}").send().await?;
            target.publish(&topic, "passes").await?;
            equal("the body", target.receive_one(&queue).await?.body(), Some("passes"))
        }
    )
    .open("AWS takes up to 15 minutes until a change is in effect; here it is at once."),
    case!(
        "filter-per-subscription",
        "Each subscription has its own filter policy.",
        FILTER_POLICIES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            for name in ["a", "b"] {
                let queue = target.queue(name, &[]).await?;
                let filter = json!({"k": [name]}).to_string();
                let attributes = [("FilterPolicy", filter.as_str()), ("RawMessageDelivery", "true")];
                target.subscribe(&topic, &queue, &attributes).await?;
            }
            for name in ["a", "b"] {
                let call = target.publishing(&topic, name);
                call.message_attributes("k", sns_attribute("String", name)?).send().await?;
            }
            for name in ["a", "b"] {
                let queue = target.queue(name, &[]).await?;
                let received = target.receive_all(&queue, 1).await?;
                equal("the bodies", bodies(&received), vec![name])?;
            }
            Ok(())
        }
    ),
    case!(
        "filter-policy-is-checked",
        "A policy that is no JSON object, or whose values are not lists of known operators, is refused.",
        FILTER_CONSTRAINTS,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            for policy in [
                "not JSON",
                "[]",
                r#"{"k": "a"}"#,
                r#"{"k": []}"#,
                r#"{"k": [{"between": [1, 2]}]}"#,
                r#"{"k": [{"numeric": ["around", 2]}]}"#,
                r#"{"k": [{"exists": "yes"}]}"#,
            ] {
                let call = target.sns.subscribe().topic_arn(&topic).protocol("sqs");
                let call = call.endpoint(target.arn_of(&queue).await?);
                let answer = call.attributes("FilterPolicy", policy).send().await;
                crate::check::ensure(answer.is_err(), || format!("{policy} was accepted"))?;
                refused(answer, "InvalidParameter")?;
            }
            Ok(())
        }
    ),
    case!(
        "filter-at-most-five-keys",
        "A filter policy has at most five keys.",
        FILTER_CONSTRAINTS,
        |target| {
            let policy = |count: usize| {
                let keys = (0..count).map(|number| (format!("k{number}"), json!(["a"])));
                serde_json::Value::Object(keys.collect()).to_string()
            };
            let topic = target.topic("t", &[]).await?;
            let arn = target.subscribe(&topic, &target.queue("q", &[]).await?, &[]).await?;
            let set = |value: String| {
                let call = target.sns.set_subscription_attributes().subscription_arn(&arn);
                call.attribute_name("FilterPolicy").attribute_value(value).send()
            };
            set(policy(5)).await?;
            refused(set(policy(6)).await, "InvalidParameter")
        }
    ),
    case!(
        "filter-at-most-150-combinations",
        "The values of a filter policy make at most 150 combinations.",
        FILTER_CONSTRAINTS,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let arn = target.subscribe(&topic, &target.queue("q", &[]).await?, &[]).await?;
            let values = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
            let set = |policy: serde_json::Value| {
                let call = target.sns.set_subscription_attributes().subscription_arn(&arn);
                call.attribute_name("FilterPolicy").attribute_value(policy.to_string()).send()
            };
            set(json!({"a": values(15), "b": values(10)})).await?;
            refused(set(json!({"a": values(16), "b": values(10)})).await, "InvalidParameter")
        }
    ),
    case!(
        "filter-number-bounds",
        "Numbers of a filter policy are from -10^9 to 10^9.",
        FILTER_CONSTRAINTS,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let arn = target.subscribe(&topic, &target.queue("q", &[]).await?, &[]).await?;
            let set = |number: i64| {
                let policy = json!({"k": [{"numeric": ["=", number]}]});
                let call = target.sns.set_subscription_attributes().subscription_arn(&arn);
                call.attribute_name("FilterPolicy").attribute_value(policy.to_string()).send()
            };
            set(1_000_000_000).await?;
            set(-1_000_000_000).await?;
            refused(set(1_000_000_001).await, "InvalidParameter")
        }
    ),
    case!(
        "filter-nested-on-attributes",
        "Filtering on attributes takes no nested policy.",
        FILTER_CONSTRAINTS,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let arn = target.subscribe(&topic, &target.queue("q", &[]).await?, &[]).await?;
            let call = target.sns.set_subscription_attributes().subscription_arn(&arn);
            let call = call.attribute_name("FilterPolicy");
            let policy = json!({"k": {"l": ["a"]}}).to_string();
            refused(call.attribute_value(policy).send().await, "InvalidParameter")
        }
    ),
];

//! Filter policies as attributes of a subscription: changing them, and their limits.

use crate::case::{Case, case};
use crate::check::{equal, refused};
use crate::document::*;
use crate::fixture::{bodies, sns_attribute};
use serde_json::json;

pub(super) const CASES: &[Case] = &[
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

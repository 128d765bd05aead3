//! Subscriptions as resources.

use crate::case::{Case, case};
use crate::check::{ensure, equal, refused, rejected, some};
use crate::document::*;

pub(super) const CASES: &[Case] = &[
    case!(
        "subscribe-answers-with-arn",
        "Subscribing a queue of one's own needs no confirmation and answers with the ARN.",
        SUBSCRIBE,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            let arn = target.subscribe(&topic, &queue, &[]).await?;
            ensure(arn.starts_with(&format!("{topic}:")), || {
                format!("{arn} does not begin with the topic's ARN")
            })
        }
    ),
    case!(
        "subscribe-twice-is-one",
        "Subscribing a queue again answers with the ARN of its subscription.",
        SUBSCRIBE,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            let first = target.subscribe(&topic, &queue, &[]).await?;
            equal(
                "the ARN",
                target.subscribe(&topic, &queue, &[]).await?,
                first,
            )
        }
    )
    .open("AWS does not say what a repeated Subscribe does; there is one subscription."),
    case!(
        "subscribe-protocols",
        "A protocol that does not exist is refused.",
        SUBSCRIBE,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let call = target.sns.subscribe().topic_arn(&topic).protocol("pigeon");
            refused(call.endpoint("roof").send().await, "InvalidParameter")
        }
    ),
    case!(
        "subscribe-lambda",
        "A function is subscribed by its ARN with the protocol lambda.",
        SUBSCRIBE,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let function = "arn:aws:lambda:us-east-1:000000000000:function:worker";
            let call = target.sns.subscribe().topic_arn(&topic).protocol("lambda");
            call.endpoint(function).send().await?;
            let list = target.sns.list_subscriptions_by_topic().topic_arn(&topic);
            let listed = list.send().await?.subscriptions.unwrap_or_default();
            let subscription = some("the subscription", listed.first())?;
            equal("Protocol", subscription.protocol(), Some("lambda"))?;
            equal("Endpoint", subscription.endpoint(), Some(function))
        }
    ),
    case!(
        "subscribe-endpoint-is-checked",
        "The endpoint of an sqs subscription must be the ARN of a queue.",
        SUBSCRIBE,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let call = target.sns.subscribe().topic_arn(&topic).protocol("sqs");
            refused(call.endpoint("no ARN").send().await, "InvalidParameter")
        }
    ),
    case!(
        "subscription-list",
        "ListSubscriptionsByTopic tells ARN, protocol, endpoint and owner of each.",
        LIST_SUBSCRIPTIONS_BY_TOPIC,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            let arn = target.subscribe(&topic, &queue, &[]).await?;
            let list = target.sns.list_subscriptions_by_topic().topic_arn(&topic);
            let listed = list.send().await?.subscriptions.unwrap_or_default();
            equal("subscriptions", listed.len(), 1)?;
            let listed = some("the subscription", listed.first())?;
            equal(
                "SubscriptionArn",
                listed.subscription_arn(),
                Some(arn.as_str()),
            )?;
            equal("Protocol", listed.protocol(), Some("sqs"))?;
            let endpoint = target.arn_of(&queue).await?;
            equal("Endpoint", listed.endpoint(), Some(endpoint.as_str()))
        }
    ),
    case!(
        "subscription-list-of-all-topics",
        "ListSubscriptions answers with the subscriptions of all topics.",
        LIST_SUBSCRIPTIONS,
        |target| {
            let queue = target.queue("q", &[]).await?;
            let mut expected = Vec::new();
            for stem in ["one", "two"] {
                let topic = target.topic(stem, &[]).await?;
                expected.push(target.subscribe(&topic, &queue, &[]).await?);
            }
            let listed = target.sns.list_subscriptions().send().await?;
            for arn in &expected {
                let subscriptions = listed.subscriptions().iter();
                let mut arns = subscriptions.filter_map(|one| one.subscription_arn());
                equal(arn, arns.any(|found| found == arn), true)?;
            }
            Ok(())
        }
    ),
    case!(
        "subscription-attributes",
        "GetSubscriptionAttributes tells what was set, and that the subscription is confirmed.",
        GET_SUBSCRIPTION_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            let filter = r#"{"type":["a"]}"#;
            let attributes = [("RawMessageDelivery", "true"), ("FilterPolicy", filter)];
            let arn = target.subscribe(&topic, &queue, &attributes).await?;
            let get = target.sns.get_subscription_attributes();
            let all = get.subscription_arn(&arn).send().await?;
            let all = all.attributes.unwrap_or_default();
            for (name, expected) in [
                ("RawMessageDelivery", "true"),
                ("FilterPolicyScope", "MessageAttributes"),
                ("PendingConfirmation", "false"),
                ("TopicArn", topic.as_str()),
                ("SubscriptionArn", arn.as_str()),
            ] {
                equal(name, all.get(name).map(String::as_str), Some(expected))?;
            }
            let found = some("FilterPolicy", all.get("FilterPolicy"))?;
            let found: serde_json::Value = serde_json::from_str(found)?;
            equal("FilterPolicy", found, serde_json::json!({"type": ["a"]}))
        }
    ),
    case!(
        "subscription-attribute-unknown",
        "SetSubscriptionAttributes refuses an attribute that does not exist.",
        SET_SUBSCRIPTION_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            let arn = target.subscribe(&topic, &queue, &[]).await?;
            let call = target
                .sns
                .set_subscription_attributes()
                .subscription_arn(arn);
            let call = call.attribute_name("Nothing").attribute_value("x");
            refused(call.send().await, "InvalidParameter")
        }
    ),
    case!(
        "subscription-redrive-policy-is-checked",
        "A redrive policy without the ARN of a dead-letter queue is refused.",
        SET_SUBSCRIPTION_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            let arn = target.subscribe(&topic, &queue, &[]).await?;
            for policy in ["{}", "not JSON", r#"{"deadLetterTargetArn": "no ARN"}"#] {
                let call = target
                    .sns
                    .set_subscription_attributes()
                    .subscription_arn(&arn);
                let call = call.attribute_name("RedrivePolicy").attribute_value(policy);
                refused(call.send().await, "InvalidParameter")?;
            }
            Ok(())
        }
    ),
    case!(
        "unsubscribe",
        "After Unsubscribe nothing more is delivered, and the subscription is gone.",
        UNSUBSCRIBE,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let queue = target.queue("q", &[]).await?;
            let arn = target.subscribe(&topic, &queue, &[]).await?;
            target
                .sns
                .unsubscribe()
                .subscription_arn(&arn)
                .send()
                .await?;
            target.publish(&topic, "x").await?;
            target.expect_nothing(&queue).await?;
            let get = target.sns.get_subscription_attributes();
            refused(get.subscription_arn(arn).send().await, "NotFound")
        }
    ),
    case!(
        "subscription-of-unknown-arn",
        "GetSubscriptionAttributes of a subscription that does not exist answers NotFound.",
        GET_SUBSCRIPTION_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let none = format!("{topic}:11111111-2222-3333-4444-555555555555");
            let get = target.sns.get_subscription_attributes();
            rejected(get.subscription_arn(none).send().await)
        }
    ),
];

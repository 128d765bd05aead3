//! Topics and subscriptions as resources.

use crate::case::{Case, case};
use crate::check::{ensure, equal, refused, rejected, some};
use crate::document::*;

pub(super) const CASES: &[Case] = &[
    case!(
        "topic-create-is-idempotent",
        "CreateTopic with the name of an existing topic answers with its ARN.",
        CREATE_TOPIC,
        |target| {
            let first = target.topic("t", &[]).await?;
            equal("the ARN", &first, &target.topic_arn(&target.name("t")))?;
            equal("the second ARN", target.topic("t", &[]).await?, first)
        }
    ),
    case!(
        "topic-names",
        "A topic name is 1 to 256 letters, digits, underscores and hyphens.",
        CREATE_TOPIC,
        |target| {
            let stem = target.name("_");
            let longest = format!("{stem}{}", "x".repeat(256 - stem.len()));
            target.sns.create_topic().name(&longest).send().await?;
            for name in [
                format!("{longest}x"),
                target.name("with space"),
                target.name("dot."),
            ] {
                refused(
                    target.sns.create_topic().name(name).send().await,
                    "InvalidParameter",
                )?;
            }
            Ok(())
        }
    ),
    case!(
        "topic-delete",
        "A deleted topic and its subscriptions are gone; deleting it again is no error.",
        DELETE_TOPIC,
        |target| {
            let (topic, _) = target.subscribed(&[]).await?;
            target.sns.delete_topic().topic_arn(&topic).send().await?;
            let get = target.sns.get_topic_attributes().topic_arn(&topic);
            refused(get.send().await, "NotFound")?;
            target.sns.delete_topic().topic_arn(&topic).send().await?;
            Ok(())
        }
    ),
    case!(
        "topic-attributes",
        "GetTopicAttributes tells owner, policy, display name and the counts of subscriptions.",
        GET_TOPIC_ATTRIBUTES,
        |target| {
            let (topic, _) = target.subscribed(&[]).await?;
            let call = target.sns.set_topic_attributes().topic_arn(&topic);
            let call = call.attribute_name("DisplayName").attribute_value("Shop");
            call.send().await?;
            let get = target.sns.get_topic_attributes().topic_arn(&topic);
            let all = get.send().await?.attributes.unwrap_or_default();
            equal("TopicArn", all.get("TopicArn"), Some(&topic))?;
            equal(
                "DisplayName",
                all.get("DisplayName").map(String::as_str),
                Some("Shop"),
            )?;
            some("Owner", all.get("Owner"))?;
            some("Policy", all.get("Policy"))?;
            some(
                "EffectiveDeliveryPolicy",
                all.get("EffectiveDeliveryPolicy"),
            )?;
            let confirmed = all.get("SubscriptionsConfirmed").map(String::as_str);
            equal("SubscriptionsConfirmed", confirmed, Some("1"))
        }
    ),
    case!(
        "topic-attribute-unknown",
        "SetTopicAttributes refuses an attribute that does not exist.",
        SET_TOPIC_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let call = target.sns.set_topic_attributes().topic_arn(&topic);
            let call = call.attribute_name("Nothing").attribute_value("x");
            refused(call.send().await, "InvalidParameter")
        }
    ),
    case!(
        "topic-of-unknown-arn",
        "Actions on a topic that does not exist answer NotFound with status 404.",
        PUBLISH,
        |target| {
            let topic = target.topic_arn(&target.name("none"));
            let publish = target.publishing(&topic, "x").send().await;
            let status = publish
                .as_ref()
                .err()
                .and_then(|error| error.raw_response());
            equal(
                "status",
                status.map(|answer| answer.status().as_u16()),
                Some(404),
            )?;
            refused(publish, "NotFound")?;
            let list = target.sns.list_subscriptions_by_topic().topic_arn(&topic);
            refused(list.send().await, "NotFound")?;
            let subscribe = target.sns.subscribe().topic_arn(&topic).protocol("sqs");
            let queue = target.queue_arn("q");
            refused(subscribe.endpoint(queue).send().await, "NotFound")
        }
    ),
    case!(
        "topic-list-in-pages",
        "ListTopics answers with up to 100 topics and a NextToken for more.",
        LIST_TOPICS,
        |target| {
            let mut created = Vec::new();
            for number in 0..101 {
                created.push(target.topic(&format!("t{number}"), &[]).await?);
            }
            let first = target.sns.list_topics().send().await?;
            equal("the first page", first.topics().len(), 100)?;
            let mut listed = first.topics.unwrap_or_default();
            let mut token = some("NextToken", first.next_token).map(Some)?;
            while let Some(next) = token {
                let page = target.sns.list_topics().next_token(next).send().await?;
                listed.extend(page.topics.unwrap_or_default());
                token = page.next_token;
            }
            let missing = created.iter().find(|arn| {
                !listed
                    .iter()
                    .any(|topic| topic.topic_arn() == Some(arn.as_str()))
            });
            equal("a topic that is not listed", missing, None)
        }
    ),
    case!(
        "topic-tags",
        "Topics are tagged and untagged, and list their tags.",
        SNS_TAG_RESOURCE,
        |target| {
            use aws_sdk_sns::types::Tag;
            let topic = target.topic("t", &[]).await?;
            let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
            let call = target.sns.tag_resource().resource_arn(&topic);
            call.tags(tag("team", "a")?)
                .tags(tag("cost", "1")?)
                .send()
                .await?;
            let call = target.sns.untag_resource().resource_arn(&topic);
            call.tag_keys("cost").send().await?;
            let call = target.sns.list_tags_for_resource().resource_arn(&topic);
            let tags = call.send().await?.tags.unwrap_or_default();
            equal("the tags", tags, vec![tag("team", "a")?])
        }
    ),
    case!(
        "topic-permissions",
        "AddPermission gives accounts a right under a label, which RemovePermission takes back.",
        SNS_ADD_PERMISSION,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let call = target
                .sns
                .add_permission()
                .topic_arn(&topic)
                .label("friends");
            let call = call.aws_account_id("111122223333").action_name("Publish");
            call.send().await?;
            let call = target.sns.remove_permission().topic_arn(&topic);
            call.label("friends").send().await?;
            Ok(())
        }
    ),
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

//! Topics as resources.

use crate::case::{Case, case};
use crate::check::{equal, refused, some};
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
        "topic-tags-at-creation",
        "CreateTopic takes tags.",
        CREATE_TOPIC,
        |target| {
            use aws_sdk_sns::types::Tag;
            let tag = Tag::builder().key("team").value("a").build()?;
            let call = target.sns.create_topic().name(target.name("t"));
            let topic = some("ARN", call.tags(tag.clone()).send().await?.topic_arn)?;
            let call = target.sns.list_tags_for_resource().resource_arn(topic);
            equal("the tags", call.send().await?.tags, Some(vec![tag]))
        }
    ),
    case!(
        "topic-message-size-bounds",
        "MaximumMessageSize is 1 KiB to 1 MiB.",
        SET_TOPIC_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let set = |bytes: &str| {
                let call = target.sns.set_topic_attributes().topic_arn(&topic);
                let call = call.attribute_name("MaximumMessageSize");
                call.attribute_value(bytes).send()
            };
            set("1048576").await?;
            refused(set("1048577").await, "InvalidParameter")?;
            refused(set("1023").await, "InvalidParameter")
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
];

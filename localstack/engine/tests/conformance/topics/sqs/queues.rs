//! Queues as resources: creating, finding, describing, tagging, purging and deleting them.

use crate::case::{Case, case};
use crate::check::{ensure, equal, refused, rejected, some};
use crate::document::*;
use crate::fixture::text;
use aws_sdk_sqs::types::QueueAttributeName;
use std::collections::HashMap;

pub(super) const CASES: &[Case] = &[
    case!(
        "queue-create-returns-url",
        "CreateQueue answers with the queue's URL, which GetQueueUrl finds by its name.",
        CREATE_QUEUE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let found = target.sqs.get_queue_url().queue_name(target.name("q"));
            equal("the URL", found.send().await?.queue_url, Some(url))
        }
    ),
    case!(
        "queue-create-twice-is-one",
        "CreateQueue with the name and the exact attributes of an existing queue answers with its URL.",
        CREATE_QUEUE,
        |target| {
            let first = target.queue("q", &[("DelaySeconds", "5")]).await?;
            let second = target.queue("q", &[("DelaySeconds", "5")]).await?;
            equal("the second URL", second, first)
        }
    ),
    case!(
        "queue-create-differing-attributes",
        "CreateQueue with the name of an existing queue and a different attribute value is refused.",
        CREATE_QUEUE,
        |target| {
            target.queue("q", &[("VisibilityTimeout", "60")]).await?;
            let again = target.sqs.create_queue().queue_name(target.name("q"));
            let again = again.attributes(QueueAttributeName::VisibilityTimeout, "61");
            refused(again.send().await, "QueueAlreadyExists")
        }
    ),
    case!(
        "queue-defaults",
        "A queue created without attributes has the documented defaults.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            for (name, value) in [
                ("DelaySeconds", "0"),
                ("MaximumMessageSize", "1048576"),
                ("MessageRetentionPeriod", "345600"),
                ("ReceiveMessageWaitTimeSeconds", "0"),
                ("VisibilityTimeout", "30"),
            ] {
                equal(name, target.attribute(&url, name).await?, value)?;
            }
            Ok(())
        }
    ),
    case!(
        "queue-name-80-characters",
        "A queue name has up to 80 letters, digits, hyphens and underscores.",
        CREATE_QUEUE,
        |target| {
            let stem = target.name("_");
            let longest = format!("{stem}{}", "x".repeat(80 - stem.len()));
            target.create_queue(&longest, &[]).await?;
            let too_long = target.sqs.create_queue().queue_name(format!("{longest}x"));
            rejected(too_long.send().await)?;
            let other = target.sqs.create_queue().queue_name(target.name("no.dots"));
            rejected(other.send().await)
        }
    ),
    case!(
        "queue-names-are-case-sensitive",
        "Queue names are case-sensitive.",
        CREATE_QUEUE,
        |target| {
            target.queue("name", &[]).await?;
            let other = target.sqs.get_queue_url().queue_name(target.name("NAME"));
            refused(
                other.send().await,
                "AWS.SimpleQueueService.NonExistentQueue",
            )
        }
    ),
    case!(
        "queue-url-of-unknown-name",
        "GetQueueUrl of a name that no queue has answers QueueDoesNotExist.",
        GET_QUEUE_URL,
        |target| {
            let call = target.sqs.get_queue_url().queue_name(target.name("none"));
            refused(call.send().await, "AWS.SimpleQueueService.NonExistentQueue")
        }
    ),
    case!(
        "queue-list-by-prefix",
        "ListQueues answers with the queues whose names begin with the prefix.",
        LIST_QUEUES,
        |target| {
            let first = target.queue("listed-1", &[]).await?;
            let second = target.queue("listed-2", &[]).await?;
            target.queue("other", &[]).await?;
            let call = target.sqs.list_queues();
            let listed = call.queue_name_prefix(target.name("listed")).send().await?;
            let mut found = listed.queue_urls.unwrap_or_default();
            found.sort();
            equal("the URLs", found, vec![first, second])
        }
    ),
    case!(
        "queue-list-in-pages",
        "ListQueues with MaxResults answers in pages, with a NextToken until the last.",
        LIST_QUEUES,
        |target| {
            for stem in ["p-1", "p-2", "p-3"] {
                target.queue(stem, &[]).await?;
            }
            let call = || {
                let call = target.sqs.list_queues().max_results(2);
                call.queue_name_prefix(target.name("p"))
            };
            let first = call().send().await?;
            equal("the first page", first.queue_urls().len(), 2)?;
            let token = some("NextToken", first.next_token)?;
            let second = call().next_token(token).send().await?;
            equal("the second page", second.queue_urls().len(), 1)?;
            equal("the last NextToken", second.next_token, None)
        }
    ),
    case!(
        "queue-list-without-max-results",
        "ListQueues without MaxResults answers with no NextToken.",
        LIST_QUEUES,
        |target| {
            target.queue("q", &[]).await?;
            let call = target.sqs.list_queues().queue_name_prefix(target.name(""));
            equal("NextToken", call.send().await?.next_token, None)
        }
    ),
    case!(
        "queue-delete",
        "A deleted queue is no longer there, whatever was in it.",
        DELETE_QUEUE,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "left behind").await?;
            target.sqs.delete_queue().queue_url(&url).send().await?;
            target.pass_seconds(1).await;
            let receive = target.receiving(&url).send().await;
            refused(receive, "AWS.SimpleQueueService.NonExistentQueue")
        }
    )
    .takes(1),
    case!(
        "queue-deleted-recently",
        "The name of a deleted queue cannot be used again at once.",
        CREATE_QUEUE,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.sqs.delete_queue().queue_url(&url).send().await?;
            let call = target.sqs.create_queue().queue_name(target.name("q"));
            let code = "AWS.SimpleQueueService.QueueDeletedRecently";
            refused(call.send().await, code)
        }
    ),
    case!(
        "queue-created-again-after-60-seconds",
        "The name of a deleted queue can be used again after 60 seconds, for an empty queue.",
        DELETE_QUEUE,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "left behind").await?;
            target.sqs.delete_queue().queue_url(&url).send().await?;
            target.pass_seconds(60).await;
            target.expect_empty(&target.queue("q", &[]).await?).await
        }
    )
    .takes(60),
    case!(
        "queue-attributes-all",
        "GetQueueAttributes with All answers with every attribute, the computed ones too.",
        GET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.get_queue_attributes().queue_url(&url);
            let all = call.attribute_names(QueueAttributeName::All).send().await?;
            let all: HashMap<QueueAttributeName, String> = all.attributes.unwrap_or_default();
            for name in [
                "QueueArn",
                "CreatedTimestamp",
                "LastModifiedTimestamp",
                "VisibilityTimeout",
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ] {
                some(name, all.get(&name.into()))?;
            }
            let arn = all.get(&QueueAttributeName::QueueArn).cloned();
            equal("QueueArn", arn, Some(target.queue_arn(&target.name("q"))))
        }
    ),
    case!(
        "queue-attributes-only-those-asked-for",
        "GetQueueAttributes answers with the attributes asked for and no others.",
        GET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.get_queue_attributes().queue_url(&url);
            let call = call.attribute_names(QueueAttributeName::DelaySeconds);
            let found = call.send().await?.attributes.unwrap_or_default();
            equal("the attributes", found.len(), 1)
        }
    ),
    case!(
        "queue-attributes-unknown-name",
        "GetQueueAttributes refuses an attribute name that does not exist.",
        GET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.get_queue_attributes().queue_url(&url);
            let answer = call.attribute_names("NoSuchAttribute".into()).send().await;
            refused(answer, "InvalidAttributeName")
        }
    ),
    case!(
        "queue-attributes-bounds",
        "SetQueueAttributes refuses values outside the documented bounds.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            for (name, value) in [
                ("DelaySeconds", "901"),
                ("MaximumMessageSize", "1023"),
                ("MaximumMessageSize", "1048577"),
                ("MessageRetentionPeriod", "59"),
                ("MessageRetentionPeriod", "1209601"),
                ("ReceiveMessageWaitTimeSeconds", "21"),
                ("VisibilityTimeout", "43201"),
                ("VisibilityTimeout", "soon"),
            ] {
                let call = target.sqs.set_queue_attributes().queue_url(&url);
                let answer = call.attributes(name.into(), value).send().await;
                ensure(answer.is_err(), || format!("{name}={value} was accepted"))?;
                refused(answer, "InvalidAttributeValue")?;
            }
            Ok(())
        }
    ),
    case!(
        "queue-attributes-bounds-at-creation",
        "CreateQueue refuses values outside the documented bounds, and creates nothing.",
        CREATE_QUEUE,
        |target| {
            let call = target.sqs.create_queue().queue_name(target.name("q"));
            let call = call.attributes(QueueAttributeName::VisibilityTimeout, "43201");
            refused(call.send().await, "InvalidAttributeValue")?;
            let found = target.sqs.get_queue_url().queue_name(target.name("q"));
            refused(
                found.send().await,
                "AWS.SimpleQueueService.NonExistentQueue",
            )
        }
    ),
    case!(
        "queue-attributes-policy-and-encryption",
        "A policy and the attributes of server-side encryption are kept and shown.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
            for (name, value) in [
                ("Policy", policy),
                ("KmsMasterKeyId", "alias/aws/sqs"),
                ("KmsDataKeyReusePeriodSeconds", "600"),
            ] {
                target.set(&url, name, value).await?;
                equal(name, target.attribute(&url, name).await?, value)?;
            }
            Ok(())
        }
    ),
    case!(
        "queue-tags",
        "Tags are added, overwritten and removed by key, and listed.",
        TAG_QUEUE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let tag =
                |key: &str, value: &str| target.sqs.tag_queue().queue_url(&url).tags(key, value);
            tag("team", "a").tags("cost", "1").send().await?;
            tag("team", "b").send().await?;
            let untag = target.sqs.untag_queue().queue_url(&url);
            untag.tag_keys("cost").send().await?;
            let listed = target.sqs.list_queue_tags().queue_url(&url).send().await?;
            let expected = HashMap::from([("team".to_owned(), "b".to_owned())]);
            equal("the tags", listed.tags, Some(expected))
        }
    ),
    case!(
        "queue-tags-at-creation",
        "CreateQueue takes tags.",
        CREATE_QUEUE,
        |target| {
            let call = target.sqs.create_queue().queue_name(target.name("q"));
            let url = some("URL", call.tags("team", "a").send().await?.queue_url)?;
            let listed = target.sqs.list_queue_tags().queue_url(url).send().await?;
            equal("the tags", listed.tags.map(|tags| tags.len()), Some(1))
        }
    ),
    case!(
        "queue-purge",
        "PurgeQueue deletes the available messages and those in flight.",
        PURGE_QUEUE,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            target.send(&url, "in flight").await?;
            target.receive_one(&url).await?;
            target.send(&url, "available").await?;
            target.sqs.purge_queue().queue_url(&url).send().await?;
            target.pass_seconds(2).await;
            target.expect_empty(&url).await
        }
    )
    .takes(2),
    case!(
        "queue-purge-once-a-minute",
        "A second PurgeQueue within 60 seconds is refused.",
        PURGE_QUEUE,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.sqs.purge_queue().queue_url(&url).send().await?;
            let again = target.sqs.purge_queue().queue_url(&url).send().await;
            refused(again, "AWS.SimpleQueueService.PurgeQueueInProgress")
        }
    ),
    case!(
        "queue-permissions",
        "AddPermission gives a principal a right under a label, which RemovePermission takes back.",
        ADD_PERMISSION,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.add_permission().queue_url(&url).label("friends");
            let call = call.aws_account_ids("111122223333").actions("SendMessage");
            call.send().await?;
            let call = target.sqs.remove_permission().queue_url(&url);
            call.label("friends").send().await?;
            Ok(())
        }
    ),
    case!(
        "queue-permissions-become-policy",
        "AddPermission writes the permission into the queue's policy, under its label.",
        ADD_PERMISSION,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.add_permission().queue_url(&url).label("friends");
            let call = call.aws_account_ids("111122223333").actions("SendMessage");
            call.send().await?;
            let policy = target.attribute(&url, "Policy").await?;
            let policy: serde_json::Value = serde_json::from_str(&policy)?;
            equal("Sid", &policy["Statement"][0]["Sid"], "friends")
        }
    ),
    case!(
        "queue-permission-of-unknown-queue",
        "AddPermission on a queue that does not exist is refused.",
        ADD_PERMISSION,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.add_permission().queue_url(format!("{url}-none"));
            let call = call.label("friends").actions("SendMessage");
            let answer = call.aws_account_ids("111122223333").send().await;
            refused(answer, "AWS.SimpleQueueService.NonExistentQueue")
        }
    ),
    case!(
        "queue-retention-expires-messages",
        "A message is deleted once it is older than the retention period.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target
                .queue("q", &[("MessageRetentionPeriod", "60")])
                .await?;
            let call = target
                .sending(&url, "old")
                .message_attributes("k", text("v")?);
            call.send().await?;
            target.pass_seconds(59).await;
            let before = target.receiving(&url).visibility_timeout(0).send().await?;
            equal("messages before", before.messages().len(), 1)?;
            target.pass_seconds(2).await;
            target.expect_empty(&url).await
        }
    )
    .takes(61),
];

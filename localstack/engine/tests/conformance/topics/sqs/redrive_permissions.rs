//! Which queues can be dead-letter queues, and who may use them.

use crate::case::{Case, Outcome, case};
use crate::check::{equal, rejected, some};
use crate::document::*;
use crate::fixture::redrive_policy;
use crate::target::Target;

pub(super) const CASES: &[Case] = &[
    case!(
        "dlq-same-type",
        "The dead-letter queue of a FIFO queue must be FIFO, that of a standard queue standard.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let standard = target.queue("standard", &[]).await?;
            let fifo = target.fifo_queue("fifo", &[]).await?;
            for (source, dead_letters) in [(&standard, &fifo), (&fifo, &standard)] {
                let policy = redrive_policy(&target.arn_of(dead_letters).await?, 3);
                let call = target.sqs.set_queue_attributes().queue_url(source);
                rejected(call.attributes("RedrivePolicy".into(), policy).send().await)?;
            }
            Ok(())
        }
    ),
    case!(
        "dlq-must-exist",
        "A dead-letter queue must exist before a redrive policy names it.",
        DEAD_LETTER_QUEUES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let policy = redrive_policy(&target.queue_arn(&target.name("none")), 3);
            let call = target.sqs.set_queue_attributes().queue_url(&url);
            rejected(call.attributes("RedrivePolicy".into(), policy).send().await)
        }
    ),
    case!(
        "dlq-policy-is-checked",
        "A RedrivePolicy that is not JSON with deadLetterTargetArn and maxReceiveCount is refused.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let arn = target.arn_of(&target.queue("dlq", &[]).await?).await?;
            let policies = [
                "not JSON".to_owned(),
                r#"{"maxReceiveCount": 3}"#.to_owned(),
                format!(r#"{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": "many"}}"#),
            ];
            for policy in policies {
                let call = target.sqs.set_queue_attributes().queue_url(&url);
                rejected(call.attributes("RedrivePolicy".into(), policy).send().await)?;
            }
            Ok(())
        }
    )
    .spoils(),
    case!(
        "dlq-list-sources",
        "ListDeadLetterSourceQueues answers with the queues whose redrive policy names the queue.",
        LIST_DEAD_LETTER_SOURCES,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(3).await?;
            target.queue("other", &[]).await?;
            let call = target.sqs.list_dead_letter_source_queues();
            let listed = call.queue_url(&dead_letters).send().await?;
            equal("the URLs", listed.queue_urls, vec![source])
        }
    ),
    case!(
        "dlq-list-sources-in-pages",
        "ListDeadLetterSourceQueues with MaxResults answers in pages, with a NextToken until the last.",
        LIST_DEAD_LETTER_SOURCES,
        |target| {
            let dead_letters = target.queue("dlq", &[]).await?;
            let policy = redrive_policy(&target.arn_of(&dead_letters).await?, 3);
            for stem in ["s-1", "s-2", "s-3"] {
                target.queue(stem, &[("RedrivePolicy", &policy)]).await?;
            }
            let call = || {
                let call = target.sqs.list_dead_letter_source_queues();
                call.queue_url(&dead_letters).max_results(2)
            };
            let first = call().send().await?;
            equal("the first page", first.queue_urls().len(), 2)?;
            let token = some("NextToken", first.next_token)?;
            let second = call().next_token(token).send().await?;
            equal("the second page", second.queue_urls().len(), 1)
        }
    ),
    case!(
        "dlq-allow-all",
        "By default, and with allowAll, any queue may name a queue as its dead-letter queue.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let dead_letters = target.queue("dlq", &[]).await?;
            allow(
                &target,
                &dead_letters,
                r#"{"redrivePermission": "allowAll"}"#,
            )
            .await?;
            let policy = redrive_policy(&target.arn_of(&dead_letters).await?, 3);
            target.queue("q", &[("RedrivePolicy", &policy)]).await?;
            Ok(())
        }
    ),
    case!(
        "dlq-deny-all",
        "With denyAll no queue may name the queue as its dead-letter queue.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let dead_letters = target.queue("dlq", &[]).await?;
            allow(
                &target,
                &dead_letters,
                r#"{"redrivePermission": "denyAll"}"#,
            )
            .await?;
            let policy = redrive_policy(&target.arn_of(&dead_letters).await?, 3);
            let call = target.sqs.create_queue().queue_name(target.name("q"));
            rejected(call.attributes("RedrivePolicy".into(), policy).send().await)
        }
    ),
    case!(
        "dlq-allow-by-queue",
        "With byQueue only the queues named in sourceQueueArns may.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let dead_letters = target.queue("dlq", &[]).await?;
            let (friend, other) = (
                target.queue("friend", &[]).await?,
                target.queue("other", &[]).await?,
            );
            let friend_arn = target.arn_of(&friend).await?;
            let permission = serde_json::json!({
                "redrivePermission": "byQueue", "sourceQueueArns": [friend_arn],
            });
            allow(&target, &dead_letters, &permission.to_string()).await?;
            let policy = redrive_policy(&target.arn_of(&dead_letters).await?, 3);
            target.set(&friend, "RedrivePolicy", &policy).await?;
            let call = target.sqs.set_queue_attributes().queue_url(&other);
            rejected(call.attributes("RedrivePolicy".into(), policy).send().await)
        }
    ),
    case!(
        "dlq-allow-policy-is-checked",
        "sourceQueueArns goes only with byQueue, and names up to 10 queues.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("dlq", &[]).await?;
            let arns: Vec<String> = (0..11)
                .map(|number| target.queue_arn(&format!("q{number}")))
                .collect();
            for policy in [
                serde_json::json!({"redrivePermission": "byQueue", "sourceQueueArns": arns}),
                serde_json::json!({"redrivePermission": "allowAll", "sourceQueueArns": [arns[0]]}),
                serde_json::json!({"redrivePermission": "perhaps"}),
            ] {
                let call = target.sqs.set_queue_attributes().queue_url(&url);
                let call = call.attributes("RedriveAllowPolicy".into(), policy.to_string());
                rejected(call.send().await)?;
            }
            Ok(())
        }
    ),
];

async fn allow(target: &Target, url: &str, policy: &str) -> Outcome {
    target.set(url, "RedriveAllowPolicy", policy).await
}

//! Receives that wait for a message, and what wakes them.

use crate::case::{Case, Failure, case};
use crate::check::{ensure, equal, some};
use crate::document::*;
use crate::fixture::{bodies, sorted_bodies};
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    case!(
        "long-poll-wakes-on-arrival",
        "A waiting receive returns as soon as a message arrives.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[]).await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let sending = async {
                target.pass_seconds(1).await;
                target.send(&url, "arrived").await
            };
            let (received, sent) = within(10, async { tokio::join!(waiting, sending) }).await?;
            sent?;
            equal("the bodies", bodies(received?.messages()), vec!["arrived"])
        }
    )
    .takes(1),
    case!(
        "long-poll-wakes-on-delay-end",
        "A waiting receive returns a message whose delay ends while it waits.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[]).await?;
            target
                .sending(&url, "later")
                .delay_seconds(1)
                .send()
                .await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let passing = target.pass_seconds(1);
            let (received, ()) = within(10, async { tokio::join!(waiting, passing) }).await?;
            equal("the bodies", bodies(received?.messages()), vec!["later"])
        }
    )
    .takes(1),
    case!(
        "long-poll-wakes-on-visibility-end",
        "A waiting receive returns a message whose visibility timeout ends while it waits.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            target.send(&url, "back").await?;
            target.receive_one(&url).await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let passing = target.pass_seconds(1);
            let (received, ()) = within(10, async { tokio::join!(waiting, passing) }).await?;
            equal("the bodies", bodies(received?.messages()), vec!["back"])
        }
    )
    .takes(1),
    case!(
        "long-poll-wakes-on-release",
        "A waiting receive returns a message that another consumer gives back.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "600")]).await?;
            target.send(&url, "released").await?;
            let message = target.receive_one(&url).await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let releasing = async {
                target.pass_seconds(1).await;
                target.hide(&url, &message, 0).await
            };
            let (received, released) =
                within(10, async { tokio::join!(waiting, releasing) }).await?;
            released?;
            equal("the bodies", bodies(received?.messages()), vec!["released"])
        }
    )
    .takes(1),
    case!(
        "long-poll-ends-empty",
        "A waiting receive returns without messages when its time is over.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let waiting = target.receiving(&url).wait_time_seconds(1).send();
            let received = within(10, waiting).await?;
            ensure(received?.messages().is_empty(), || {
                "messages out of nowhere".into()
            })
        }
    )
    .takes(1),
    case!(
        "long-poll-by-the-queues-default",
        "Without WaitTimeSeconds a receive waits as long as ReceiveMessageWaitTimeSeconds says.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let wait = [("ReceiveMessageWaitTimeSeconds", "20")];
            let url = target.queue("q", &wait).await?;
            let waiting = target.sqs.receive_message().queue_url(&url).send();
            let sending = async {
                target.pass_seconds(1).await;
                target.send(&url, "arrived").await
            };
            let (received, sent) = within(10, async { tokio::join!(waiting, sending) }).await?;
            sent?;
            equal("the bodies", bodies(received?.messages()), vec!["arrived"])
        }
    )
    .takes(1),
    case!(
        "long-poll-wakes-on-a-freed-group",
        "A waiting receive returns the next message of a FIFO group once the one before is deleted.",
        FIFO_DELIVERY_LOGIC,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for body in ["first", "next"] {
                target.send_to_group(&url, "g", body).await?;
            }
            let one = target.receiving(&url).max_number_of_messages(1).send().await?;
            let first = some("the first message", one.messages().first())?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let deleting = async {
                target.pass_seconds(1).await;
                target.delete(&url, first).await
            };
            let (received, deleted) = within(10, async { tokio::join!(waiting, deleting) }).await?;
            deleted?;
            equal("the bodies", bodies(received?.messages()), vec!["next"])
        }
    )
    .takes(1),
    case!(
        "short-poll-by-request",
        "WaitTimeSeconds of 0 goes before the queue's default: the receive does not wait.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let wait = [("ReceiveMessageWaitTimeSeconds", "20")];
            let url = target.queue("q", &wait).await?;
            let receiving = target.receiving(&url).wait_time_seconds(0).send();
            let received = within(5, receiving).await??;
            ensure(received.messages().is_empty(), || {
                "messages out of nowhere".into()
            })
        }
    ),
    case!(
        "long-poll-does-not-wait-for-more",
        "A waiting receive returns with what is there, though it asked for more.",
        SHORT_AND_LONG_POLLING,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "a").await?;
            let waiting = target.receiving(&url).wait_time_seconds(20).send();
            let received = within(10, waiting).await??;
            equal("the bodies", sorted_bodies(received.messages()), vec!["a"])
        }
    ),
];

/// The future's value, or a failure when it takes far longer than it should.
async fn within<Value>(
    seconds: u64,
    future: impl Future<Output = Value>,
) -> Result<Value, Failure> {
    let limit = Duration::from_secs(seconds);
    let ended = tokio::time::timeout(limit, future).await;
    ended.map_err(|_| Failure(format!("no answer within {seconds} s, expected it at once")))
}

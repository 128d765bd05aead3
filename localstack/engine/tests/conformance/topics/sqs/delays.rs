//! Messages that cannot be received yet.

use crate::case::{Case, case};
use crate::check::equal;
use crate::document::*;

pub(super) const CASES: &[Case] = &[
    case!(
        "delay-of-a-message",
        "A message with DelaySeconds cannot be received before they have passed.",
        MESSAGE_TIMERS,
        |target| {
            let url = target.queue("q", &[]).await?;
            target
                .sending(&url, "later")
                .delay_seconds(2)
                .send()
                .await?;
            target.pass_seconds(1).await;
            target.expect_empty(&url).await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(2),
    case!(
        "delay-of-the-queue",
        "A delay queue holds back every message for its DelaySeconds.",
        DELAY_QUEUES,
        |target| {
            let url = target.queue("q", &[("DelaySeconds", "2")]).await?;
            target.send(&url, "later").await?;
            target.expect_empty(&url).await?;
            target.pass_seconds(2).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(2),
    case!(
        "delay-of-a-message-goes-before-the-queues",
        "A message timer goes before the delay of the queue, even when it is 0.",
        MESSAGE_TIMERS,
        |target| {
            let url = target.queue("q", &[("DelaySeconds", "600")]).await?;
            target.sending(&url, "now").delay_seconds(0).send().await?;
            equal(
                "the body",
                target.receive_one(&url).await?.body(),
                Some("now"),
            )
        }
    ),
    case!(
        "delay-of-a-standard-queue-changed",
        "On a standard queue a changed DelaySeconds does not affect messages already there.",
        DELAY_QUEUES,
        |target| {
            let url = target.queue("q", &[("DelaySeconds", "2")]).await?;
            target.send(&url, "x").await?;
            target.set(&url, "DelaySeconds", "0").await?;
            target.expect_empty(&url).await?;
            target.pass_seconds(2).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(2),
];

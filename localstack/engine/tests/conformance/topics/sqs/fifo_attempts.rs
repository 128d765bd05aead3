//! FIFO queues: receives repeated with their ReceiveRequestAttemptId.

use crate::case::{Case, case};
use crate::check::{equal, rejected, some};
use crate::document::*;
use crate::fixture::bodies;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    case!(
        "fifo-attempt-id-returns-the-same",
        "A receive repeated with its ReceiveRequestAttemptId returns the same messages and handles.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for body in ["a", "b"] {
                target.send_to_group(&url, "g", body).await?;
            }
            let attempt = || {
                target
                    .receiving(&url)
                    .receive_request_attempt_id("try-1")
                    .send()
            };
            let first = attempt().await?;
            let second = attempt().await?;
            equal("the bodies", bodies(second.messages()), vec!["a", "b"])?;
            let handles = |all: &[aws_sdk_sqs::types::Message]| {
                all.iter()
                    .map(|one| one.receipt_handle.clone())
                    .collect::<Vec<_>>()
            };
            equal(
                "the handles",
                handles(second.messages()),
                handles(first.messages()),
            )
        }
    ),
    case!(
        "fifo-attempt-id-of-another-receive",
        "A receive with another ReceiveRequestAttemptId gets nothing of a group in flight.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            target.send_to_group(&url, "g", "a").await?;
            let attempt = |id: &str| target.receiving(&url).receive_request_attempt_id(id).send();
            equal(
                "first",
                bodies(attempt("try-1").await?.messages()),
                vec!["a"],
            )?;
            equal("second", attempt("try-2").await?.messages().len(), 0)
        }
    ),
    case!(
        "fifo-attempt-id-resets-visibility",
        "A receive repeated with its ReceiveRequestAttemptId starts the visibility timeout anew.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target
                .fifo_queue("q", &[("VisibilityTimeout", "3")])
                .await?;
            target.send_to_group(&url, "g", "a").await?;
            let attempt = || {
                target
                    .receiving(&url)
                    .receive_request_attempt_id("try-1")
                    .send()
            };
            attempt().await?;
            target.pass_seconds(2).await;
            equal("second", bodies(attempt().await?.messages()), vec!["a"])?;
            target.pass_seconds(2).await;
            target.expect_empty(&url).await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(5),
    case!(
        "fifo-attempt-id-after-5-minutes",
        "A ReceiveRequestAttemptId is good for 5 minutes.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target
                .fifo_queue("q", &[("VisibilityTimeout", "1200")])
                .await?;
            target.send_to_group(&url, "g", "a").await?;
            let attempt = || {
                target
                    .receiving(&url)
                    .receive_request_attempt_id("try-1")
                    .send()
            };
            attempt().await?;
            target.pass(Duration::from_secs(301)).await;
            equal("messages", attempt().await?.messages().len(), 0)
        }
    )
    .takes(301),
    case!(
        "fifo-attempt-id-after-a-delete",
        "A receive cannot be repeated once one of its messages was deleted or changed.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            for body in ["a", "b"] {
                target.send_to_group(&url, "g", body).await?;
            }
            let attempt = || {
                target
                    .receiving(&url)
                    .receive_request_attempt_id("try-1")
                    .send()
            };
            let first = attempt().await?;
            let message = some("the message", first.messages().first())?;
            target.delete(&url, message).await?;
            equal("messages", attempt().await?.messages().len(), 0)
        }
    )
    .open("What such a receive gets: nothing, as any other receive while the group is in flight."),
    case!(
        "fifo-attempt-id-bounds",
        "A ReceiveRequestAttemptId is up to 128 letters, digits and punctuation.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let attempt = |id: &str| target.receiving(&url).receive_request_attempt_id(id).send();
            attempt(&"x".repeat(128)).await?;
            rejected(attempt(&"x".repeat(129)).await)
        }
    ),
];

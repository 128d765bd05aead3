//! How a message ends: deleted with the right receipt handle.

use crate::case::{Case, case};
use crate::check::{ensure, equal};
use crate::document::*;
use crate::fixture::handle;

pub(super) const CASES: &[Case] = &[
    case!(
        "delete-ends-a-message",
        "A deleted message does not come back when its visibility timeout ends.",
        DELETE_MESSAGE,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            target.delete(&url, &message).await?;
            target.pass_seconds(2).await;
            target.expect_empty(&url).await
        }
    )
    .takes(2),
    case!(
        "delete-twice-succeeds",
        "Deleting a message again succeeds.",
        DELETE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            target.delete(&url, &message).await?;
            target.delete(&url, &message).await
        }
    )
    .open("AWS speaks of old handles only; a second delete with the latest handle succeeds too."),
    case!(
        "delete-with-the-handle-of-an-earlier-receive",
        "Deleting with a handle from an earlier receive succeeds, but may leave the message.",
        DELETE_MESSAGE,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            target.send(&url, "x").await?;
            let first = target.receive_one(&url).await?;
            target.pass_seconds(1).await;
            let second = target.receive_one(&url).await?;
            ensure(handle(&first)? != handle(&second)?, || {
                "both receives gave the same handle".into()
            })?;
            target.delete(&url, &first).await?;
            target.pass_seconds(1).await;
            equal(
                "the body",
                target.receive_one(&url).await?.body(),
                Some("x"),
            )
        }
    )
    .takes(2)
    .open("Whether the message is deleted: it is not, because someone else holds it by now."),
    case!(
        "delete-after-visibility-timeout",
        "A message whose visibility timeout ended is deleted with its latest handle.",
        DELETE_MESSAGE,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "1")]).await?;
            target.send(&url, "x").await?;
            let message = target.receive_one(&url).await?;
            target.pass_seconds(1).await;
            target.delete(&url, &message).await?;
            target.expect_empty(&url).await
        }
    )
    .takes(1)
    .open("AWS only says that the handle of the most recent receive must be used."),
];

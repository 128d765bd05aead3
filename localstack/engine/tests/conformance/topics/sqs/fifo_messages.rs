//! FIFO queues: what a message must and must not have, and what it shows.

use crate::case::{Case, case};
use crate::check::{ensure, equal, rejected, some};
use crate::document::*;
use crate::fixture::system_attribute;

pub(super) const CASES: &[Case] = &[
    case!(
        "fifo-group-required",
        "A message sent to a FIFO queue without a MessageGroupId is refused.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let call = target.sending(&url, "x").message_deduplication_id("d");
            rejected(call.send().await)
        }
    ),
    case!(
        "fifo-id-bounds",
        "MessageGroupId and MessageDeduplicationId are up to 128 letters, digits and punctuation.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let send = |group: &str, deduplication: &str| {
                let call = target.sending(&url, "x").message_group_id(group);
                call.message_deduplication_id(deduplication).send()
            };
            let longest = format!("{}!\"#$%&'()*+,-./", "g".repeat(113));
            send(&longest, &longest).await?;
            for id in [format!("{longest}g"), "with space".into(), "é".into()] {
                rejected(send(&id, "d").await)?;
                rejected(send("g", &id).await)?;
            }
            Ok(())
        }
    ),
    case!(
        "fifo-name-suffix",
        "The name of a FIFO queue must end in .fifo.",
        CREATE_QUEUE,
        |target| {
            let call = target.sqs.create_queue().queue_name(target.name("q"));
            rejected(call.attributes("FifoQueue".into(), "true").send().await)
        }
    ),
    case!(
        "fifo-queue-type-is-fixed",
        "A queue's type cannot be changed after it was created.",
        CREATE_QUEUE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let call = target.sqs.set_queue_attributes().queue_url(&url);
            rejected(call.attributes("FifoQueue".into(), "false").send().await)?;
            equal(
                "FifoQueue",
                target.attribute(&url, "FifoQueue").await?,
                "true",
            )
        }
    ),
    case!(
        "fifo-sequence-numbers",
        "Sequence numbers increase within a group, and are received as they were answered.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let mut numbers = Vec::new();
            for body in ["a", "b", "c"] {
                let sent = target.send_to_group(&url, "g", body).await?;
                numbers.push(some("SequenceNumber", sent.sequence_number)?);
            }
            let parsed = numbers
                .iter()
                .filter_map(|number| number.parse::<u128>().ok());
            let parsed: Vec<u128> = parsed.collect();
            ensure(parsed.len() == 3 && parsed.is_sorted(), || {
                format!("{numbers:?}, expected increasing numbers")
            })?;
            ensure(parsed.windows(2).all(|pair| pair[0] != pair[1]), || {
                format!("{numbers:?}, expected different numbers")
            })?;
            for (message, number) in target.receive(&url).await?.iter().zip(&numbers) {
                equal(
                    "SequenceNumber",
                    system_attribute(message, "SequenceNumber")?,
                    number,
                )?;
            }
            Ok(())
        }
    ),
    case!(
        "fifo-system-attributes",
        "A received message shows its MessageGroupId and MessageDeduplicationId.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            target.send_to_group(&url, "g", "d").await?;
            let message = target.receive_one(&url).await?;
            equal("group", system_attribute(&message, "MessageGroupId")?, "g")?;
            let name = "MessageDeduplicationId";
            equal(name, system_attribute(&message, name)?, "d")
        }
    ),
    case!(
        "fifo-no-delay-of-a-message",
        "A FIFO queue takes no DelaySeconds for single messages.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let call = target.sending(&url, "x").message_group_id("g");
            rejected(
                call.message_deduplication_id("d")
                    .delay_seconds(5)
                    .send()
                    .await,
            )
        }
    ),
    case!(
        "fifo-delay-of-zero",
        "DelaySeconds cannot be set for single messages of a FIFO queue.",
        SEND_MESSAGE,
        |target| {
            let url = target.fifo_queue("q", &[]).await?;
            let call = target.sending(&url, "x").message_group_id("g");
            let call = call.message_deduplication_id("d").delay_seconds(0);
            call.send().await?;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .open("Whether 0, which asks for no delay, is refused as well: it is accepted."),
    case!(
        "fifo-delay-of-the-queue",
        "A FIFO queue's DelaySeconds holds back every message.",
        DELAY_QUEUES,
        |target| {
            let url = target.fifo_queue("q", &[("DelaySeconds", "2")]).await?;
            target.send_to_group(&url, "g", "later").await?;
            target.expect_empty(&url).await?;
            target.pass_seconds(2).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(2),
    case!(
        "fifo-delay-is-retroactive",
        "On a FIFO queue a changed DelaySeconds affects messages already there.",
        DELAY_QUEUES,
        |target| {
            let url = target.fifo_queue("q", &[("DelaySeconds", "600")]).await?;
            target.send_to_group(&url, "g", "x").await?;
            target.set(&url, "DelaySeconds", "1").await?;
            target.pass_seconds(1).await;
            target.receive_one(&url).await?;
            Ok(())
        }
    )
    .takes(1),
];

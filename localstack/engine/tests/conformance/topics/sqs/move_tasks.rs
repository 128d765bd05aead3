//! Moving dead letters back, or elsewhere.

use crate::case::{Case, Failure, Outcome, case};
use crate::check::{ensure, equal, refused, refused_with_one_of, rejected, some};
use crate::document::*;
use crate::fixture::{redrive_policy, sorted_bodies, system_attribute};
use crate::target::Target;
use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    case!(
        "move-back-to-source",
        "A move task without a destination returns messages to the queue they came from.",
        START_MOVE_TASK,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            bury(&target, &source, &["a", "b"]).await?;
            let arn = target.arn_of(&dead_letters).await?;
            start(&target, &arn, None).await?;
            finished(&target, &arn).await?;
            equal("at the source", drain(&target, &source).await?, ["a", "b"])?;
            target.expect_empty(&dead_letters).await
        }
    ),
    case!(
        "move-to-each-its-own-source",
        "Messages of several sources return to their respective original queues.",
        START_MOVE_TASK,
        |target| {
            let (one, dead_letters) = target.with_dead_letters(1).await?;
            let arn = target.arn_of(&dead_letters).await?;
            let policy = redrive_policy(&arn, 1);
            let two = target
                .queue("source-2", &[("RedrivePolicy", &policy)])
                .await?;
            bury(&target, &one, &["of one"]).await?;
            bury(&target, &two, &["of two"]).await?;
            start(&target, &arn, None).await?;
            finished(&target, &arn).await?;
            equal("at one", drain(&target, &one).await?, ["of one"])?;
            equal("at two", drain(&target, &two).await?, ["of two"])
        }
    ),
    case!(
        "move-to-a-destination",
        "A move task with a destination moves everything there.",
        START_MOVE_TASK,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            bury(&target, &source, &["a"]).await?;
            let destination = target.queue("elsewhere", &[]).await?;
            let arn = target.arn_of(&dead_letters).await?;
            let to = target.arn_of(&destination).await?;
            start(&target, &arn, Some(&to)).await?;
            let task = finished(&target, &arn).await?;
            equal("DestinationArn", task.destination_arn(), Some(to.as_str()))?;
            equal(
                "at the destination",
                drain(&target, &destination).await?,
                ["a"],
            )
        }
    ),
    case!(
        "move-makes-new-messages",
        "A moved message is a new one: new id, new enqueue time.",
        REDRIVE,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            let sent = target.send(&source, "x").await?;
            let first = target.receive_one(&source).await?;
            target.hide(&source, &first, 0).await?;
            target.expect_empty(&source).await?;
            target.pass_seconds(1).await;
            let arn = target.arn_of(&dead_letters).await?;
            start(&target, &arn, None).await?;
            finished(&target, &arn).await?;
            let moved = target.receive_one(&source).await?;
            ensure(moved.message_id() != sent.message_id(), || {
                "the id stayed".into()
            })?;
            let name = "SentTimestamp";
            let (before, after) = (
                system_attribute(&first, name)?,
                system_attribute(&moved, name)?,
            );
            ensure(after > before, || {
                format!("sent at {before}, moved with {after}")
            })
        }
    )
    .takes(2),
    case!(
        "move-starts-receive-count-anew",
        "A moved message can be received maxReceiveCount times again.",
        REDRIVE,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            bury(&target, &source, &["x"]).await?;
            let arn = target.arn_of(&dead_letters).await?;
            start(&target, &arn, None).await?;
            finished(&target, &arn).await?;
            let moved = target.receive_one(&source).await?;
            let count = system_attribute(&moved, "ApproximateReceiveCount")?;
            equal("ApproximateReceiveCount", count, "1")
        }
    )
    .open("Whether its receive count starts anew: it does, as for any new message."),
    case!(
        "move-of-ordinary-queue",
        "Only a queue that is a dead-letter queue of another can be the source of a move task.",
        START_MOVE_TASK,
        |target| {
            let arn = target.arn_of(&target.queue("q", &[]).await?).await?;
            let call = target.sqs.start_message_move_task().source_arn(arn);
            rejected(call.send().await)
        }
    ),
    case!(
        "move-of-unknown-queue",
        "A move task from a queue that does not exist answers ResourceNotFoundException.",
        START_MOVE_TASK,
        |target| {
            let arn = target.queue_arn(&target.name("none"));
            let call = target.sqs.start_message_move_task().source_arn(arn);
            refused(call.send().await, "ResourceNotFoundException")
        }
    ),
    case!(
        "move-to-unknown-queue",
        "A move task to a queue that does not exist answers ResourceNotFoundException.",
        START_MOVE_TASK,
        |target| {
            let (_, dead_letters) = target.with_dead_letters(1).await?;
            let arn = target.arn_of(&dead_letters).await?;
            let call = target.sqs.start_message_move_task().source_arn(arn);
            let call = call.destination_arn(target.queue_arn(&target.name("none")));
            refused(call.send().await, "ResourceNotFoundException")
        }
    ),
    case!(
        "move-to-other-type",
        "The destination of a move task must be of the type of its source.",
        REDRIVE,
        |target| {
            let (_, dead_letters) = target.with_dead_letters(1).await?;
            let arn = target.arn_of(&dead_letters).await?;
            let fifo = target.arn_of(&target.fifo_queue("f", &[]).await?).await?;
            let call = target.sqs.start_message_move_task().source_arn(arn);
            rejected(call.destination_arn(fifo).send().await)
        }
    ),
    case!(
        "move-rate-bound",
        "A move task moves up to 500 messages per second.",
        START_MOVE_TASK,
        |target| {
            let (_, dead_letters) = target.with_dead_letters(1).await?;
            let arn = target.arn_of(&dead_letters).await?;
            let call = target.sqs.start_message_move_task().source_arn(arn);
            rejected(call.max_number_of_messages_per_second(501).send().await)
        }
    ),
    case!(
        "move-at-a-rate",
        "A move task with MaxNumberOfMessagesPerSecond keeps to that rate.",
        START_MOVE_TASK,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            bury(&target, &source, &["a", "b", "c", "d"]).await?;
            let arn = target.arn_of(&dead_letters).await?;
            start_slowly(&target, &arn).await?;
            let early = drain(&target, &source).await?.len();
            ensure(early <= 2, || {
                format!("{early} messages were moved at once, expected 1 a second")
            })?;
            let task = latest(&target, &arn).await?;
            equal(
                "MaxNumberOfMessagesPerSecond",
                task.max_number_of_messages_per_second(),
                Some(1),
            )?;
            equal("Status", task.status(), Some("RUNNING"))?;
            target.pass_seconds(5).await;
            let later = drain(&target, &source).await?.len();
            equal("messages in all", early + later, 4)
        }
    )
    .takes(6),
    case!(
        "move-one-task-at-a-time",
        "A queue has only one active move task at a time.",
        START_MOVE_TASK,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            bury(&target, &source, &["a", "b", "c"]).await?;
            let arn = target.arn_of(&dead_letters).await?;
            start_slowly(&target, &arn).await?;
            let second = target.sqs.start_message_move_task().source_arn(&arn);
            rejected(second.send().await)
        }
    ),
    case!(
        "move-list-completed",
        "ListMessageMoveTasks tells status, counts, start and source of a finished task.",
        LIST_MOVE_TASKS,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            bury(&target, &source, &["a", "b"]).await?;
            let arn = target.arn_of(&dead_letters).await?;
            start(&target, &arn, None).await?;
            let task = finished(&target, &arn).await?;
            equal("moved", task.approximate_number_of_messages_moved(), 2)?;
            equal(
                "to move",
                task.approximate_number_of_messages_to_move(),
                Some(2),
            )?;
            equal("SourceArn", task.source_arn(), Some(arn.as_str()))?;
            equal("DestinationArn", task.destination_arn(), None)?;
            equal(
                "TaskHandle of a task that is not running",
                task.task_handle(),
                None,
            )?;
            ensure(task.started_timestamp() > 1_600_000_000_000, || {
                format!("StartedTimestamp is {}", task.started_timestamp())
            })
        }
    ),
    case!(
        "move-list-most-recent-first",
        "ListMessageMoveTasks answers with the most recent task, or up to 10.",
        LIST_MOVE_TASKS,
        |target| {
            let (_, dead_letters) = target.with_dead_letters(1).await?;
            let arn = target.arn_of(&dead_letters).await?;
            let elsewhere = target
                .arn_of(&target.queue("elsewhere", &[]).await?)
                .await?;
            start(&target, &arn, None).await?;
            finished(&target, &arn).await?;
            target.pass_seconds(1).await;
            start(&target, &arn, Some(&elsewhere)).await?;
            finished(&target, &arn).await?;
            let list = |most: i32| {
                let call = target.sqs.list_message_move_tasks().source_arn(&arn);
                call.max_results(most).send()
            };
            let all = list(10).await?;
            equal("tasks", all.results().len(), 2)?;
            let first = some("the first task", all.results().first())?;
            equal(
                "its destination",
                first.destination_arn(),
                Some(elsewhere.as_str()),
            )?;
            let default = target.sqs.list_message_move_tasks().source_arn(&arn);
            equal("tasks by default", default.send().await?.results().len(), 1)
        }
    )
    .takes(2),
    case!(
        "move-cancel",
        "A cancelled task moves no more messages; those already moved stay where they are.",
        CANCEL_MOVE_TASK,
        |target| {
            let (source, dead_letters) = target.with_dead_letters(1).await?;
            let letters = ["a", "b", "c", "d", "e"];
            bury(&target, &source, &letters).await?;
            let arn = target.arn_of(&dead_letters).await?;
            let handle = start_slowly(&target, &arn).await?;
            target.pass_seconds(1).await;
            let cancel = target.sqs.cancel_message_move_task().task_handle(handle);
            cancel.send().await?;
            target.pass_seconds(4).await;
            let status = latest(&target, &arn).await?.status;
            equal("Status", status.as_deref(), Some("CANCELLED"))?;
            let (moved, left) = (
                drain(&target, &source).await?,
                drain(&target, &dead_letters).await?,
            );
            equal("moved and left", moved.len() + left.len(), letters.len())?;
            ensure(!left.is_empty(), || "everything was moved".into())
        }
    )
    .takes(5),
    case!(
        "move-cancel-unknown",
        "Cancelling with a handle that no task has is refused.",
        CANCEL_MOVE_TASK,
        |target| {
            let call = target
                .sqs
                .cancel_message_move_task()
                .task_handle("bm8gdGFzaw==");
            let codes = ["ResourceNotFoundException", "InvalidParameterValue"];
            refused_with_one_of(call.send().await, &codes)
        }
    )
    .open("AWS does not say how it tells a wrong handle from one of a task it forgot."),
    case!(
        "move-cancel-completed",
        "Only a running task can be cancelled.",
        CANCEL_MOVE_TASK,
        |target| {
            let (_, dead_letters) = target.with_dead_letters(1).await?;
            let arn = target.arn_of(&dead_letters).await?;
            let handle = start(&target, &arn, None).await?;
            finished(&target, &arn).await?;
            let cancel = target.sqs.cancel_message_move_task().task_handle(handle);
            rejected(cancel.send().await)
        }
    ),
];

/// Sends messages to a source with `maxReceiveCount` 1 and receives them until they are
/// dead letters.
async fn bury(target: &Target, source: &str, letters: &[&str]) -> Outcome {
    for body in letters {
        target.send(source, body).await?;
        let message = target.receive_one(source).await?;
        target.hide(source, &message, 0).await?;
        target.expect_empty(source).await?;
    }
    Ok(())
}

async fn start(target: &Target, source: &str, destination: Option<&str>) -> Outcome<String> {
    let call = target.sqs.start_message_move_task().source_arn(source);
    let call = call.set_destination_arn(destination.map(str::to_owned));
    some("TaskHandle", call.send().await?.task_handle)
}

/// A task that moves one message a second.
async fn start_slowly(target: &Target, source: &str) -> Outcome<String> {
    let call = target.sqs.start_message_move_task().source_arn(source);
    let call = call.max_number_of_messages_per_second(1);
    some("TaskHandle", call.send().await?.task_handle)
}

async fn latest(target: &Target, source: &str) -> Outcome<ListMessageMoveTasksResultEntry> {
    let call = target.sqs.list_message_move_tasks().source_arn(source);
    let tasks = call.send().await?.results.unwrap_or_default();
    some("the task", tasks.into_iter().next())
}

/// The source's latest task once it is completed.
async fn finished(target: &Target, source: &str) -> Outcome<ListMessageMoveTasksResultEntry> {
    for _ in 0..20 {
        let task = latest(target, source).await?;
        if task.status() == Some("COMPLETED") {
            return Ok(task);
        }
        target.pass(Duration::from_millis(250)).await;
    }
    let task = latest(target, source).await?;
    Err(Failure(format!(
        "the move task is {:?} after 5 s, expected COMPLETED",
        task.status()
    )))
}

/// The bodies of all that can be received now, in alphabetical order.
async fn drain(target: &Target, url: &str) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for _ in 0..4 {
        all.extend(target.receive(url).await?);
    }
    Ok(sorted_bodies(&all).into_iter().map(str::to_owned).collect())
}

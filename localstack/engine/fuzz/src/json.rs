//! The JSON protocol: each line is a byte that picks an SQS operation, and the call.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

const OPERATIONS: [&str; 24] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
    "NoSuchOperation",
];

fuzz_target!(|input: &[u8]| {
    fanline_engine_fuzz::run(input, |line| {
        let (first, call) = line.split_first().unwrap_or((&0, &[]));
        // Letters, so that seeds can be read: A is the first operation.
        let index = usize::from(first.wrapping_sub(b'A')) % OPERATIONS.len();
        let target = format!("AmazonSQS.{}", OPERATIONS[index]);
        (Some(target), Bytes::copy_from_slice(call))
    });
});

//! The table: all cases, by topic, in the order of the report.

mod sqs_messages;
mod sqs_queues;
mod sqs_timing;

use crate::case::Topic;

/// All topics.
pub(crate) fn all() -> Vec<Topic> {
    let topic = |title, cases| Topic { title, cases };
    vec![
        topic("SQS: queues", sqs_queues::CASES),
        topic("SQS: messages", sqs_messages::CASES),
        topic("SQS: visibility, delays, waiting", sqs_timing::CASES),
    ]
}

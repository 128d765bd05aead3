//! The table: all cases, by topic, in the order of the report.

mod dynamodb;
mod sns_body_filters;
mod sns_delivery;
mod sns_fifo;
mod sns_filtering;
mod sns_filters;
mod sns_topics;
mod sqs_batches;
mod sqs_bounds;
mod sqs_fifo;
mod sqs_fifo_deduplication;
mod sqs_messages;
mod sqs_move_tasks;
mod sqs_queues;
mod sqs_redrive;
mod sqs_timing;

use crate::case::Topic;

/// All topics.
pub(crate) fn all() -> Vec<Topic> {
    let topic = |title, cases| Topic { title, cases };
    vec![
        topic("SQS: queues", sqs_queues::CASES),
        topic("SQS: messages", sqs_messages::CASES),
        topic("SQS: visibility, delays, waiting", sqs_timing::CASES),
        topic("SQS: batches", sqs_batches::CASES),
        topic("SQS: bounds and errors", sqs_bounds::CASES),
        topic("SQS FIFO: order and groups", sqs_fifo::CASES),
        topic("SQS FIFO: deduplication", sqs_fifo_deduplication::CASES),
        topic("SQS: dead-letter queues", sqs_redrive::CASES),
        topic("SQS: message move tasks", sqs_move_tasks::CASES),
        topic("SNS: topics and subscriptions", sns_topics::CASES),
        topic("SNS: publishing and delivery", sns_delivery::CASES),
        topic("SNS: filter policies on attributes", sns_filters::CASES),
        topic("SNS: filter policies on the body", sns_body_filters::CASES),
        topic("SNS FIFO", sns_fifo::CASES),
        topic("DynamoDB", dynamodb::CASES),
    ]
}

//! Simple Queue Service.

mod batches;
mod bounds;
mod delays;
mod deleting;
mod fifo_attempts;
mod fifo_deduplication;
mod fifo_messages;
mod fifo_order;
mod messages;
mod move_tasks;
mod queues;
mod redrive;
mod redrive_permissions;
mod visibility;
mod waiting;

use crate::case::Topic;

pub(super) fn topics() -> Vec<Topic> {
    vec![
        Topic::new("SQS: queues", queues::CASES),
        Topic::new("SQS: messages", messages::CASES),
        Topic::new("SQS: deleting", deleting::CASES),
        Topic::new("SQS: visibility", visibility::CASES),
        Topic::new("SQS: delays", delays::CASES),
        Topic::new("SQS: waiting receives", waiting::CASES),
        Topic::new("SQS: batches", batches::CASES),
        Topic::new("SQS: bounds and errors", bounds::CASES),
        Topic::new("SQS FIFO: order and groups", fifo_order::CASES),
        Topic::new("SQS FIFO: messages", fifo_messages::CASES),
        Topic::new("SQS FIFO: deduplication", fifo_deduplication::CASES),
        Topic::new("SQS FIFO: repeated receives", fifo_attempts::CASES),
        Topic::new("SQS: dead letters", redrive::CASES),
        Topic::new("SQS: dead-letter queues", redrive_permissions::CASES),
        Topic::new("SQS: message move tasks", move_tasks::CASES),
    ]
}

//! Simple Notification Service.

mod delivery;
mod fifo;
mod filter_bodies;
mod filter_numbers;
mod filter_policies;
mod filter_texts;
mod filtering;
mod publishing;
mod signatures;
mod subscriptions;
mod topics;

use crate::case::Topic;

pub(super) fn topics() -> Vec<Topic> {
    vec![
        Topic::new("SNS: topics", topics::CASES),
        Topic::new("SNS: subscriptions", subscriptions::CASES),
        Topic::new("SNS: publishing", publishing::CASES),
        Topic::new("SNS: delivery", delivery::CASES),
        Topic::new("SNS: signatures", signatures::CASES),
        Topic::new("SNS filters: texts and keys", filter_texts::CASES),
        Topic::new("SNS filters: numbers and arrays", filter_numbers::CASES),
        Topic::new("SNS filters: message bodies", filter_bodies::CASES),
        Topic::new("SNS filters: policies", filter_policies::CASES),
        Topic::new("SNS FIFO", fifo::CASES),
    ]
}

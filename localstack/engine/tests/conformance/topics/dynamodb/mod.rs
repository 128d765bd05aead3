//! DynamoDB, as far as workers need it: the engine embeds dynoxide for it.

mod items;
mod statements;
mod streams;
mod transactions;

use crate::case::Topic;

pub(super) fn topics() -> Vec<Topic> {
    vec![
        Topic::new("DynamoDB: items", items::CASES),
        Topic::new("DynamoDB: statements", statements::CASES),
        Topic::new("DynamoDB: transactions", transactions::CASES),
        Topic::new("DynamoDB: expiry and streams", streams::CASES),
    ]
}

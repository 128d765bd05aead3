//! The table: all cases, by topic, in the order of the report.

mod dynamodb;
mod sns;
mod sqs;

use crate::case::Topic;

/// All topics.
pub(crate) fn all() -> Vec<Topic> {
    [sqs::topics(), sns::topics(), dynamodb::topics()].concat()
}

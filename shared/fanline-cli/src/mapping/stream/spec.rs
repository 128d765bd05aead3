//! What a mapping on a table's stream is, as its template resource states it.

use std::time::Duration;

/// One `AWS::Lambda::EventSourceMapping` on a stream, or a `DynamoDB` event of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSpec {
    /// The table, by which the stream is found: its ARN holds the time of its creation.
    pub table: String,
    /// Whether changes from before the start are read too: `TRIM_HORIZON`, not `LATEST`.
    pub from_the_beginning: bool,
    /// The most changes of one invocation, 1 to 10,000.
    pub batch_size: usize,
    /// How long to gather a batch after its first change.
    pub maximum_batching_window: Duration,
    /// Batches of one shard at once; the changes of one item stay in order.
    pub parallelization_factor: usize,
    /// Whether `FunctionResponseTypes` names `ReportBatchItemFailures`.
    pub report_batch_item_failures: bool,
    /// When a batch that fails is tried again, and when no more.
    pub retries: Retries,
    /// The patterns of `FilterCriteria`, as JSON.
    pub filter_patterns: Vec<serde_json::Value>,
    /// Where a notice of what was given up goes.
    pub on_failure: Option<OnFailure>,
}

/// What becomes of a batch that fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retries {
    /// `MaximumRetryAttempts`; without end if none.
    pub maximum_attempts: Option<u32>,
    /// `MaximumRecordAgeInSeconds`; as long as the stream keeps changes if none.
    pub maximum_age: Option<Duration>,
    /// `BisectBatchOnFunctionError`: it is split in two before it is tried again.
    pub bisect: bool,
}

/// `DestinationConfig.OnFailure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnFailure {
    /// A queue, by its URL.
    Queue(String),
    /// A topic, by its ARN.
    Topic(String),
}

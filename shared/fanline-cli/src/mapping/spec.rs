//! What an event source mapping is, as its template resource states it, and Lambda's own rules for
//! it. What Lambda would refuse at deployment is refused here too, before anything is polled.

use super::filter::InvalidPattern;
use std::time::Duration;

/// One `AWS::Lambda::EventSourceMapping` on a queue, or an `SQS` event of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingSpec {
    /// Where the queue is polled.
    pub queue_url: String,
    /// The queue's ARN, copied into every record.
    pub queue_arn: String,
    /// Whether the queue is a FIFO queue.
    pub fifo: bool,
    /// The most messages of one invocation, 1 to 10,000, on FIFO queues 1 to 10.
    pub batch_size: usize,
    /// How long to gather a batch after its first message. Zero on FIFO queues, at least one second
    /// for batches over 10.
    pub maximum_batching_window: Duration,
    /// How many batches may run at once.
    pub maximum_concurrency: usize,
    /// Whether `FunctionResponseTypes` names `ReportBatchItemFailures`.
    pub report_batch_item_failures: bool,
    /// The patterns of `FilterCriteria`, as JSON. A message that matches none is deleted unseen;
    /// without patterns every message is delivered.
    pub filter_patterns: Vec<serde_json::Value>,
}

/// Why Lambda would refuse a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMapping {
    /// A batch size out of bounds.
    #[error("BatchSize is {found}; a {kind} queue takes 1 to {largest}")]
    BatchSize {
        /// What the template says.
        found: usize,
        /// FIFO or standard.
        kind: &'static str,
        /// Lambda's bound for that kind.
        largest: usize,
    },
    /// A window where none is possible, or longer than five minutes.
    #[error("MaximumBatchingWindowInSeconds is {found}; {expected}")]
    Window {
        /// What the template says.
        found: u64,
        /// What it may be here.
        expected: &'static str,
    },
    /// A concurrency that would never invoke anything.
    #[error("MaximumConcurrency is 0; give at least 1, on AWS at least 2, or leave it out")]
    Concurrency,
    /// A filter pattern that cannot be understood.
    #[error("filter pattern {number}: {problem}")]
    Filter {
        /// Which pattern, counted from 1.
        number: usize,
        /// What is wrong with it.
        problem: InvalidPattern,
    },
}

impl MappingSpec {
    /// Checks the numbers; patterns are checked when they are compiled.
    pub(super) fn validate(&self) -> Result<(), InvalidMapping> {
        let (kind, largest) = if self.fifo {
            ("FIFO", 10)
        } else {
            ("standard", 10_000)
        };
        if !(1..=largest).contains(&self.batch_size) {
            return Err(InvalidMapping::BatchSize {
                found: self.batch_size,
                kind,
                largest,
            });
        }
        let window = self.maximum_batching_window;
        let refuse = |expected| {
            Err(InvalidMapping::Window {
                found: window.as_secs(),
                expected,
            })
        };
        if self.fifo && !window.is_zero() {
            return refuse("a FIFO queue has no batching window, so leave it out");
        }
        if window > Duration::from_secs(300) {
            return refuse("at most 300 is possible");
        }
        if self.batch_size > 10 && window < Duration::from_secs(1) {
            return refuse("a BatchSize over 10 needs at least 1");
        }
        if self.maximum_concurrency == 0 {
            return Err(InvalidMapping::Concurrency);
        }
        Ok(())
    }

    /// The region in the queue's ARN, empty when the ARN has none.
    pub(super) fn region(&self) -> &str {
        self.queue_arn.split(':').nth(3).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(fifo: bool, batch_size: usize, window: u64, concurrency: usize) -> Option<String> {
        let spec = MappingSpec {
            queue_url: String::new(),
            queue_arn: "arn:aws:sqs:eu-west-1:000000000000:queue".into(),
            fifo,
            batch_size,
            maximum_batching_window: Duration::from_secs(window),
            maximum_concurrency: concurrency,
            report_batch_item_failures: true,
            filter_patterns: Vec::new(),
        };
        assert_eq!(spec.region(), "eu-west-1");
        spec.validate().err().map(|error| error.to_string())
    }

    #[test]
    fn what_lambda_accepts() {
        assert_eq!(problem(false, 10, 0, 2), None);
        assert_eq!(problem(false, 10_000, 300, 1_000), None);
        assert_eq!(problem(true, 10, 0, 2), None);
    }

    #[test]
    fn what_lambda_refuses() {
        let refused = [
            (
                problem(false, 0, 0, 2),
                "BatchSize is 0; a standard queue takes 1 to 10000",
            ),
            (
                problem(false, 10_001, 1, 2),
                "BatchSize is 10001; a standard queue takes 1 to 10000",
            ),
            (
                problem(true, 11, 0, 2),
                "BatchSize is 11; a FIFO queue takes 1 to 10",
            ),
            (
                problem(true, 10, 5, 2),
                "MaximumBatchingWindowInSeconds is 5; a FIFO queue has no batching window, so leave it out",
            ),
            (
                problem(false, 10, 301, 2),
                "MaximumBatchingWindowInSeconds is 301; at most 300 is possible",
            ),
            (
                problem(false, 11, 0, 2),
                "MaximumBatchingWindowInSeconds is 0; a BatchSize over 10 needs at least 1",
            ),
            (
                problem(false, 10, 0, 0),
                "MaximumConcurrency is 0; give at least 1, on AWS at least 2, or leave it out",
            ),
        ];
        for (found, expected) in refused {
            assert_eq!(found.as_deref(), Some(expected));
        }
    }
}

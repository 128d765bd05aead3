//! Outcome counts, read from the workers' embedded metrics as CloudWatch would.
//!
//! A line counts unless its invocation failed: the records of one that crashed come back and
//! are counted then.

use std::collections::{HashMap, HashSet};

use fanline::{METRICS_NAMESPACE, Outcome};
use serde_json::Value;

/// Counts by outcome, in the order of [`Outcome::METRICS`].
pub type Counts = [u64; Outcome::METRICS.len()];

/// What the workers said of all their invocations.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    by_request: HashMap<String, Batch>,
    failed: HashSet<String>,
}

#[derive(Clone, Debug)]
struct Batch {
    source: String,
    consumer: String,
    keyed: u64,
    counts: Counts,
}

impl Metrics {
    /// Takes a line a function printed. Returns whether it was one of metrics.
    pub fn line(&mut self, line: &str) -> bool {
        let Some((request_id, batch)) = parse(line) else {
            return false;
        };
        self.by_request.insert(request_id, batch);
        true
    }

    /// The invocation failed: what it said of itself does not count.
    pub fn invocation_failed(&mut self, request_id: &str) {
        // Its line may still be on the way.
        self.failed.insert(request_id.to_owned());
    }

    /// Counts of the messages of one queue.
    pub fn of(&self, queue: &str) -> Counts {
        let mut counts = Counts::default();
        for batch in self.batches(queue) {
            for (count, more) in counts.iter_mut().zip(batch.counts) {
                *count += more;
            }
        }
        counts
    }

    /// The name under which the queue's worker deduplicates by event id; none if it says nothing
    /// of itself or uses business keys.
    pub fn consumer_by_event_id(&self, queue: &str) -> Option<&str> {
        if self.batches(queue).any(|batch| batch.keyed > 0) {
            return None;
        }
        self.batches(queue)
            .next()
            .map(|batch| batch.consumer.as_str())
    }

    fn batches(&self, queue: &str) -> impl Iterator<Item = &Batch> {
        let standing = self
            .by_request
            .iter()
            .filter(|(id, _)| !self.failed.contains(*id));
        let batches = standing.map(|(_, batch)| batch);
        batches.filter(move |batch| batch.source == queue)
    }
}

/// The count of one outcome.
pub fn count(counts: &Counts, metric: &str) -> u64 {
    let position = Outcome::METRICS.iter().position(|name| *name == metric);
    position.map_or(0, |position| counts[position])
}

fn parse(line: &str) -> Option<(String, Batch)> {
    // Most lines are logs; this spares parsing them.
    if !line.contains("\"_aws\"") {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    let namespace = value.pointer("/_aws/CloudWatchMetrics/0/Namespace")?;
    if namespace != METRICS_NAMESPACE {
        return None;
    }
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let batch = Batch {
        source: text("source")?,
        consumer: text("consumer")?,
        keyed: value["keyed"].as_u64().unwrap_or(0),
        counts: Outcome::METRICS.map(|name| value[name].as_u64().unwrap_or(0)),
    };
    Some((text("requestId")?, batch))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(request: &str, source: &str, succeeded: u64, keyed: u64) -> String {
        json!({
            "_aws": {"CloudWatchMetrics": [{"Namespace": "Fanline"}]},
            "requestId": request, "source": source, "consumer": format!("{source}-service"),
            "keyed": keyed, "succeeded": succeeded, "duplicate": 1
        })
        .to_string()
    }

    #[test]
    fn counts_are_summed_except_those_of_failed_invocations() {
        let mut metrics = Metrics::default();
        assert!(metrics.line(&line("r-1", "email", 5, 0)));
        assert!(metrics.line(&line("r-2", "email", 7, 0)));
        assert!(metrics.line(&line("r-3", "other", 9, 1)));
        let strangers = [
            "log line",
            r#"{"_aws": 1}"#,
            r#"{"_aws":{"CloudWatchMetrics":[{"Namespace":"Mine"}]}}"#,
        ];
        for stranger in strangers {
            assert!(!metrics.line(stranger), "{stranger}");
        }
        metrics.invocation_failed("r-2");
        let counts = metrics.of("email");
        assert_eq!(
            (count(&counts, "succeeded"), count(&counts, "duplicate")),
            (5, 1)
        );
        assert_eq!(metrics.of("nobody"), Counts::default());
        assert_eq!(metrics.consumer_by_event_id("email"), Some("email-service"));
        assert_eq!(metrics.consumer_by_event_id("other"), None);
        assert_eq!(metrics.consumer_by_event_id("nobody"), None);
    }
}

//! What became of a batch: the answer to SQS, and one line of CloudWatch metrics.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{Batch, Message, Outcome};

/// CloudWatch's namespace for all of Fanline's metrics.
pub const METRICS_NAMESPACE: &str = "Fanline";

/// Values that EMF takes per metric and line (CloudWatch embedded metric format
/// specification).
const MOST_VALUES: usize = 100;

/// One outcome for each record of a batch.
#[must_use]
#[derive(Clone, Debug)]
pub struct Report {
    consumer: String,
    request_id: String,
    source: String,
    messages: Vec<Message>,
    outcomes: Vec<Outcome>,
    keyed: usize,
    started: Timestamp,
}

impl Report {
    pub(crate) fn new(
        consumer: &str,
        batch: Batch,
        outcomes: Vec<Outcome>,
        keyed: usize,
        started: Timestamp,
    ) -> Self {
        Self {
            consumer: consumer.to_owned(),
            request_id: batch.request_id,
            source: batch.source,
            messages: batch.messages,
            outcomes,
            keyed,
            started,
        }
    }

    /// Message id and outcome of every record, in the batch's order.
    pub fn outcomes(&self) -> impl ExactSizeIterator<Item = (&str, &Outcome)> {
        let ids = self.messages.iter().map(|message| message.id.as_str());
        ids.zip(&self.outcomes)
    }

    /// Message ids that SQS must deliver again: Lambda's `batchItemFailures`.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        let not_handled = self.outcomes().filter(|(_, outcome)| !outcome.is_handled());
        not_handled.map(|(id, _)| id)
    }

    /// How many records ended so; one count for each of [`Outcome::METRICS`].
    pub fn counts(&self) -> [u64; Outcome::METRICS.len()] {
        let mut counts = [0; Outcome::METRICS.len()];
        for outcome in &self.outcomes {
            counts[outcome.position()] += 1;
        }
        counts
    }

    /// The batch as one line of CloudWatch embedded metric format, for stdout.
    ///
    /// Every outcome stands in it as a field; only those that occurred are declared as
    /// metrics, since CloudWatch bills each metric that gets a value in an hour. Beside them
    /// `records`, `keyed` (records deduplicated by a business key) and, per record, `attempts` and `age` (milliseconds from sent to received).
    pub fn metrics_line(&self) -> String {
        let mut fields = Map::new();
        let mut metrics = vec![json!({"Name": "records", "Unit": "Count"})];
        for (name, count) in Outcome::METRICS.into_iter().zip(self.counts()) {
            if count > 0 {
                metrics.push(json!({"Name": name, "Unit": "Count"}));
            }
            fields.insert(name.to_owned(), count.into());
        }
        let samples = || self.messages.iter().take(MOST_VALUES);
        let attempts: Vec<u32> = samples().map(|message| message.receive_count).collect();
        let age = |message: &Message| {
            let sent_at = message.sent_at?;
            Some((self.started.as_millisecond() - sent_at.as_millisecond()).max(0))
        };
        let ages: Vec<i64> = samples().filter_map(age).collect();
        for (name, unit, values) in [
            ("attempts", "Count", json!(attempts)),
            ("age", "Milliseconds", json!(ages)),
        ] {
            if values.as_array().is_some_and(|values| !values.is_empty()) {
                metrics.push(json!({"Name": name, "Unit": unit}));
                fields.insert(name.to_owned(), values);
            }
        }
        let directive = json!([{
            "Namespace": METRICS_NAMESPACE,
            "Dimensions": [["consumer"]],
            "Metrics": metrics,
        }]);
        let mut line = json!({
            "_aws": {"Timestamp": self.started.as_millisecond(), "CloudWatchMetrics": directive},
            "consumer": self.consumer,
            "requestId": self.request_id,
            "source": self.source,
            "records": self.outcomes.len(),
            "keyed": self.keyed,
        });
        if let Value::Object(line) = &mut line {
            line.append(&mut fields);
        }
        line.to_string()
    }
}

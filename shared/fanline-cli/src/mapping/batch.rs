//! Gathering records into a batch: by number and by size, in order. Pure.
//!
//! The one thing to get wrong: a record that no longer fits. It was received, so it must start the
//! next batch, or it would be invisible for nothing.

use super::record::Record;
use bytes::Bytes;
use std::collections::VecDeque;

/// Lambda's limit for the event of one invocation.
pub(super) const PAYLOAD_LIMIT: usize = 6_291_556;

const HEAD: &str = r#"{"Records":["#;
const TAIL: &str = "]}";

/// The records of one invocation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    records: Vec<Record>,
    capacity: usize,
    bytes: usize,
}

impl Batch {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            records: Vec::new(),
            capacity,
            bytes: HEAD.len() + TAIL.len(),
        }
    }

    /// Takes records from the front until one does not fit. A record that is too large even alone
    /// becomes a batch of its own, so that it cannot block the queue.
    pub(super) fn fill_from(&mut self, waiting: &mut VecDeque<Record>) {
        while let Some(record) = waiting.front() {
            let bytes = record.json.len() + 1;
            let fits = self.bytes + bytes <= PAYLOAD_LIMIT || self.records.is_empty();
            if self.room() == 0 || !fits {
                return;
            }
            self.bytes += bytes;
            self.records.extend(waiting.pop_front());
        }
    }

    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.records.len())
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn message_ids(&self) -> Vec<String> {
        self.records
            .iter()
            .map(|record| record.message_id.clone())
            .collect()
    }

    /// The event the function receives.
    pub(super) fn payload(&self) -> Bytes {
        let mut payload = String::with_capacity(self.bytes);
        payload.push_str(HEAD);
        for (index, record) in self.records.iter().enumerate() {
            payload.push_str(if index == 0 { "" } else { "," });
            payload.push_str(&record.json);
        }
        payload.push_str(TAIL);
        payload.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(number: usize, bytes: usize) -> Record {
        let json = format!("\"{}\"", "x".repeat(bytes.saturating_sub(2)));
        Record {
            message_id: number.to_string(),
            receipt_handle: String::new(),
            json,
        }
    }

    #[test]
    fn the_payload_is_an_sqs_event() {
        let mut batch = Batch::new(10);
        batch.fill_from(&mut [record(0, 3), record(1, 4)].into());
        assert_eq!(batch.payload(), r#"{"Records":["x","xx"]}"#);
        assert_eq!(batch.message_ids(), ["0", "1"]);
    }

    #[test]
    fn a_record_too_large_for_any_batch_travels_alone() {
        let mut waiting = VecDeque::from([record(0, PAYLOAD_LIMIT), record(1, 3)]);
        let mut batch = Batch::new(10);
        batch.fill_from(&mut waiting);
        assert_eq!(batch.message_ids(), ["0"]);
        assert!(batch.payload().len() > PAYLOAD_LIMIT);
        assert_eq!(waiting.len(), 1);
    }

    proptest! {
        // Each case moves megabytes.
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn batches_keep_order_number_and_size(
            sizes in prop::collection::vec(prop_oneof![Just(2_000_000_usize), Just(700_000), 2..100_usize], 0..30),
            capacity in 1..12_usize,
        ) {
            let mut waiting: VecDeque<Record> =
                sizes.iter().enumerate().map(|(number, bytes)| record(number, *bytes)).collect();
            let mut delivered = Vec::new();
            while !waiting.is_empty() {
                let mut batch = Batch::new(capacity);
                batch.fill_from(&mut waiting);
                prop_assert!((1..=capacity).contains(&batch.records().len()));
                prop_assert!(batch.payload().len() <= PAYLOAD_LIMIT);
                delivered.extend(batch.message_ids());
            }
            let expected: Vec<String> = (0..sizes.len()).map(|number| number.to_string()).collect();
            prop_assert_eq!(delivered, expected);
        }
    }
}

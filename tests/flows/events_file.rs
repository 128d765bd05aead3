//! What must become of the sample file, worked out from the file itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;

/// Expectations for `localstack/events/signups.jsonl` or a file like it.
pub(crate) struct Expected {
    /// Messages published.
    pub(crate) published: u64,
    /// Event ids of sign-ups that can be mailed to.
    pub(crate) mailed: BTreeSet<String>,
    /// Distinct sign-ups per minute.
    pub(crate) counts: BTreeMap<String, u64>,
    /// Messages for the email queue that end in its DLQ, and for the analytics queue.
    pub(crate) dead_letters: (u64, u64),
}

impl Expected {
    pub(crate) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        let mut expected = Self {
            published: 0,
            mailed: BTreeSet::new(),
            counts: BTreeMap::new(),
            dead_letters: (0, 0),
        };
        let mut counted = BTreeSet::new();
        for line in text.lines().filter(|line| line.starts_with('{')) {
            let line: Value = serde_json::from_str(line).unwrap();
            let times = line["times"].as_u64().unwrap_or(1);
            expected.published += times;
            let event = &line["event"];
            let metadata = &event["metadata"];
            let is_signup = event["type"] == "user.signed_up" && metadata["version"] == 1;
            if !is_signup {
                expected.dead_letters.0 += times;
                // The analytics queue takes this type alone.
                let is_for_both = event["type"] != "user.teleported";
                expected.dead_letters.1 += if is_for_both { times } else { 0 };
                continue;
            }
            let id = metadata["eventId"].as_str().unwrap().to_owned();
            let minute = format!("{}Z", &metadata["timestamp"].as_str().unwrap()[..16]);
            if counted.insert(id.clone()) {
                *expected.counts.entry(minute).or_default() += 1;
            }
            let address = event["data"]["email"].as_str().unwrap();
            if address.ends_with("@example.com") {
                expected.mailed.insert(id);
            } else {
                expected.dead_letters.0 += times;
            }
        }
        expected
    }
}

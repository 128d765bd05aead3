//! What runs came to, added up.

use std::{collections::BTreeMap, time::Duration};

use fanline_testing::sim::{Fault, Run};
use serde_json::{Value, json};

use crate::table::{Align, table};

/// Of one scenario.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) seeds: u64,
    pub(super) messages: u64,
    receives: u64,
    runs: u64,
    dead_letters: u64,
    simulated: Duration,
    faults: BTreeMap<Fault, u64>,
    pub(super) failed: Vec<u64>,
}

impl Tally {
    pub(super) fn add(&mut self, seed: u64, run: &Run) {
        self.seeds += 1;
        self.messages += run.counts.messages;
        self.receives += run.counts.receives;
        self.runs += run.counts.runs;
        self.dead_letters += run.counts.dead_letters;
        self.simulated += run.simulated;
        for fault in &run.faults {
            *self.faults.entry(fault.fault()).or_default() += 1;
        }
        if !run.violations.is_empty() {
            self.failed.push(seed);
        }
    }

    pub(super) fn hours(&self) -> f64 {
        self.simulated.as_secs_f64() / 3600.0
    }

    pub(super) fn to_json(&self, scenario: &str) -> Value {
        let faults = self
            .faults
            .iter()
            .map(|(fault, count)| (fault.name(), count));
        json!({
            "scenario": scenario,
            "seeds": self.seeds,
            "messages": self.messages,
            "receives": self.receives,
            "handlerRuns": self.runs,
            "deadLetters": self.dead_letters,
            "faults": faults.collect::<BTreeMap<_, _>>(),
            "simulatedHours": self.hours(),
            "failedSeeds": self.failed,
        })
    }
}

/// A line for each scenario, and one for each kind of fault.
pub(super) fn show(tallies: &[(&str, Tally)]) -> String {
    let left = |title| (title, Align::Left);
    let right = |title| (title, Align::Right);
    let rows: Vec<_> = tallies
        .iter()
        .map(|(name, tally)| {
            let numbers = [
                tally.seeds,
                tally.messages,
                tally.receives,
                tally.runs,
                tally.dead_letters,
            ]
            .map(grouped);
            let [seeds, messages, receives, runs, dead_letters] = numbers;
            let kept = match tally.failed.len() {
                0 => "all kept".to_owned(),
                failed => format!("broken by {failed}"),
            };
            let hours = grouped(tally.hours() as u64);
            [
                (*name).to_owned(),
                seeds,
                messages,
                receives,
                runs,
                dead_letters,
                hours,
                kept,
            ]
        })
        .collect();
    let head = [
        left("scenario"),
        right("seeds"),
        right("messages"),
        right("receives"),
        right("handler runs"),
        right("dead letters"),
        right("hours"),
        left("promises"),
    ];
    let mut faults: BTreeMap<Fault, u64> = BTreeMap::new();
    for (fault, count) in tallies.iter().flat_map(|(_, tally)| &tally.faults) {
        *faults.entry(*fault).or_default() += count;
    }
    let faults: Vec<_> = faults
        .iter()
        .map(|(fault, count)| [fault.name().to_owned(), grouped(*count)])
        .collect();
    let faults = table([left("fault"), right("times")], &faults);
    format!("{}\n\n{faults}", table(head, &rows))
}

/// 1234567 as 1,234,567.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}

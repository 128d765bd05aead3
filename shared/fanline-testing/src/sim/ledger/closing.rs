//! The end of a run: what is left, and what is missing.

use std::collections::BTreeSet;

use fanline::{Message, Timestamp, dead_letter::FailureNote};

use super::{Ledger, event_of};
use crate::sim::{
    property::Property,
    trace::{Ending, Trace, Traces},
};

impl Ledger {
    /// A dead letter that stands in the queue in the end. Without a reason SQS has moved it by itself.
    pub(in crate::sim) fn find_letter(
        &mut self,
        consumer: usize,
        message: &Message,
        event: Option<&str>,
        note: Option<&FailureNote>,
    ) {
        self.counts.dead_letters += 1;
        let received = self.messages.get(&(consumer, message.id.clone()));
        if let Some(event) = event {
            let ending = Ending::DeadLetter {
                reason: note.map(|note| note.reason),
                attempts: note
                    .map(|note| note.attempts)
                    .or(received.map(|received| received.count))
                    .unwrap_or_default(),
            };
            self.endings.insert((consumer, event.to_owned()), ending);
            self.letters.insert((consumer, event.to_owned()));
        }
        if note.is_some() {
            return;
        }
        self.counts.without_reason += 1;
        if received.is_some_and(|received| received.was_orderly) {
            let text = format!(
                "{} is a dead letter without a reason, although its last receive ended in order",
                message.id
            );
            self.violate(Property::DeadLettersSayWhy, event, text);
        }
    }

    /// The run is over.
    pub(in crate::sim) fn close(&mut self, now: Timestamp) {
        let mut lost = Vec::new();
        for (id, event) in self.events.iter().filter(|(_, event)| event.is_accepted) {
            for &consumer in &event.wanted_by {
                let handling = (consumer, id.clone());
                if !self.is_done(consumer, id) && !self.letters.contains(&handling) {
                    lost.push((id.clone(), self.consumers[consumer].name.clone()));
                }
            }
        }
        for (id, name) in lost {
            self.violate(
                Property::NothingLost,
                Some(&id),
                format!(
                    "{id} was accepted, and {name} has neither done it nor a dead letter of it"
                ),
            );
        }
        let held: Vec<String> = self
            .leases
            .iter()
            .filter(|(_, lease)| lease.until > now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in held {
            self.violate(
                Property::ComesToRest,
                event_of(&id),
                format!("{id} is still leased, and nobody is at it"),
            );
        }
    }

    /// Events that a consumer has done.
    pub(in crate::sim) fn handled(&self, consumer: usize) -> BTreeSet<String> {
        let events = self.events.keys();
        events
            .filter(|event| self.is_done(consumer, event))
            .cloned()
            .collect()
    }

    /// Events that the topic accepted.
    pub(in crate::sim) fn accepted(&self) -> BTreeSet<String> {
        let accepted = self.events.iter().filter(|(_, event)| event.is_accepted);
        accepted.map(|(id, _)| id.clone()).collect()
    }

    /// Events that a consumer has given up.
    pub(in crate::sim) fn given_up(&self, consumer: usize) -> BTreeSet<String> {
        let letters = self.letters.iter().filter(|(of, _)| *of == consumer);
        letters.map(|(_, event)| event.clone()).collect()
    }

    /// What became of each event at each consumer that received it.
    pub(in crate::sim) fn traces(&self) -> Traces {
        let mut traces = Traces::new();
        for ((consumer, _), received) in &self.messages {
            let Some(event) = &received.event else {
                continue;
            };
            let of_consumer = traces.entry(self.consumers[*consumer].name.clone());
            let trace = of_consumer.or_default().entry(event.clone());
            let trace = trace.or_insert_with(|| Trace {
                receives: 0,
                ending: self.ending(*consumer, event),
            });
            trace.receives += received.count;
        }
        traces
    }

    fn ending(&self, consumer: usize, event: &str) -> Ending {
        let letter = self.endings.get(&(consumer, event.to_owned())).copied();
        letter.unwrap_or(if self.is_done(consumer, event) {
            Ending::Done
        } else {
            Ending::Open
        })
    }
}

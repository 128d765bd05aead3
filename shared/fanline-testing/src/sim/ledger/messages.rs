//! Messages from their receive to their end. The worker's report is believed only where the queue would believe it.

use fanline::{Message, Outcome};

use super::Ledger;
use crate::sim::{network::Trouble, property::Property};

impl Ledger {
    pub(in crate::sim) fn receive(
        &mut self,
        consumer: usize,
        message: &Message,
        event: Option<&str>,
    ) {
        self.counts.receives += 1;
        let received = self
            .messages
            .entry((consumer, message.id.clone()))
            .or_default();
        received.event = event.map(str::to_owned);
        received.count = message.receive_count;
        received.was_orderly = false;
    }

    /// The queue has a worker's dead letter.
    pub(in crate::sim) fn bury(&mut self, consumer: usize, message: &str, event: Option<&str>) {
        if let Some(received) = self.messages.get_mut(&(consumer, message.to_owned())) {
            received.has_letter = true;
        }
        if let Some(event) = event {
            self.letters.insert((consumer, event.to_owned()));
        }
    }

    /// A worker said what became of a message.
    pub(in crate::sim) fn report(
        &mut self,
        consumer: usize,
        process: &str,
        message: &Message,
        outcome: &Outcome,
        trouble: &Trouble,
    ) {
        let name = self.consumers[consumer].name.clone();
        let key = (consumer, message.id.clone());
        let Some(received) = self.messages.get_mut(&key) else {
            return;
        };
        let event = received.event.clone();
        let gives_up = matches!(
            outcome,
            Outcome::Retried { .. }
                | Outcome::Unavailable { .. }
                | Outcome::StoreUnavailable { .. }
        );
        // An earlier receive may still be at work when the next one has ended.
        received.was_orderly = message.receive_count == received.count
            && !trouble.with_queue()
            && (gives_up || matches!(outcome, Outcome::Rejected { .. } | Outcome::Conflict));
        let facts = event.as_deref().and_then(|event| self.events.get(event));
        let handlers = &self.consumers[consumer].handlers;
        let attempts = facts
            .and_then(|facts| handlers.get(&facts.event_type))
            .map(|(_, attempts)| *attempts);
        let is_last = attempts.is_some_and(|attempts| message.receive_count >= attempts);
        let is_hopeless = matches!(outcome, Outcome::Rejected { .. } | Outcome::Conflict);
        if (gives_up && is_last || is_hopeless) && !trouble.with_queue() {
            let text = format!(
                "{process} of {name} reported {outcome} at attempt {} instead of a dead letter",
                message.receive_count
            );
            self.violate(Property::WithinPlan, event.as_deref(), text);
        }
    }

    /// A message is deleted that its worker called handled.
    pub(in crate::sim) fn delete(&mut self, consumer: usize, message: &Message, outcome: &Outcome) {
        let Some(received) = self.messages.get(&(consumer, message.id.clone())) else {
            return;
        };
        let event = received.event.clone();
        let is_done = event
            .as_deref()
            .is_some_and(|event| self.is_done(consumer, event));
        let is_keyed = self.consumers[consumer].has_business_keys;
        let is_covered = is_done
            || received.has_letter
            || is_keyed
            || matches!(outcome, Outcome::Skipped { .. });
        if !is_covered {
            let name = &self.consumers[consumer].name;
            let text = format!(
                "{name}'s queue deletes {} ({outcome}), which is neither done nor a dead letter",
                message.id
            );
            self.violate(Property::NotAcknowledgedTooEarly, event.as_deref(), text);
        }
        let is_done = matches!(outcome, Outcome::Succeeded | Outcome::Duplicate);
        if is_done && let Some(event) = event {
            self.acknowledged.insert((consumer, event));
        }
    }
}

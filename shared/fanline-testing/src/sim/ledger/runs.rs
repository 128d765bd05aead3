//! Runs of handlers: what must not run now, and what stands in the way of what.

use fanline::{Mode, Timestamp};

use super::Ledger;
use crate::sim::property::Property;

impl Ledger {
    /// A handler begins.
    pub(in crate::sim) fn begin(
        &mut self,
        consumer: usize,
        event: &str,
        event_type: &str,
        process: &str,
        now: Timestamp,
    ) {
        self.counts.runs += 1;
        let handling = (consumer, event.to_owned());
        let name = self.consumers[consumer].name.clone();
        let mode = self.consumers[consumer]
            .handlers
            .get(event_type)
            .map(|(mode, _)| *mode);
        let is_again = !self.begun.insert(handling.clone());
        let is_done = self
            .record_of(consumer, event)
            .and_then(|id| self.done.get(&id));
        let is_done = is_done.is_some_and(|done| done.until > now);
        match mode {
            Some(Mode::AtLeastOnce) => {
                if is_done {
                    self.violate(
                        Property::NotAgainOnceDone,
                        Some(event),
                        format!("{process} began {event}, which {name} has done"),
                    );
                }
                if let Some(other) = self.running.insert(handling.clone(), process.to_owned()) {
                    self.violate(
                        Property::NeverBesideItself,
                        Some(event),
                        format!("{process} began {event} while {other} was at it"),
                    );
                }
            }
            Some(Mode::AtMostOnce) if is_again => {
                self.violate(
                    Property::NotAgainOnceDone,
                    Some(event),
                    format!("{process} began {event} a second time"),
                );
            }
            _ => {}
        }
        if let Some(earlier) = self.overtaken(consumer, event) {
            let text = format!(
                "{process} began {event} before {earlier} of its group was handled or given up"
            );
            self.violate(Property::GroupOrder, Some(event), text);
        }
    }

    /// A handler ended, or was stopped.
    pub(in crate::sim) fn end(
        &mut self,
        consumer: usize,
        event: &str,
        process: &str,
        succeeded: bool,
    ) {
        let handling = (consumer, event.to_owned());
        if self
            .running
            .get(&handling)
            .is_some_and(|running| running == process)
        {
            self.running.remove(&handling);
        }
        if succeeded {
            self.passed.insert(handling);
        }
    }

    /// An earlier event of the same group that stands in the way.
    fn overtaken(&self, consumer: usize, event: &str) -> Option<&str> {
        let group = self.events.get(event)?.group.as_ref()?;
        let accepted = self.groups.get(group)?;
        let earlier = accepted.iter().take_while(|id| *id != event);
        let mut in_the_way = earlier.filter(|id| self.is_in_the_way(consumer, id));
        in_the_way.next().map(String::as_str)
    }

    fn is_in_the_way(&self, consumer: usize, event: &str) -> bool {
        let handling = (consumer, event.to_owned());
        let is_wanted = self
            .events
            .get(event)
            .is_some_and(|facts| facts.wanted_by.contains(&consumer));
        let may_be_moved = || {
            let mut of_event = self.messages.iter().filter(|((of, _), received)| {
                *of == consumer && received.event.as_deref() == Some(event)
            });
            of_event.any(|(_, received)| received.count >= self.consumers[consumer].receives)
        };
        is_wanted
            && !self.passed.contains(&handling)
            && !self.letters.contains(&handling)
            && !self.is_done(consumer, event)
            && !may_be_moved()
    }
}

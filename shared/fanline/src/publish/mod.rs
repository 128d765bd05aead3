//! What every publisher needs to know of an event, and how events are split into batches.
//!
//! Sizes are counted before anything is sent: an event that is too large is an error of its
//! own and takes no other event with it.

mod publisher;

use crate::{Envelope, Event};
pub use publisher::{Publish, PublishError, RefusedEvent};

/// Bytes that a topic takes unless its MaximumMessageSize says otherwise.
pub const DEFAULT_SIZE_LIMIT: usize = 256 * 1024;

/// Attributes of a message that is delivered raw to SQS; SNS drops the delivery of one with more
/// (SNS developer guide, "message attributes").
const MOST_ATTRIBUTES: usize = 10;

/// An event ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The event id.
    pub event_id: String,
    /// Whose order is kept: the event's entity, or else its id.
    pub entity: String,
    /// The envelope as JSON.
    pub body: String,
    /// Message attributes for filter policies, all of type String.
    pub attributes: Vec<(String, String)>,
}

impl Outgoing {
    /// Serialises an event.
    ///
    /// # Errors
    /// If the event's data cannot be serialised.
    pub fn new<T: Event>(event: &Envelope<T>) -> Result<Self, serde_json::Error> {
        Ok(Self {
            event_id: event.id().to_owned(),
            entity: event.data.entity().unwrap_or_else(|| event.id().to_owned()),
            body: event.try_to_json()?,
            attributes: event.attributes(),
        })
    }

    /// Bytes that SNS and SQS count: the body and each attribute's name, type and value.
    pub fn size(&self) -> usize {
        const TYPE: usize = "String".len();
        let attributes = self.attributes.iter();
        let attributes: usize = attributes
            .map(|(name, value)| name.len() + TYPE + value.len())
            .sum();
        self.body.len() + attributes
    }

    /// Why `taker`, which takes `limit` bytes, can never take this event; None if it can.
    pub fn misfit(&self, limit: usize, taker: &str) -> Option<String> {
        let size = self.size();
        if size > limit {
            return Some(format!(
                "{size} bytes with attributes, {taker} takes {limit}; make it smaller or send a reference"
            ));
        }
        let attributes = self.attributes.len();
        (attributes > MOST_ATTRIBUTES).then(|| {
            format!(
                "{attributes} message attributes, SQS takes {MOST_ATTRIBUTES}; use fewer routing keys"
            )
        })
    }
}

/// Splits `items` in order into batches of at most `most_items` items and `most_bytes` bytes.
/// An item that is larger than `most_bytes` gets a batch of its own.
///
/// ```
/// let sizes = [40, 40, 40, 200, 10];
/// let batches = fanline::publish::batches(&sizes, 10, 100, |size| *size);
/// assert_eq!(batches, [&[40, 40][..], &[40], &[200], &[10]]);
/// ```
pub fn batches<T>(
    items: &[T],
    most_items: usize,
    most_bytes: usize,
    size: impl Fn(&T) -> usize,
) -> Vec<&[T]> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0_usize);
    for (index, item) in items.iter().enumerate() {
        let with_item = bytes.saturating_add(size(item));
        let is_full = index - start == most_items || with_item > most_bytes;
        if is_full && index > start {
            batches.push(&items[start..index]);
            start = index;
            bytes = size(item);
        } else {
            bytes = with_item;
        }
    }
    if start < items.len() {
        batches.push(&items[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn batches_keep_every_item_in_order_and_within_limits(
            sizes in proptest::collection::vec(0_usize..300, 0..60),
            most_items in 1_usize..12,
        ) {
            let batches = batches(&sizes, most_items, 256, |size| *size);
            prop_assert_eq!(batches.concat(), sizes.clone());
            for batch in batches {
                prop_assert!(!batch.is_empty() && batch.len() <= most_items);
                prop_assert!(batch.len() == 1 || batch.iter().sum::<usize>() <= 256);
            }
        }
    }
}

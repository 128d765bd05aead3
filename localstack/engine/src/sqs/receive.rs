//! ReceiveMessage: handing messages out, and sorting out those received too often.
//!
//! The dead-letter move happens here and not when a visibility timeout ends: as on AWS,
//! a message nobody asks for again stays where it is.

use super::attempts;
use super::attributes::{LONGEST_VISIBILITY, QueueAttributes};
use super::error::{SqsErrorKind, invalid};
use super::incoming::check_fifo_id;
use super::message::{Key, Message, format_sequence};
use super::queue::Queue;
use super::receipt::{Receipt, ReceiptHandle};
use super::request::ReceiveMessage;
use super::response::{AttributeOut, Received, ReceivedMessage, Wait};
use super::store::{Taken, Taking};
use super::{Sqs, SqsError, SqsResponse};
use crate::EpochMillis;
use crate::attribute::{AttributeData, AttributeValue};
use crate::identity::{Md5Of, MessageId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

const MOST_IN_FLIGHT: usize = 120_000;
/// What AWS reports for the principal that sent; the engine knows no principals.
const SENDER: &str = "AIDAFANLINEENGINE0000";

const SYSTEM_ATTRIBUTES: [&str; 10] = [
    "All",
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

impl Sqs {
    pub(super) fn receive(
        &mut self,
        now: EpochMillis,
        call: &ReceiveMessage,
    ) -> Result<SqsResponse, SqsError> {
        let target = self.redrive_target(&call.queue_url)?;
        let (liberties, mut random) = (self.liberties, self.random.fork());
        let next_move = self.next_move(now);
        let queue = self.queue_at(now, &call.queue_url)?;
        let fifo = queue.attributes.fifo;
        let limits = Limits::read(call, &queue.attributes)?;
        check_names(call)?;
        let room = MOST_IN_FLIGHT.saturating_sub(queue.store.counts().in_flight);
        if room == 0 && !fifo {
            return Err(SqsErrorKind::OverLimit.because(format!(
                "The queue has {MOST_IN_FLIGHT} messages in flight, the most it can have; delete some or let them become visible."
            )));
        }
        let hidden_until = now + limits.visibility;
        let mut taken = match queue.repeat_attempt(now, call, hidden_until) {
            Some(keys) => Taken {
                keys,
                exhausted: Vec::new(),
            },
            None => {
                let receive_limit = target.as_ref().and(queue.attributes.redrive.as_ref());
                let most = limits.most.min(room);
                let taking = Taking {
                    now,
                    most: if fifo {
                        most
                    } else {
                        liberties.share(&mut random, most, limits.wait > 0)
                    },
                    hidden_until,
                    receive_limit: receive_limit.map(|redrive| redrive.max_receive_count),
                };
                queue.take(taking, call, |line| match liberties.any_order {
                    true => random.usize(..line),
                    false => 0,
                })
            }
        };
        let exhausted = std::mem::take(&mut taken.exhausted);
        let messages: Vec<ReceivedMessage> = taken
            .keys
            .iter()
            .filter_map(|key| {
                let message = queue.store.get(*key)?;
                let receipt = Receipt {
                    queue: queue.id,
                    key: *key,
                    receive_count: message.receive_count,
                };
                Some(show(message, receipt, call))
            })
            .collect();
        if !fifo {
            for key in taken.keys {
                if liberties.duplicates(&mut random) {
                    queue.store.hide_until(now, key, now);
                }
            }
        }
        let wait = Wait {
            queue: queue.name.clone(),
            seconds: limits.wait,
            next_visible: if messages.is_empty() {
                let of_itself = queue.store.next_visible();
                of_itself.into_iter().chain(next_move).min()
            } else {
                None
            },
        };
        let source = queue.arn.clone();
        if !messages.is_empty() {
            // Other receivers computed their waiting time before these messages got a
            // visibility timeout.
            self.wake(&wait.queue);
        }
        if let Some(target) = target {
            self.bury(now, &source, &target, exhausted);
        }
        Ok(SqsResponse::Received(Received { messages, wait }))
    }
}

impl Queue {
    /// The messages of the same attempt, if it was made before and can be repeated.
    fn repeat_attempt(
        &mut self,
        now: EpochMillis,
        call: &ReceiveMessage,
        hidden_until: EpochMillis,
    ) -> Option<Vec<Key>> {
        let attempt = call.receive_request_attempt_id.as_ref()?;
        let held = self.attempts.get_mut(attempt)?;
        attempts::repeat(&mut self.store, held, now, hidden_until)
    }

    fn take(
        &mut self,
        taking: Taking,
        call: &ReceiveMessage,
        pick: impl FnMut(usize) -> usize,
    ) -> Taken {
        let taken = self.store.receive(taking, pick);
        if let Some(attempt) = &call.receive_request_attempt_id
            && !taken.keys.is_empty()
        {
            let held = attempts::held(&self.store, &taken.keys, taking.hidden_until);
            self.attempts.remember(taking.now, attempt.clone(), held);
        }
        taken
    }
}

struct Limits {
    most: usize,
    visibility: EpochMillis,
    /// Seconds.
    wait: u32,
}

impl Limits {
    fn read(call: &ReceiveMessage, queue: &QueueAttributes) -> Result<Self, SqsError> {
        let most = call.max_number_of_messages.unwrap_or(1);
        if !(1..=10).contains(&most) {
            return Err(invalid(
                "MaxNumberOfMessages",
                most,
                "Must be between 1 and 10, if provided.",
            ));
        }
        let visibility = call
            .visibility_timeout
            .unwrap_or(i64::from(queue.visibility_timeout));
        if !(0..=i64::from(LONGEST_VISIBILITY)).contains(&visibility) {
            return Err(invalid(
                "VisibilityTimeout",
                visibility,
                "Must be between 0 and 43200, if provided.",
            ));
        }
        let wait = call
            .wait_time_seconds
            .unwrap_or(i64::from(queue.receive_wait_seconds));
        if !(0..=20).contains(&wait) {
            return Err(invalid(
                "WaitTimeSeconds",
                wait,
                "Must be >= 0 and <= 20, if provided.",
            ));
        }
        if let Some(id) = &call.receive_request_attempt_id {
            if !queue.fifo {
                return Err(invalid(
                    "ReceiveRequestAttemptId",
                    id,
                    "The request include parameter that is not valid for this queue type.",
                ));
            }
            check_fifo_id("ReceiveRequestAttemptId", id)?;
        }
        Ok(Self {
            most: most as usize,
            visibility: visibility as u64 * 1000,
            wait: wait as u32,
        })
    }
}

fn check_names(call: &ReceiveMessage) -> Result<(), SqsError> {
    let names = call
        .attribute_names
        .iter()
        .chain(&call.message_system_attribute_names);
    match names
        .into_iter()
        .find(|name| !SYSTEM_ATTRIBUTES.contains(&name.as_str()))
    {
        Some(name) => Err(super::attributes::unknown(name)),
        None => Ok(()),
    }
}

fn show(message: &Message, receipt: Receipt, call: &ReceiveMessage) -> ReceivedMessage {
    let wanted = &call.message_attribute_names;
    let selected = message
        .attributes
        .as_ref()
        .filter(|_| !wanted.is_empty())
        .map(|all| all.select(|name| wanted.iter().any(|pattern| fits(pattern, name))));
    let (sum, message_attributes) = match &selected {
        Some(selected) => (
            selected.md5(),
            selected
                .iter()
                .map(|(name, value)| (name.clone(), show_attribute(value)))
                .collect(),
        ),
        None => (None, BTreeMap::new()),
    };
    ReceivedMessage {
        message_id: MessageId(message.id),
        receipt_handle: ReceiptHandle::new(receipt),
        md5_of_body: Md5Of(message.body.clone()),
        body: message.body.clone(),
        attributes: system_attributes(message, call),
        md5_of_message_attributes: sum,
        message_attributes,
    }
}

/// `All`, `.*`, a prefix `name.*`, or the name itself.
fn fits(pattern: &str, name: &str) -> bool {
    pattern == "All"
        || pattern == name
        || pattern
            .strip_suffix(".*")
            .is_some_and(|prefix| name.starts_with(prefix))
}

fn system_attributes(message: &Message, call: &ReceiveMessage) -> BTreeMap<&'static str, String> {
    let names = || {
        call.attribute_names
            .iter()
            .chain(&call.message_system_attribute_names)
    };
    let mut shown = BTreeMap::new();
    if names().next().is_none() {
        return shown;
    }
    let all = names().any(|name| name == "All");
    let mut put = |name: &'static str, value: Option<String>| {
        if let Some(value) = value
            && (all || names().any(|wanted| wanted == name))
        {
            shown.insert(name, value);
        }
    };
    put("SenderId", Some(SENDER.to_owned()));
    put("SentTimestamp", Some(message.sent.to_string()));
    put(
        "ApproximateReceiveCount",
        Some(message.receive_count.to_string()),
    );
    put(
        "ApproximateFirstReceiveTimestamp",
        message.first_received.map(|at| at.to_string()),
    );
    if let Some(rare) = &message.rare {
        let text =
            |value: &Option<std::sync::Arc<str>>| value.as_ref().map(|text| text.to_string());
        put("SequenceNumber", rare.sequence.map(format_sequence));
        put("MessageDeduplicationId", text(&rare.deduplication));
        put("MessageGroupId", text(&rare.group));
        put("AWSTraceHeader", text(&rare.trace_header));
        put("DeadLetterQueueSourceArn", text(&rare.dead_letter_source));
    }
    shown
}

fn show_attribute(value: &AttributeValue) -> AttributeOut {
    let (string_value, binary_value) = match &value.data {
        AttributeData::Text(text) => (Some(text.clone()), None),
        AttributeData::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
    };
    AttributeOut {
        data_type: value.data_type.clone(),
        string_value,
        binary_value,
    }
}

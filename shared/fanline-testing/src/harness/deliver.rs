//! What the queue and Lambda do with messages: deliver them, delete what was handled, deliver the rest again.
//!
//! What could be got wrong is when. Everything that must not be undone by a crash, the receive, happens
//! before the first await, and the deletion after the last.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use fanline::{Attribute, Batch, Envelope, Event, Message, Outcome, publish::Outgoing};

use super::Harness;

/// Rounds after which [`Harness::drain`] gives up: any retry plan is over by then.
const MOST_ROUNDS: usize = 1_000;

impl Harness {
    /// The message that would bring this event, not yet delivered: for batches of several types.
    ///
    /// # Panics
    /// If the event's data cannot be serialised.
    pub fn message<T: Event>(&self, event: &Envelope<T>) -> Message {
        let outgoing = Outgoing::new(event).expect("event data is serialisable");
        let attributes = outgoing.attributes.into_iter();
        Message {
            body: outgoing.body,
            attributes: attributes
                .map(|(name, value)| (name, Attribute::text(value)))
                .collect(),
            group: self.is_fifo.then_some(outgoing.entity),
            ..Message::default()
        }
    }

    /// Sends an event to the queue and delivers it: one invocation with it alone, whatever else waits there.
    ///
    /// # Panics
    /// If the event's data cannot be serialised, or on a FIFO queue, if something before it in its group is
    /// still there: SQS would not give it out.
    pub async fn deliver<T: Event>(&self, event: &Envelope<T>) -> Outcome {
        self.deliver_one(self.message(event)).await
    }

    /// As [`deliver`](Self::deliver), with all of them in one invocation, whatever their number; one outcome
    /// each, in their order.
    ///
    /// # Panics
    /// As [`deliver`](Self::deliver).
    pub async fn deliver_all<T: Event>(&self, events: &[Envelope<T>]) -> Vec<Outcome> {
        let messages = events.iter().map(|event| self.message(event));
        self.deliver_messages(messages).await
    }

    /// As [`deliver`](Self::deliver), of a body that need not be an event, without attributes. On a FIFO queue
    /// all such bodies are one group.
    ///
    /// # Panics
    /// As [`deliver`](Self::deliver).
    pub async fn deliver_body(&self, body: impl ToString) -> Outcome {
        self.deliver_one(Message {
            body: body.to_string(),
            group: self.is_fifo.then(|| "bodies".to_owned()),
            ..Message::default()
        })
        .await
    }

    /// Delivers messages as they are in one invocation, but for id, receipt handle and sent time, which the queue
    /// gives them. A receive count that they have goes on from there.
    ///
    /// # Panics
    /// As [`deliver`](Self::deliver).
    pub async fn deliver_messages(
        &self,
        messages: impl IntoIterator<Item = Message>,
    ) -> Vec<Outcome> {
        let ids: BTreeSet<String> = messages
            .into_iter()
            .map(|message| self.put(message))
            .collect();
        let wanted = |message: &Message| ids.contains(&message.id);
        let received = self.queue.receive(Self::VISIBILITY_TIMEOUT, wanted);
        assert_eq!(
            received.len(),
            ids.len(),
            "something of the same FIFO group is still in the queue; advance and redeliver first"
        );
        self.invoke(received).await
    }

    /// Delivers an event, and then again as a message of its own, as a publisher that was not sure would.
    /// Of a handler that succeeds it should be `[Succeeded, Duplicate]`.
    ///
    /// # Panics
    /// As [`deliver`](Self::deliver).
    pub async fn twice<T: Event>(&self, event: &Envelope<T>) -> [Outcome; 2] {
        [self.deliver(event).await, self.deliver(event).await]
    }

    /// What SQS does next: everything in the queue whose wait is over is received once more, in one invocation,
    /// with its receive count one higher. Nothing, if all of it waits: [`advance`](Self::advance) first.
    pub async fn redeliver(&self) -> Vec<Outcome> {
        let received = self.queue.receive(Self::VISIBILITY_TIMEOUT, |_| true);
        self.invoke(received).await
    }

    /// Redelivers until the queue is empty, each time moving the clock to where something comes back. Returns all
    /// outcomes on the way.
    ///
    /// # Panics
    /// If it does not get empty within 1,000 rounds.
    pub async fn drain(&self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let Some(wait) = self.next_wait() else {
                return outcomes;
            };
            self.advance(wait);
            outcomes.extend(self.redeliver().await);
        }
        panic!("{} messages left after {MOST_ROUNDS} rounds", self.left());
    }

    async fn deliver_one(&self, message: Message) -> Outcome {
        let mut outcomes = self.deliver_messages([message]).await;
        outcomes.pop().expect("one message has one outcome")
    }

    fn put(&self, message: Message) -> String {
        let number = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("m-{number}");
        self.queue.put(Message {
            id: id.clone(),
            sent_at: Some(self.now()),
            receipt_handle: String::new(),
            ..message
        });
        id
    }

    /// As Lambda's event source mapping does: what was handled is deleted, and the rest left to the queue.
    async fn invoke(&self, messages: Vec<Message>) -> Vec<Outcome> {
        if messages.is_empty() {
            return Vec::new();
        }
        let handles: Vec<String> = messages
            .iter()
            .map(|message| message.receipt_handle.clone())
            .collect();
        let batch = Batch {
            source: "queue".to_owned(),
            fifo: self.is_fifo,
            request_id: handles.first().cloned().unwrap_or_default(),
            messages,
        };
        let deadline = self.now() + Self::TIMEOUT;
        let report = self.processor.process(batch, &self.queue, deadline).await;
        let report = report.expect("every message has an id");
        let outcomes: Vec<Outcome> = report
            .outcomes()
            .map(|(_, outcome)| outcome.clone())
            .collect();
        let handled = handles.iter().zip(&outcomes);
        let handled = handled.filter(|(_, outcome)| outcome.is_handled());
        self.queue
            .delete(&handled.map(|(handle, _)| handle.as_str()).collect());
        self.lock_outcomes().extend(outcomes.iter().cloned());
        outcomes
    }
}

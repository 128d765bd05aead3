//! SNS and SQS together: the pure engine.
//!
//! The only place where a delivery meets a queue's policy. What cannot be delivered goes
//! to the subscription's dead-letter queue if there is one, and is counted either way:
//! nothing disappears in silence.

use crate::EpochMillis;
use crate::identity::Identity;
use crate::sns::{
    Invocation, NotificationSigner, Sns, SnsError, SnsRequest, SnsResponse, TopicDelivery,
};
use crate::sqs::{Delivery, Liberties, Sqs, SqsRequest, SqsStep};
use std::sync::Arc;

/// How the engine behaves.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Region and account of every ARN.
    pub identity: Identity,
    /// Whether a queue takes messages from a topic only if its policy says so, as on AWS.
    pub enforce_queue_policies: bool,
    /// What AWS leaves open on standard queues.
    pub liberties: Liberties,
    /// Signs notifications; without one they carry a text that is no signature.
    pub signer: Option<Arc<dyn NotificationSigner>>,
    /// Decides every id, and where liberties are taken.
    pub seed: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            identity: Identity::default(),
            enforce_queue_policies: true,
            liberties: Liberties::default(),
            signer: None,
            seed: 0,
        }
    }
}

/// SQS and SNS of one account.
#[derive(Debug)]
pub struct Engine {
    identity: Identity,
    enforce_queue_policies: bool,
    /// All queues.
    pub sqs: Sqs,
    /// All topics.
    pub sns: Sns,
    undelivered: Undelivered,
}

/// Deliveries from SNS that did not reach their queue or function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Undelivered {
    /// The queue's policy does not admit the topic.
    pub refused_by_policy: u64,
    /// The queue does not exist or did not take the message, or the function was not invoked.
    pub failed: u64,
    /// Of both: stored in the subscription's dead-letter queue.
    pub dead_lettered: u64,
}

/// What an SNS call led to.
#[derive(Debug)]
pub struct Published {
    /// What the caller is told.
    pub answer: Result<SnsResponse, SnsError>,
    /// Queues whose waiting receives should look again.
    pub woken: Vec<Arc<str>>,
    /// Functions that should be invoked. Whoever cannot gives them to
    /// [`not_invoked`](Engine::not_invoked).
    pub invocations: Vec<Invocation>,
}

impl Engine {
    /// An empty account.
    pub fn new(options: EngineOptions) -> Self {
        let EngineOptions {
            identity,
            enforce_queue_policies,
            liberties,
            signer,
            seed,
        } = options;
        Self {
            sqs: Sqs::new(identity.clone(), liberties, seed),
            sns: Sns::new(identity.clone(), signer, seed.wrapping_add(1)),
            identity,
            enforce_queue_policies,
            undelivered: Undelivered::default(),
        }
    }

    /// Carries out a call to SQS.
    pub fn sqs(&mut self, now: EpochMillis, base_url: &str, request: SqsRequest) -> SqsStep {
        self.sqs.step(now, base_url, request)
    }

    /// Carries out a call to SNS, deliveries included.
    pub fn sns(&mut self, now: EpochMillis, base_url: &str, request: SnsRequest) -> Published {
        let step = self.sns.step(now, base_url, request);
        for delivery in step.deliveries {
            self.deliver(now, delivery);
        }
        Published {
            answer: step.answer,
            woken: self.sqs.take_woken(),
            invocations: step.invocations,
        }
    }

    /// A function could not be invoked: its message goes to the subscription's dead-letter queue.
    /// Returns the queues that this woke.
    pub fn not_invoked(
        &mut self,
        now: EpochMillis,
        invocation: Invocation,
        reason: &str,
    ) -> Vec<Arc<str>> {
        self.undelivered.failed += 1;
        let Invocation {
            topic_arn,
            function_arn,
            dead_letters,
            fallback,
            ..
        } = invocation;
        self.rescue(
            now,
            &topic_arn,
            &function_arn,
            dead_letters.as_deref(),
            Some(fallback),
            reason,
        );
        self.sqs.take_woken()
    }

    /// Begins to note changes, for whoever keeps them.
    pub(crate) fn keep_journal(&mut self) {
        self.sqs.keep_journal();
        self.sns.keep_journal();
    }

    /// Deliveries that did not reach their queue.
    pub fn undelivered(&self) -> Undelivered {
        self.undelivered
    }

    fn deliver(&mut self, now: EpochMillis, delivery: TopicDelivery) {
        let TopicDelivery {
            topic_arn,
            queue_arn,
            dead_letters,
            message,
            fallback,
        } = delivery;
        let kept = message.as_ref().ok().cloned().or(fallback);
        let outcome = match message {
            Ok(message) => self.send(now, &topic_arn, &queue_arn, message),
            Err(reason) => Err(Trouble::Failed(reason)),
        };
        let Err(trouble) = outcome else { return };
        let reason = match trouble {
            Trouble::Refused => {
                self.undelivered.refused_by_policy += 1;
                "its policy does not allow sns.amazonaws.com to sqs:SendMessage from this topic; add an AWS::SQS::QueuePolicy".to_owned()
            }
            Trouble::Failed(reason) => {
                self.undelivered.failed += 1;
                reason
            }
        };
        self.rescue(
            now,
            &topic_arn,
            &queue_arn,
            dead_letters.as_deref(),
            kept,
            &reason,
        );
    }

    /// Puts what did not reach its endpoint into the dead-letter queue, if there is one.
    fn rescue(
        &mut self,
        now: EpochMillis,
        topic_arn: &str,
        endpoint: &str,
        dead_letters: Option<&str>,
        message: Option<Delivery>,
        reason: &str,
    ) {
        let rescued = match (dead_letters, message) {
            (Some(queue), Some(message)) => self.send(now, topic_arn, queue, message).is_ok(),
            _ => false,
        };
        self.undelivered.dead_lettered += u64::from(rescued);
        tracing::warn!(
            topic = topic_arn,
            endpoint,
            rescued,
            "a message was not delivered to a subscriber: {reason}"
        );
    }

    fn send(
        &mut self,
        now: EpochMillis,
        topic_arn: &str,
        queue_arn: &str,
        message: Delivery,
    ) -> Result<(), Trouble> {
        let missing = || Trouble::Failed("the queue does not exist".to_owned());
        let name = self.identity.queue_of_arn(queue_arn).ok_or_else(missing)?;
        let admitted = self.sqs.admits_topic(name, topic_arn).ok_or_else(missing)?;
        if self.enforce_queue_policies && !admitted {
            return Err(Trouble::Refused);
        }
        self.sqs
            .deliver(now, name, message)
            .map_err(|error| Trouble::Failed(error.to_string()))
    }
}

enum Trouble {
    Refused,
    Failed(String),
}

#[cfg(test)]
mod tests;

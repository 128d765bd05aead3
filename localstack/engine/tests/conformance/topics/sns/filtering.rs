//! How filter policies are shown to let some messages pass and others not.
//!
//! Every sample is published; its number is its message, or its message is the sample.
//! What must not arrive is looked for after what must has arrived.

use crate::case::Outcome;
use crate::check::equal;
use crate::fixture::{sns_attribute, sorted_bodies};
use crate::target::Target;
use serde_json::Value;

/// A message by its attributes, and whether the policy lets it pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    passes: bool,
    /// Name, data type and value.
    attributes: [Option<(&'static str, &'static str, &'static str)>; 2],
}

impl Sample {
    /// A message without attributes, which must not pass.
    pub(super) const fn none() -> Self {
        Self {
            passes: false,
            attributes: [None, None],
        }
    }

    /// A message with one attribute.
    pub(super) const fn of(
        passes: bool,
        name: &'static str,
        data_type: &'static str,
        value: &'static str,
    ) -> Self {
        Self {
            passes,
            attributes: [Some((name, data_type, value)), None],
        }
    }

    /// The message with a second attribute.
    pub(super) const fn and(
        mut self,
        name: &'static str,
        data_type: &'static str,
        value: &'static str,
    ) -> Self {
        self.attributes[1] = Some((name, data_type, value));
        self
    }

    /// `k=5 (Number)`, as reports show it.
    fn describe(&self) -> String {
        let attributes = self.attributes.iter().flatten();
        let shown: Vec<String> = attributes
            .map(|(name, data_type, value)| format!("{name}={value} ({data_type})"))
            .collect();
        shown.join(", ")
    }
}

/// A message with one attribute `k` of type String.
pub(super) const fn k(passes: bool, value: &'static str) -> Sample {
    Sample::of(passes, "k", "String", value)
}

/// A message with one attribute `k` of type Number.
pub(super) const fn n(passes: bool, value: &'static str) -> Sample {
    Sample::of(passes, "k", "Number", value)
}

/// Publishes all samples past a policy on attributes.
pub(super) async fn attributes_pass(target: &Target, policy: Value, samples: &[Sample]) -> Outcome {
    let policy = policy.to_string();
    let attributes = [
        ("RawMessageDelivery", "true"),
        ("FilterPolicy", policy.as_str()),
    ];
    let (topic, queue) = target.subscribed(&attributes).await?;
    for (number, sample) in samples.iter().enumerate() {
        let mut call = target.publishing(&topic, &number.to_string());
        for (name, data_type, value) in sample.attributes.iter().flatten() {
            call = call.message_attributes(*name, sns_attribute(data_type, value)?);
        }
        call.send().await?;
    }
    let expected = samples
        .iter()
        .enumerate()
        .filter(|(_, sample)| sample.passes);
    let expected: Vec<String> = expected.map(|(number, _)| number.to_string()).collect();
    let received = target.receive_all(&queue, expected.len()).await?;
    let found: Vec<String> = sorted_bodies(&received)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let show = |numbers: &[String]| -> Vec<String> {
        let samples = numbers
            .iter()
            .filter_map(|number| samples.get(number.parse::<usize>().ok()?));
        samples.map(Sample::describe).collect()
    };
    equal("messages that passed", show(&found), show(&expected))
}

/// Publishes all bodies past a policy on the body; each with whether it must pass.
pub(super) async fn bodies_pass(
    target: &Target,
    policy: Value,
    samples: &[(bool, &str)],
) -> Outcome {
    let policy = policy.to_string();
    let attributes = [
        ("RawMessageDelivery", "true"),
        ("FilterPolicyScope", "MessageBody"),
        ("FilterPolicy", policy.as_str()),
    ];
    let (topic, queue) = target.subscribed(&attributes).await?;
    for (_, body) in samples {
        target.publish(&topic, body).await?;
    }
    let expected = samples.iter().filter(|(passes, _)| *passes);
    let mut expected: Vec<&str> = expected.map(|(_, body)| *body).collect();
    expected.sort_unstable();
    let received = target.receive_all(&queue, expected.len()).await?;
    equal("bodies that passed", sorted_bodies(&received), expected)
}

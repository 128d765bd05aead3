//! One function of the template against what its binary says: pure, no I/O.
//!
//! What could be got wrong is to call something different that works: what is only unwise is a warning
//! and changes no exit code.

use fanline::{WorkerDescription, filter::FilterPolicyScope};
use serde_json::{Value, json};

use super::{ask::Said, policy::Policy};
use crate::{
    advice::{self, DEDUP_TABLE},
    template::{EventSource, EventSourceMapping, Function, Queue, Stack, Subscription},
};

/// SQS's own, if the template names none.
const DEFAULT_VISIBILITY_SECONDS: u64 = 30;

/// AWS's advice: room for batches that are throttled and tried again.
const VISIBILITY_PER_TIMEOUT: u64 = 6;

/// What came of comparing one function.
#[derive(Debug, PartialEq)]
pub(super) enum Comparison {
    /// The binary is a worker; what it says of itself, and what the template says otherwise.
    Worker {
        description: WorkerDescription,
        differences: Vec<Difference>,
        warnings: Vec<Difference>,
    },
    /// Nothing to compare; why.
    NoWorker(String),
    /// It should have answered, and failed.
    NoAnswer(Difference),
}

/// One thing on which the template and a worker do not agree.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Difference {
    /// The resource's name in the template.
    pub(super) resource: String,
    /// Its line.
    pub(super) line: u32,
    /// What is there, what was expected, what to do.
    pub(super) problem: String,
}

impl Difference {
    fn of(resource: &str, line: u32, problem: String) -> Self {
        Self {
            resource: resource.to_owned(),
            line,
            problem,
        }
    }

    fn of_function(function: &Function, problem: String) -> Self {
        Self::of(&function.logical_id, function.line, problem)
    }
}

/// Compares a function with what its binary said.
pub(super) fn compare(stack: &Stack, function: &Function, said: Said) -> Comparison {
    let description = match said {
        Said::Worker(description) => description,
        Said::NoWorker(why) => return Comparison::NoWorker(why),
        Said::Failed(how) => {
            let problem = format!(
                "its binary {}, asked with FANLINE_DESCRIBE=1, {how}",
                function.binary
            );
            return Comparison::NoAnswer(Difference::of_function(function, problem));
        }
    };
    let (mut differences, mut warnings) = (Vec::new(), Vec::new());
    if !function.environment.contains_key(DEDUP_TABLE) {
        let problem = format!("{DEDUP_TABLE} is not set, without which the worker does not start");
        differences.push(Difference::of_function(function, problem));
    }
    let mut endpoints = vec![function.arn.as_str()];
    for (mapping, queue) in queues(stack, function) {
        endpoints.push(&queue.arn);
        differences.extend(reports_failures(mapping));
        differences.extend(attempts(&description, function, queue));
        let dead_letters = advice::dead_letters(stack, function, queue);
        differences.extend(dead_letters.map(|problem| Difference::of_function(function, problem)));
        warnings.extend(no_dead_letter_queue(queue));
        match visibility(function, queue) {
            Some((true, difference)) => differences.push(difference),
            Some((false, warning)) => warnings.push(warning),
            None => {}
        }
    }
    let subscriptions = stack.subscriptions.iter();
    let subscriptions =
        subscriptions.filter(|subscription| endpoints.contains(&subscription.endpoint.as_str()));
    differences.extend(
        subscriptions
            .filter_map(|subscription| filter_policy(&description, function, subscription)),
    );
    Comparison::Worker {
        description,
        differences,
        warnings,
    }
}

/// The queues that feed it.
fn queues<'a>(
    stack: &'a Stack,
    function: &'a Function,
) -> impl Iterator<Item = (&'a EventSourceMapping, &'a Queue)> {
    let mappings = stack.event_source_mappings.iter();
    let of_function = mappings.filter(|mapping| mapping.function == function.logical_id);
    of_function.filter_map(|mapping| match &mapping.source {
        EventSource::Queue { logical_id, .. } => Some((mapping, stack.queue(logical_id)?)),
        EventSource::Stream { .. } => None,
    })
}

fn reports_failures(mapping: &EventSourceMapping) -> Option<Difference> {
    (!mapping.report_batch_item_failures).then(|| {
        let problem = "has no FunctionResponseTypes: [ReportBatchItemFailures], so SQS deletes the messages that the worker reports as failed";
        Difference::of(&mapping.logical_id, mapping.line, problem.to_owned())
    })
}

fn no_dead_letter_queue(queue: &Queue) -> Option<Difference> {
    queue.dead_letter_target.is_none().then(|| {
        let problem =
            "has no RedrivePolicy, so what cannot be handled comes back until its retention ends";
        Difference::of(&queue.logical_id, queue.line, problem.to_owned())
    })
}

/// The handler with the longest plan, against what SQS waits for.
fn attempts(
    description: &WorkerDescription,
    function: &Function,
    queue: &Queue,
) -> Option<Difference> {
    let handlers = description.handlers.iter();
    let longest = handlers.max_by_key(|handler| handler.attempts)?;
    let what = format!(
        "its handler of {} version {} makes {} attempts",
        longest.event_type, longest.version, longest.attempts
    );
    let problem = advice::attempts(&what, longest.attempts, queue)?;
    Some(Difference::of_function(function, problem))
}

/// Whether it is an error, and what is wrong.
fn visibility(function: &Function, queue: &Queue) -> Option<(bool, Difference)> {
    let visibility = match queue.attributes.get("VisibilityTimeout") {
        Some(seconds) => seconds.parse().ok()?,
        None => DEFAULT_VISIBILITY_SECONDS,
    };
    let timeout = u64::from(function.timeout_seconds);
    let advised = timeout.saturating_mul(VISIBILITY_PER_TIMEOUT);
    if visibility >= advised {
        return None;
    }
    let is_refused = visibility < timeout;
    let id = &function.logical_id;
    let problem = match is_refused {
        true => format!(
            "VisibilityTimeout is {visibility} s, below the {timeout} s that {id} may take, so Lambda refuses the mapping; expected at least {advised} s"
        ),
        false => format!(
            "VisibilityTimeout is {visibility} s, less than six times the {timeout} s that {id} may take: batches that are throttled use up receives; AWS advises {advised} s"
        ),
    };
    Some((
        is_refused,
        Difference::of(&queue.logical_id, queue.line, problem),
    ))
}

fn filter_policy(
    description: &WorkerDescription,
    function: &Function,
    subscription: &Subscription,
) -> Option<Difference> {
    let there = policy_of(subscription);
    let wanted = Policy {
        scope: description.filter_policy_scope,
        keys: description.filter_policy.clone(),
    };
    if there.is_same_as(&wanted) {
        return None;
    }
    let kept_out = match there.keeps_out(&description.handlers) {
        kept_out if kept_out.is_empty() => String::new(),
        kept_out => format!(", so {} never reaches it", kept_out.join(", ")),
    };
    let problem = format!(
        "FilterPolicy is {}, but {} wants {}{kept_out}; write that into the template, or change Worker::filter_policy",
        there.shown(),
        function.logical_id,
        wanted.shown()
    );
    Some(Difference::of(
        &subscription.logical_id,
        subscription.line,
        problem,
    ))
}

fn policy_of(subscription: &Subscription) -> Policy {
    let scope = subscription.attributes.get("FilterPolicyScope");
    let policy = subscription.attributes.get("FilterPolicy");
    Policy {
        scope: match scope.map(String::as_str) {
            Some("MessageBody") => FilterPolicyScope::MessageBody,
            _ => FilterPolicyScope::MessageAttributes,
        },
        // The template reader has written it.
        keys: policy.map_or_else(
            || json!({}),
            |text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        ),
    }
}

#[cfg(test)]
mod tests;

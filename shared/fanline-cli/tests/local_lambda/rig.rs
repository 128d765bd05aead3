//! A mapping between a fake SQS and a real function process, and its events as a test waits for
//! them.

use crate::fake_sqs::FakeSqs;
use crate::support::{Lines, spec as function_spec, start as start_function};
use fanline_cli::lambda::{Function, FunctionSpec};
use fanline_cli::mapping::{Mapping, MappingEvent, MappingSpec};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

pub(crate) struct Rig {
    pub(crate) sqs: FakeSqs,
    pub(crate) function: Arc<Function>,
    pub(crate) mapping: Mapping,
    pub(crate) events: mpsc::UnboundedReceiver<MappingEvent>,
    _lines: Lines,
}

pub(crate) fn mapping_spec() -> MappingSpec {
    MappingSpec {
        queue_url: "http://localhost/000000000000/orders".into(),
        queue_arn: "arn:aws:sqs:eu-west-1:000000000000:orders".into(),
        fifo: false,
        batch_size: 10,
        maximum_batching_window: Duration::ZERO,
        maximum_concurrency: 2,
        report_batch_item_failures: true,
        filter_patterns: Vec::new(),
    }
}

pub(crate) async fn rig(change: impl FnOnce(&mut MappingSpec)) -> Rig {
    let sqs = FakeSqs::start().await;
    rig_on(sqs, function_spec(), change)
}

pub(crate) fn rig_on(
    sqs: FakeSqs,
    function: FunctionSpec,
    change: impl FnOnce(&mut MappingSpec),
) -> Rig {
    let mut spec = mapping_spec();
    change(&mut spec);
    let (function, lines) = start_function(function);
    let (sender, events) = mpsc::unbounded_channel();
    let mapping = Mapping::start(spec, sqs.client(), Arc::clone(&function), sender).unwrap();
    Rig {
        sqs,
        function,
        mapping,
        events,
        _lines: lines,
    }
}

impl Rig {
    /// The next event for which `pick` has an answer; the others are passed over.
    pub(crate) async fn until<T>(&mut self, pick: impl Fn(MappingEvent) -> Option<T>) -> T {
        let searching = async {
            loop {
                if let Some(found) = pick(self.events.recv().await.expect("the mapping runs")) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), searching)
            .await
            .expect("the event should come")
    }

    pub(crate) async fn deleted(&mut self) -> Vec<String> {
        self.until(|event| match event {
            MappingEvent::Deleted { message_ids, .. } => Some(message_ids),
            _ => None,
        })
        .await
    }

    pub(crate) async fn returned(&mut self) -> (Vec<String>, String) {
        self.until(|event| match event {
            MappingEvent::Returned {
                message_ids,
                reason,
                ..
            } => Some((message_ids, reason)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn problem(&mut self) -> String {
        self.until(|event| match event {
            MappingEvent::Problem { text, .. } => Some(text),
            _ => None,
        })
        .await
    }
}

pub(crate) fn echo(count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| json!({ "do": "echo", "value": number }))
        .collect()
}

pub(crate) fn ids(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers
        .into_iter()
        .map(|number| format!("m-{number}"))
        .collect()
}

//! Functions and mappings of a template, started.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use aws_config::SdkConfig;
use fanline_engine::{Server, sns::Invocation};
use futures_util::future::try_join_all;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::urls::Listening;
use crate::{
    Error,
    aws::LOCAL_ACCOUNT,
    lambda::{Function, FunctionSpec, InvokeError, LogSink},
    mapping::{
        Fed, Mapping, MappingEvent, MappingSpec,
        stream::{OnFailure, Retries, StreamMapping, StreamSpec},
    },
    schedule::{Plan, Schedules},
    template::{self, EventSource, EventSourceMapping, Queue, Stack},
};

/// Invocations at once for a mapping that names no MaximumConcurrency: Lambda starts with five.
const CONCURRENCY: u32 = 5;

/// Starts of a function until it counts as one that does not start: one failure may be an accident.
const STARTS: u32 = 3;

/// What a run is made of.
pub(super) struct Setting {
    pub(super) endpoint: String,
    pub(super) region: String,
    pub(super) folder: PathBuf,
    pub(super) stack: Stack,
    pub(super) binaries: BTreeMap<String, PathBuf>,
    pub(super) config: SdkConfig,
    pub(super) until_idle: bool,
    /// The ports of function URLs.
    pub(super) urls: Vec<Listening>,
    /// What invokes functions by the clock.
    pub(super) plans: Vec<Plan>,
    /// The embedded engine and the invocations its topics ask for.
    pub(super) topics: Option<(Arc<Server>, UnboundedReceiver<Invocation>)>,
}

/// Functions by their name in the template.
pub(super) type Functions = BTreeMap<String, Arc<Function>>;

impl Setting {
    /// The functions, none of them started.
    pub(super) fn functions(&self, log_sink: &LogSink) -> Functions {
        let functions = self.stack.functions.iter().filter_map(|function| {
            let spec = FunctionSpec {
                name: function.name.clone(),
                binary: self.binaries.get(&function.binary)?.clone(),
                environment: self.environment(function),
                timeout: Duration::from_secs(function.timeout_seconds.into()),
                memory_mb: function.memory_mb,
                concurrency: self.concurrency(function),
                region: self.region.clone(),
                account: LOCAL_ACCOUNT.to_owned(),
            };
            let named = Arc::new(Function::new(spec, log_sink.clone()));
            Some((function.logical_id.clone(), named))
        });
        functions.collect()
    }

    fn environment(&self, function: &template::Function) -> BTreeMap<String, String> {
        let mut environment = function.environment.clone();
        environment
            .entry("AWS_ENDPOINT_URL".to_owned())
            .or_insert_with(|| self.endpoint.clone());
        if let Ok(filter) = std::env::var("RUST_LOG") {
            environment.insert("RUST_LOG".to_owned(), filter);
        }
        environment
    }

    fn concurrency(&self, function: &template::Function) -> usize {
        let mappings = self.stack.event_source_mappings.iter();
        let of_function = mappings.filter(|mapping| mapping.function == function.logical_id);
        let by_mappings = of_function.map(|mapping| match &mapping.source {
            EventSource::Queue { .. } => mapping.maximum_concurrency.unwrap_or(CONCURRENCY),
            EventSource::Stream {
                parallelization_factor,
                ..
            } => *parallelization_factor,
        });
        let subscriptions = self.stack.subscriptions.iter();
        let is_invoked = |endpoint: &str| endpoint == function.arn;
        let by_topics = subscriptions
            .filter(|subscription| is_invoked(&subscription.endpoint))
            .map(|_| CONCURRENCY);
        let limit = function.reserved_concurrency;
        // A limit is there to be reached: what is beyond it is refused.
        let by_url = function.url.iter().map(|_| limit.unwrap_or(CONCURRENCY));
        let schedules = self.plans.iter();
        let by_schedules = schedules
            .filter(|plan| plan.function == function.logical_id)
            .map(|_| 1);
        let by_streams_and_topics = by_mappings.chain(by_topics);
        let wanted = by_streams_and_topics.chain(by_url).chain(by_schedules);
        let wanted = wanted.fold(0, u32::saturating_add).max(1);
        wanted.min(limit.unwrap_or(u32::MAX)) as usize
    }

    /// Starts polling. What Lambda would refuse is an error; what is not imitated is said.
    pub(super) fn start_mappings(
        &self,
        functions: &Functions,
        sqs: &aws_sdk_sqs::Client,
        events: &UnboundedSender<MappingEvent>,
    ) -> Result<Vec<Mapping>, Error> {
        let mut started = Vec::new();
        for mapping in self
            .stack
            .event_source_mappings
            .iter()
            .filter(|it| it.enabled)
        {
            let (id, line) = (&mapping.logical_id, mapping.line);
            let EventSource::Queue { logical_id, .. } = &mapping.source else {
                continue;
            };
            let queue = self.stack.queue(logical_id);
            let (Some(queue), Some(function)) = (queue, functions.get(&mapping.function)) else {
                continue;
            };
            let spec = spec(mapping, queue)
                .map_err(|error| Error::new(format!("{id} (template line {line}): {error}")))?;
            let mapping = Mapping::start(spec, sqs.clone(), Arc::clone(function), events.clone());
            started
                .push(mapping.map_err(|error| {
                    Error::new(format!("{id} (template line {line}): {error}"))
                })?);
        }
        Ok(started)
    }

    /// Starts the clock. A schedule of a function that does not run here is left out.
    pub(super) fn start_schedules(
        &mut self,
        functions: &Functions,
        events: &UnboundedSender<Fed>,
    ) -> Schedules {
        let plans = std::mem::take(&mut self.plans).into_iter();
        let plans = plans.filter_map(|plan| {
            let function = functions.get(&plan.function)?;
            Some((plan, Arc::clone(function)))
        });
        Schedules::start(plans.collect(), events)
    }

    /// Starts reading streams. What Lambda would refuse is an error.
    pub(super) fn start_streams(
        &self,
        functions: &Functions,
        events: &UnboundedSender<Fed>,
    ) -> Result<Vec<StreamMapping>, Error> {
        let mut started = Vec::new();
        let mappings = self.stack.event_source_mappings.iter();
        for mapping in mappings.filter(|mapping| mapping.enabled) {
            let refused = |problem: String| {
                let (id, line) = (&mapping.logical_id, mapping.line);
                Error::new(format!("{id} (template line {line}): {problem}"))
            };
            let spec = self.stream_spec(mapping);
            let Some(spec) = spec.map_err(|error| refused(error.to_string()))? else {
                continue;
            };
            let Some(function) = functions.get(&mapping.function) else {
                continue;
            };
            let mapping =
                StreamMapping::start(spec, &self.config, Arc::clone(function), events.clone());
            started.push(mapping.map_err(|(number, problem)| {
                refused(format!("filter pattern {number}: {problem}"))
            })?);
        }
        Ok(started)
    }

    /// None for a mapping on a queue.
    fn stream_spec(
        &self,
        mapping: &EventSourceMapping,
    ) -> Result<Option<StreamSpec>, serde_json::Error> {
        let EventSource::Stream {
            logical_id,
            starting_position,
            maximum_retry_attempts,
            maximum_record_age_seconds,
            on_failure,
            bisect_batch_on_function_error,
            parallelization_factor,
            ..
        } = &mapping.source
        else {
            return Ok(None);
        };
        let table = self
            .stack
            .tables
            .iter()
            .find(|table| table.logical_id == *logical_id);
        let Some(table) = table else {
            return Ok(None);
        };
        let on_failure = on_failure.as_ref().map(|arn| {
            let queue = self.stack.queues.iter().find(|queue| queue.arn == *arn);
            match queue {
                Some(queue) => OnFailure::Queue(queue.url.clone()),
                None => OnFailure::Topic(arn.clone()),
            }
        });
        Ok(Some(StreamSpec {
            table: table.name.clone(),
            from_the_beginning: starting_position == "TRIM_HORIZON",
            batch_size: mapping.batch_size as usize,
            maximum_batching_window: Duration::from_secs(
                mapping.maximum_batching_window_seconds.into(),
            ),
            parallelization_factor: *parallelization_factor as usize,
            report_batch_item_failures: mapping.report_batch_item_failures,
            retries: Retries {
                // -1 is without end.
                maximum_attempts: u32::try_from(*maximum_retry_attempts).ok(),
                maximum_age: maximum_record_age_seconds
                    .map(|seconds| Duration::from_secs(seconds.into())),
                bisect: *bisect_batch_on_function_error,
            },
            filter_patterns: patterns(mapping)?,
            on_failure,
        }))
    }
}

/// The patterns of a mapping's filter criteria.
fn patterns(mapping: &EventSourceMapping) -> Result<Vec<serde_json::Value>, serde_json::Error> {
    let patterns = mapping.filter_patterns.iter();
    patterns
        .map(|pattern| serde_json::from_str(pattern))
        .collect()
}

/// Starts one process of each function, before a message could be taken for one that does not
/// start; shows what such a one had to say.
pub(super) async fn warm(functions: &Functions) -> Result<(), Error> {
    let warmed = functions.values().map(|function| async move {
        let mut started = function.warm().await;
        for _ in 1..STARTS {
            if started.is_err() {
                started = function.warm().await;
            }
        }
        started.map_err(|error| {
            let name = &function.spec().name;
            if let InvokeError::InitFailed { output, .. } = &error {
                output.iter().for_each(|line| eprintln!("{name} | {line}"));
            }
            Error::new(format!("function {name}: {error}"))
        })
    });
    try_join_all(warmed).await.map(drop)
}

fn spec(mapping: &EventSourceMapping, queue: &Queue) -> Result<MappingSpec, serde_json::Error> {
    Ok(MappingSpec {
        queue_url: queue.url.clone(),
        queue_arn: queue.arn.clone(),
        fifo: queue.fifo,
        batch_size: mapping.batch_size as usize,
        maximum_batching_window: Duration::from_secs(
            mapping.maximum_batching_window_seconds.into(),
        ),
        maximum_concurrency: mapping.maximum_concurrency.unwrap_or(CONCURRENCY) as usize,
        report_batch_item_failures: mapping.report_batch_item_failures,
        filter_patterns: patterns(mapping)?,
    })
}

/// The queues that are polled, which are those to report on and to wait for.
pub(super) fn polled_queues(stack: &Stack) -> impl Iterator<Item = &Queue> {
    let mappings = stack
        .event_source_mappings
        .iter()
        .filter(|mapping| mapping.enabled);
    let polled: BTreeSet<&str> = mappings
        .filter_map(|mapping| match &mapping.source {
            EventSource::Queue { arn, .. } => Some(arn.as_str()),
            EventSource::Stream { .. } => None,
        })
        .collect();
    let queues = stack.queues.iter();
    queues.filter(move |queue| polled.contains(queue.arn.as_str()))
}

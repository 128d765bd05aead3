//! One run: functions and mappings started, events published, everything observed, all of it
//! ended in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aws_config::SdkConfig;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    ledger::{Evidence, QueueLedger},
    logs::Logs,
    metrics::{Metrics, count},
    progress::Progress,
    publishing::{self, Published, Routes},
    queues,
    report::{QueueReport, Report},
};
use crate::{
    Error, aws,
    lambda::{Function, FunctionSpec, InvokeError, LogLine},
    mapping::{Mapping, MappingEvent, MappingSpec},
    publish::events_file::EventsFile,
    template::{self, EventSource, Queue, Stack},
};

/// Between two looks at the queues.
const LOOK: Duration = Duration::from_millis(200);

/// How long a published message may take to show up in a queue before `--until-idle` stops
/// waiting for it. The engine needs none of it; LocalStack delivers in the background.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Invocations at once for a mapping that names no MaximumConcurrency: Lambda starts with five.
const CONCURRENCY: u32 = 5;

/// What a run is made of.
pub(super) struct Setting {
    pub(super) endpoint: String,
    pub(super) folder: PathBuf,
    pub(super) stack: Arc<Stack>,
    pub(super) binaries: BTreeMap<String, PathBuf>,
    pub(super) config: SdkConfig,
    pub(super) until_idle: bool,
}

/// Failed starts of functions that never started, until the run ends: one may be an accident.
const FAILED_STARTS: u32 = 3;

/// The variable by which a Fanline function is told its dedup table.
const DEDUP_TABLE: &str = "FANLINE_DEDUP_TABLE";

/// Where each function's output goes.
pub(super) fn log_folder(folder: &Path) -> PathBuf {
    folder.join("target").join("fanline")
}

/// Runs until idle or interrupted; returns the result and how many messages were refused.
pub(super) async fn run(setting: Setting, events: EventsFile) -> Result<(Report, u64), Error> {
    let routes = Routes::new(&setting.stack)?;
    let (log_sink, log_lines) = unbounded_channel();
    let functions = functions(&setting, &log_sink);
    let (event_sink, mapping_events) = unbounded_channel();
    let sqs = aws_sdk_sqs::Client::new(&setting.config);
    let mappings = mappings(&setting, &functions, &sqs, &event_sink)?;
    let (publish_sink, published) = unbounded_channel();
    let publishing = tokio::spawn(publishing::publish(
        setting.config.clone(),
        routes,
        events,
        publish_sink,
    ));
    drop((log_sink, event_sink));

    let mut run = Run {
        ledgers: consumed_queues(&setting.stack)
            .map(|queue| (queue.arn.clone(), QueueLedger::default()))
            .collect(),
        logs: Logs::new(log_folder(&setting.folder)),
        metrics: Metrics::default(),
        progress: Progress::new(),
        started: Instant::now(),
        last_arrival: Instant::now(),
        published: 0,
        refused: 0,
        unrouted: BTreeSet::new(),
        idle_looks: 0,
        started_functions: BTreeSet::new(),
        failed_starts: 0,
        sqs,
        setting,
    };
    let mut sources = Sources {
        log_lines,
        mapping_events,
        published,
    };
    let ended = run.watch(&mut sources, publishing).await;
    run.progress.clear();
    for mapping in mappings {
        mapping.stop().await;
    }
    for function in functions.values() {
        function.shutdown().await;
    }
    drop(functions);
    run.drain(&mut sources);
    ended?;
    let report = run.final_report().await?;
    Ok((report, run.refused))
}

fn functions(
    setting: &Setting,
    log_sink: &crate::lambda::LogSink,
) -> BTreeMap<String, Arc<Function>> {
    let functions = setting.stack.functions.iter().filter_map(|function| {
        let spec = FunctionSpec {
            name: function.name.clone(),
            binary: setting.binaries.get(&function.binary)?.clone(),
            environment: environment(setting, function),
            timeout: Duration::from_secs(function.timeout_seconds.into()),
            memory_mb: function.memory_mb,
            concurrency: concurrency(&setting.stack, function),
            region: setting
                .config
                .region()
                .map_or(aws::LOCAL_REGION.to_owned(), ToString::to_string),
            account: super::ACCOUNT.to_owned(),
        };
        let function_of_id = Arc::new(Function::new(spec, log_sink.clone()));
        Some((function.logical_id.clone(), function_of_id))
    });
    functions.collect()
}

fn environment(setting: &Setting, function: &template::Function) -> BTreeMap<String, String> {
    let mut environment = function.environment.clone();
    environment
        .entry("AWS_ENDPOINT_URL".to_owned())
        .or_insert_with(|| setting.endpoint.clone());
    if let Ok(filter) = std::env::var("RUST_LOG") {
        environment.insert("RUST_LOG".to_owned(), filter);
    }
    environment
}

fn concurrency(stack: &Stack, function: &template::Function) -> usize {
    let mappings = stack.event_source_mappings.iter();
    let of_function = mappings.filter(|mapping| mapping.function == function.logical_id);
    let wanted: u32 = of_function
        .map(|mapping| mapping.maximum_concurrency.unwrap_or(CONCURRENCY))
        .sum();
    wanted
        .min(function.reserved_concurrency.unwrap_or(u32::MAX))
        .max(1) as usize
}

fn mappings(
    setting: &Setting,
    functions: &BTreeMap<String, Arc<Function>>,
    sqs: &aws_sdk_sqs::Client,
    events: &tokio::sync::mpsc::UnboundedSender<MappingEvent>,
) -> Result<Vec<Mapping>, Error> {
    let mut started = Vec::new();
    for mapping in setting
        .stack
        .event_source_mappings
        .iter()
        .filter(|mapping| mapping.enabled)
    {
        let EventSource::Queue { logical_id, .. } = &mapping.source else {
            eprintln!(
                "fanline: {} (template line {}): streams are not read yet; skipped",
                mapping.logical_id, mapping.line
            );
            continue;
        };
        let (Some(queue), Some(function)) = (
            setting.stack.queue(logical_id),
            functions.get(&mapping.function),
        ) else {
            continue;
        };
        let patterns = mapping.filter_patterns.iter();
        let spec = MappingSpec {
            queue_url: queue.url.clone(),
            queue_arn: queue.arn.clone(),
            fifo: queue.fifo,
            batch_size: mapping.batch_size as usize,
            maximum_batching_window: Duration::from_secs(
                mapping.maximum_batching_window_seconds.into(),
            ),
            maximum_concurrency: mapping.maximum_concurrency.unwrap_or(CONCURRENCY) as usize,
            report_batch_item_failures: mapping.report_batch_item_failures,
            filter_patterns: patterns
                .filter_map(|pattern| serde_json::from_str(pattern).ok())
                .collect(),
        };
        let mapping_of_queue =
            Mapping::start(spec, sqs.clone(), Arc::clone(function), events.clone());
        started.push(mapping_of_queue.map_err(|error| {
            let (id, line) = (&mapping.logical_id, mapping.line);
            Error::new(format!("{id} (template line {line}): {error}"))
        })?);
    }
    Ok(started)
}

/// The queues that a function reads, which are those to report on.
fn consumed_queues(stack: &Stack) -> impl Iterator<Item = &Queue> {
    let consumed: BTreeSet<&str> = stack
        .event_source_mappings
        .iter()
        .filter_map(|mapping| match &mapping.source {
            EventSource::Queue { arn, .. } => Some(arn.as_str()),
            EventSource::Stream { .. } => None,
        })
        .collect();
    stack
        .queues
        .iter()
        .filter(move |queue| consumed.contains(queue.arn.as_str()))
}

fn is_dead_letter_queue(stack: &Stack, queue: &Queue) -> bool {
    let mut queues = stack.queues.iter();
    queues.any(|source| source.dead_letter_target.as_ref() == Some(&queue.arn))
}

/// Ends when the user or the system asks the process to.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the process ends by the signal itself; nothing is left to wait for.
    let _ended = tokio::signal::ctrl_c().await;
}

struct Sources {
    log_lines: UnboundedReceiver<LogLine>,
    mapping_events: UnboundedReceiver<MappingEvent>,
    published: UnboundedReceiver<Published>,
}

struct Run {
    setting: Setting,
    sqs: aws_sdk_sqs::Client,
    ledgers: BTreeMap<String, QueueLedger>,
    logs: Logs,
    metrics: Metrics,
    progress: Progress,
    started: Instant,
    last_arrival: Instant,
    published: u64,
    refused: u64,
    unrouted: BTreeSet<String>,
    idle_looks: u32,
    started_functions: BTreeSet<String>,
    failed_starts: u32,
}

impl Run {
    async fn watch(
        &mut self,
        sources: &mut Sources,
        mut publishing: JoinHandle<Result<(), Error>>,
    ) -> Result<(), Error> {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_published = false;
        let mut interrupted = std::pin::pin!(interrupted());
        loop {
            tokio::select! {
                Some(line) = sources.log_lines.recv() => self.log_line(&line),
                Some(event) = sources.mapping_events.recv() => self.mapping_event(event)?,
                Some(message) = sources.published.recv() => self.published(message),
                ended = &mut publishing, if !is_published => {
                    is_published = true;
                    ended.map_err(|error| Error::new(format!("publishing stopped: {error}")))??;
                }
                () = &mut interrupted => {
                    publishing.abort();
                    return Ok(());
                }
                _ = ticks.tick() => {
                    let report = self.live_report().await?;
                    self.progress.show(&report, self.started.elapsed());
                    let all_read = sources.published.is_empty();
                    if self.setting.until_idle && is_published && all_read && self.is_idle(&report) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Idle twice in a row: a message between topic and queue is in neither.
    fn is_idle(&mut self, report: &Report) -> bool {
        let nothing_left = report.queues.values().all(|queue| queue.left == 0);
        let all_arrived = self.ledgers.values().all(|ledger| ledger.missing() == 0);
        let waited = self.last_arrival.elapsed() >= ARRIVAL;
        let idle = nothing_left && (all_arrived || waited);
        self.idle_looks = if idle { self.idle_looks + 1 } else { 0 };
        self.idle_looks >= 2
    }

    fn drain(&mut self, sources: &mut Sources) {
        while let Ok(line) = sources.log_lines.try_recv() {
            self.log_line(&line);
        }
        while let Ok(event) = sources.mapping_events.try_recv() {
            // What stopped the run was said already; the rest is counted.
            let _already_said = self.mapping_event(event);
        }
        while let Ok(message) = sources.published.try_recv() {
            self.published(message);
        }
    }

    fn log_line(&mut self, line: &LogLine) {
        self.logs.write(line);
        self.metrics.line(&line.line);
    }

    fn published(&mut self, message: Published) {
        self.last_arrival = Instant::now();
        match message {
            Published::Message { body, queues } => {
                self.published += 1;
                for queue in queues {
                    if let Some(ledger) = self.ledgers.get_mut(&queue) {
                        ledger.expect(&body);
                    }
                }
            }
            Published::Refused { event_id, reason } => {
                self.refused += 1;
                self.say(&format!("{event_id} not published: {reason}"));
            }
            Published::Unrouted { event_id } => {
                if self.unrouted.insert(event_id.clone()) {
                    self.say(&format!(
                        "{event_id}: no subscription's filter policy lets it through"
                    ));
                }
            }
        }
    }

    fn mapping_event(&mut self, event: MappingEvent) -> Result<(), Error> {
        match event {
            MappingEvent::Received {
                queue_arn,
                messages,
            } => {
                self.last_arrival = Instant::now();
                let ledger = self.ledgers.entry(queue_arn.to_string()).or_default();
                for message in messages {
                    ledger.received(&message.message_id, &message.body);
                }
            }
            MappingEvent::Deleted {
                queue_arn,
                message_ids,
            } => {
                let ledger = self.ledgers.entry(queue_arn.to_string()).or_default();
                message_ids.iter().for_each(|id| ledger.deleted(id));
            }
            MappingEvent::Filtered {
                queue_arn,
                message_ids,
            } => {
                let ledger = self.ledgers.entry(queue_arn.to_string()).or_default();
                message_ids.iter().for_each(|id| ledger.filtered(id));
            }
            MappingEvent::Invoked {
                function,
                request_id,
                outcome: Err(error),
                ..
            } => {
                self.metrics.invocation_failed(&request_id);
                self.invocation_failed(&function, &error)?;
            }
            MappingEvent::Invoked { function, .. } => {
                self.started_functions.insert(function);
            }
            MappingEvent::Problem { text, .. } => self.say(&text),
            // What is returned comes back or is found in a DLQ; nothing to book.
            _ => {}
        }
        Ok(())
    }

    /// A function that never started ends the run, with its own words: nothing would ever be
    /// handled. Anything else is what Lambda would live with.
    fn invocation_failed(&mut self, function: &str, error: &InvokeError) -> Result<(), Error> {
        if let InvokeError::InitFailed { output, .. } = error
            && !self.started_functions.contains(function)
        {
            self.failed_starts += 1;
            if self.failed_starts < FAILED_STARTS {
                return Ok(());
            }
            self.progress.clear();
            output
                .iter()
                .for_each(|line| eprintln!("{function} | {line}"));
            return Err(Error::new(format!("function {function}: {error}")));
        }
        if !matches!(error, InvokeError::InitFailed { .. }) {
            self.started_functions.insert(function.to_owned());
        }
        self.say(&format!("{function}: {error}; its batch comes back"));
        Ok(())
    }

    /// The state of all queues; what arrived is known only once it was received.
    async fn live_report(&self) -> Result<Report, Error> {
        let mut report = Report {
            published: self.published,
            seconds: self.started.elapsed().as_secs_f64(),
            ..Report::default()
        };
        for queue in consumed_queues(&self.setting.stack) {
            let left = queues::depth(&self.sqs, &queue.url).await?;
            let ledger = &self.ledgers[&queue.arn];
            let dead_lettered = ledger.arrived() - ledger.deletions().min(ledger.arrived());
            let evidence = Evidence {
                left,
                ..Evidence::default()
            };
            let line = self.queue_report(queue, &evidence, dead_lettered.saturating_sub(left));
            report.queues.insert(queue.name.clone(), line);
        }
        Ok(report)
    }

    fn queue_report(&self, queue: &Queue, evidence: &Evidence, dead_lettered: u64) -> QueueReport {
        let ledger = &self.ledgers[&queue.arn];
        let counts = self.metrics.of(&queue.name);
        let handled = ["succeeded", "duplicate", "skipped"];
        let all: u64 = counts.iter().sum();
        QueueReport {
            messages: ledger.arrived() + ledger.never_received(evidence),
            receives: ledger.receives(),
            succeeded: count(&counts, "succeeded"),
            duplicates: count(&counts, "duplicate"),
            skipped: count(&counts, "skipped") + ledger.filter_count(),
            retried: all
                - handled
                    .iter()
                    .map(|metric| count(&counts, metric))
                    .sum::<u64>(),
            dead_lettered,
            left: evidence.left,
        }
    }

    /// Asks the queues, the dead-letter queues and the dedup tables what there is to show.
    async fn final_report(&mut self) -> Result<Report, Error> {
        let stack = Arc::clone(&self.setting.stack);
        for queue in stack
            .queues
            .iter()
            .filter(|queue| is_dead_letter_queue(&stack, queue))
        {
            let ids = queues::message_ids(&self.sqs, &queue.url).await?;
            for source in consumed_queues(&stack)
                .filter(|source| source.dead_letter_target.as_ref() == Some(&queue.arn))
            {
                let ledger = self.ledgers.entry(source.arn.clone()).or_default();
                ids.iter().for_each(|id| ledger.dead_lettered(id));
            }
        }
        let mut report = Report {
            published: self.published,
            seconds: self.started.elapsed().as_secs_f64(),
            ..Report::default()
        };
        for queue in consumed_queues(&stack) {
            let evidence = Evidence {
                left: queues::depth(&self.sqs, &queue.url).await?,
                done: self.completed(&stack, queue).await?,
                skipped: count(&self.metrics.of(&queue.name), "skipped"),
            };
            let ledger = &self.ledgers[&queue.arn];
            report.lost += ledger.lost(&evidence);
            let line = self.queue_report(queue, &evidence, ledger.dead_letters());
            report.queues.insert(queue.name.clone(), line);
        }
        Ok(report)
    }

    /// Event ids with a completed dedup record, if the queue's worker is one of Fanline's and
    /// deduplicates by event id.
    async fn completed(
        &self,
        stack: &Stack,
        queue: &Queue,
    ) -> Result<Option<BTreeSet<String>>, Error> {
        let Some(consumer) = self.metrics.consumer_by_event_id(&queue.name) else {
            return Ok(None);
        };
        let reads_queue = |mapping: &&template::EventSourceMapping| matches!(&mapping.source, EventSource::Queue { arn, .. } if *arn == queue.arn);
        let mapping = stack.event_source_mappings.iter().find(reads_queue);
        let function = mapping.and_then(|mapping| stack.function(&mapping.function));
        let Some(table) = function.and_then(|function| function.environment.get(DEDUP_TABLE))
        else {
            return Ok(None);
        };
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.setting.config);
        queues::completed_keys(&dynamodb, table, consumer)
            .await
            .map(Some)
    }

    fn say(&mut self, text: &str) {
        self.progress.clear();
        eprintln!("fanline: {text}");
    }
}

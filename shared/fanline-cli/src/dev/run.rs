//! One run: functions and mappings started, events published, everything observed, all of it
//! ended in order.

use std::{pin::Pin, time::Duration};

use futures_util::future::{join_all, join4};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    books::Books,
    logs::{self, Logs},
    progress::Progress,
    publishing::{self, Published, Routes},
    report::Report,
    start::{Functions, Setting, warm},
    topics, urls,
};
use crate::{
    Error,
    function_url::{Served, UrlServer},
    interrupt::interrupted,
    lambda::LogLine,
    mapping::{Fed, Mapping, MappingEvent, stream::StreamMapping},
    publish::events_file::EventsFile,
    schedule::Schedules,
    template::EventSource,
};

/// Between two looks at the queues.
const LOOK: Duration = Duration::from_millis(200);

/// Looks in a row that may fail: a stand-in that is busy answers again within seconds.
const FAILED_LOOKS: u32 = 25;

/// Idle looks before the end where streams are read: longer than a reader pauses after an error.
const STREAM_LOOKS: u32 = 10;

/// How long a published message may take to show up in a queue before `--until-idle` stops
/// waiting for it. The engine needs none of it; LocalStack delivers in the background.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Runs until idle or interrupted; returns the result and how many messages were refused.
pub(super) async fn run(
    mut setting: Setting,
    events: EventsFile,
    interrupted: impl Future<Output = ()>,
) -> Result<(Report, u64), Error> {
    let mut interrupted = std::pin::pin!(interrupted);
    let routes = Routes::new(&setting.stack)?;
    let (log_sink, log_lines) = unbounded_channel();
    let functions = setting.functions(&log_sink);
    let warmed = tokio::select! {
        warmed = warm(&functions) => warmed.map(|()| true),
        () = &mut interrupted => Ok(false),
    };
    if !matches!(warmed, Ok(true)) {
        shut_down(&functions).await;
        return warmed.map(|_| (Report::default(), 0));
    }
    let (event_sink, mapping_events) = unbounded_channel();
    let sqs = aws_sdk_sqs::Client::new(&setting.config);
    let mappings = setting.start_mappings(&functions, &sqs, &event_sink)?;
    let (fed_sink, fed) = unbounded_channel();
    let streams = setting.start_streams(&functions, &fed_sink)?;
    let topics = setting.topics.take().map(|(server, invocations)| {
        let functions = functions.clone();
        tokio::spawn(topics::invoke(
            invocations,
            functions,
            server,
            fed_sink.clone(),
        ))
    });
    let (schedule_sink, scheduled) = unbounded_channel();
    let (served_sink, served) = unbounded_channel();
    let books = Books::new(&setting);
    let urls = urls::start(std::mem::take(&mut setting.urls), &functions, &served_sink)?;
    let schedules = setting.start_schedules(&functions, &schedule_sink);
    let (publish_sink, published) = unbounded_channel();
    let config = setting.config.clone();
    let publishing = tokio::spawn(publishing::publish(config, routes, events, publish_sink));
    drop((log_sink, event_sink, fed_sink, schedule_sink, served_sink));

    let mut run = Run {
        books,
        logs: Logs::new(logs::folder(&setting.folder)),
        progress: Progress::new(),
        started: Instant::now(),
        last_arrival: Instant::now(),
        idle_looks: 0,
        failed_looks: 0,
        sqs,
        setting,
    };
    let mut sources = Sources {
        log_lines,
        mapping_events,
        fed,
        scheduled,
        served,
        published,
    };
    let ended = run.watch(&mut sources, publishing, interrupted).await;
    run.progress.clear();
    stop(mappings, streams, urls, schedules).await;
    if let Some(topics) = topics {
        topics.abort();
        // Its share of the engine goes with it.
        let _ended = topics.await;
    }
    shut_down(&functions).await;
    drop(functions);
    run.drain(&mut sources);
    ended?;
    let refused = run.books.refused;
    let elapsed = run.started.elapsed();
    let report = run.books.last(&run.setting, &run.sqs, elapsed).await?;
    Ok((report, refused))
}

/// Lets invocations finish, unless a second interrupt says that it takes too long; what they had
/// in hand is then still in the queue.
async fn stop(
    mappings: Vec<Mapping>,
    streams: Vec<StreamMapping>,
    urls: Vec<UrlServer>,
    schedules: Schedules,
) {
    let mappings = join_all(mappings.into_iter().map(Mapping::stop));
    let streams = join_all(streams.into_iter().map(StreamMapping::stop));
    let urls = join_all(urls.into_iter().map(UrlServer::stop));
    let stopping = join4(mappings, streams, urls, schedules.stop());
    tokio::select! {
        _ = stopping => {}
        () = interrupted() => eprintln!("fanline: stopped without waiting for running invocations"),
    }
}

async fn shut_down(functions: &Functions) {
    join_all(functions.values().map(|function| function.shutdown())).await;
}

struct Sources {
    log_lines: UnboundedReceiver<LogLine>,
    mapping_events: UnboundedReceiver<MappingEvent>,
    fed: UnboundedReceiver<Fed>,
    scheduled: UnboundedReceiver<Fed>,
    served: UnboundedReceiver<Served>,
    published: UnboundedReceiver<Published>,
}

struct Run {
    setting: Setting,
    sqs: aws_sdk_sqs::Client,
    books: Books,
    logs: Logs,
    progress: Progress,
    started: Instant,
    last_arrival: Instant,
    idle_looks: u32,
    failed_looks: u32,
}

impl Run {
    async fn watch(
        &mut self,
        sources: &mut Sources,
        mut publishing: JoinHandle<()>,
        mut interrupted: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), Error> {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_published = false;
        loop {
            tokio::select! {
                Some(line) = sources.log_lines.recv() => self.log_line(&line),
                Some(event) = sources.mapping_events.recv() => self.mapping_event(event),
                Some(event) = sources.fed.recv() => self.fed(event),
                Some(event) = sources.scheduled.recv() => self.scheduled(event),
                Some(served) = sources.served.recv() => self.served(served),
                Some(message) = sources.published.recv() => self.published(message),
                ended = &mut publishing, if !is_published => {
                    is_published = true;
                    ended.map_err(|error| Error::new(format!("publishing stopped: {error}")))?;
                }
                () = &mut interrupted => {
                    publishing.abort();
                    self.say("letting invocations finish; Ctrl-C again to end at once");
                    return Ok(());
                }
                _ = ticks.tick() => {
                    let may_end = is_published && sources.published.is_empty();
                    if self.look().await? && may_end && self.setting.until_idle {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Shows the state of the queues; tells whether nothing is going on.
    async fn look(&mut self) -> Result<bool, Error> {
        let elapsed = self.started.elapsed();
        match self.books.live(&self.setting, &self.sqs, elapsed).await {
            Ok(report) => {
                self.failed_looks = 0;
                self.progress.show(&report, elapsed);
                Ok(self.is_idle(&report))
            }
            Err(error) => {
                self.failed_looks += 1;
                match self.failed_looks < FAILED_LOOKS {
                    true => Ok(false),
                    false => Err(error),
                }
            }
        }
    }

    /// Idle several times in a row: a message between topic and queue is in neither, and what a
    /// stream holds is seen only once it is read.
    fn is_idle(&mut self, report: &Report) -> bool {
        let nothing_left = report.queues.values().all(|queue| queue.left == 0)
            && report.functions.values().all(|function| function.left == 0);
        let waited = self.last_arrival.elapsed() >= ARRIVAL;
        let idle = nothing_left && (self.books.all_arrived() || waited);
        self.idle_looks = if idle { self.idle_looks + 1 } else { 0 };
        let mappings = self.setting.stack.event_source_mappings.iter();
        let reads_streams = mappings
            .filter(|mapping| mapping.enabled)
            .any(|mapping| matches!(mapping.source, EventSource::Stream { .. }));
        let needed = if reads_streams { STREAM_LOOKS } else { 2 };
        self.idle_looks >= needed
    }

    fn drain(&mut self, sources: &mut Sources) {
        while let Ok(line) = sources.log_lines.try_recv() {
            self.log_line(&line);
        }
        while let Ok(event) = sources.mapping_events.try_recv() {
            self.mapping_event(event);
        }
        while let Ok(event) = sources.fed.try_recv() {
            self.fed(event);
        }
        while let Ok(event) = sources.scheduled.try_recv() {
            self.scheduled(event);
        }
        while let Ok(served) = sources.served.try_recv() {
            self.served(served);
        }
        while let Ok(message) = sources.published.try_recv() {
            self.published(message);
        }
    }

    fn log_line(&mut self, line: &LogLine) {
        self.logs.write(line);
        self.books.metrics.line(&line.line);
    }

    fn published(&mut self, message: Published) {
        self.last_arrival = Instant::now();
        if let Some(text) = self.books.publication(message) {
            self.say(&text);
        }
    }

    fn mapping_event(&mut self, event: MappingEvent) {
        if matches!(event, MappingEvent::Received { .. }) {
            self.last_arrival = Instant::now();
        }
        if let Some(text) = self.books.mapping_event(event) {
            self.say(&text);
        }
    }

    fn fed(&mut self, event: Fed) {
        if let Some(text) = self.books.fed(event) {
            self.say(&text);
        }
    }

    fn scheduled(&mut self, event: Fed) {
        if let Some(text) = self.books.scheduled(event) {
            self.say(&text);
        }
    }

    fn served(&mut self, served: Served) {
        if let Some(text) = self.books.served(served) {
            self.say(&text);
        }
    }

    fn say(&mut self, text: &str) {
        self.progress.clear();
        eprintln!("fanline: {text}");
    }
}

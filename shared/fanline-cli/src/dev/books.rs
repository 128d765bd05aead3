//! Everything a run observes, and the reports made from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    ledger::{Evidence, QueueLedger},
    metrics::{Metrics, count},
    publishing::Published,
    queues,
    report::{FunctionReport, QueueReport, Report, UrlReport},
    start::{Setting, polled_queues},
};
use crate::{
    Error,
    advice::DEDUP_TABLE,
    function_url::Served,
    mapping::{Fed, MappingEvent},
    template::{EventSource, EventSourceMapping, Queue},
};

/// What was published, received, deleted and said.
pub(super) struct Books {
    ledgers: BTreeMap<String, QueueLedger>,
    pub(super) metrics: Metrics,
    pub(super) published: u64,
    pub(super) refused: u64,
    unrouted: BTreeSet<String>,
    /// Functions that streams and topics feed, by name.
    functions: BTreeMap<String, FunctionReport>,
    /// By name. Apart from the functions: a run does not wait for the clock.
    schedules: BTreeMap<String, FunctionReport>,
    /// By the function's name.
    urls: BTreeMap<String, UrlReport>,
}

impl Books {
    pub(super) fn new(setting: &Setting) -> Self {
        let ledgers = polled_queues(&setting.stack);
        let schedules = setting.plans.iter();
        let urls = setting.urls.iter().map(|url| {
            let report = UrlReport {
                url: url.address.clone(),
                ..UrlReport::default()
            };
            (url.function.clone(), report)
        });
        Self {
            ledgers: ledgers
                .map(|queue| (queue.arn.clone(), QueueLedger::default()))
                .collect(),
            metrics: Metrics::default(),
            published: 0,
            refused: 0,
            unrouted: BTreeSet::new(),
            functions: BTreeMap::new(),
            schedules: schedules
                .map(|plan| (plan.name.clone(), FunctionReport::default()))
                .collect(),
            urls: urls.collect(),
        }
    }

    /// Books a publication; returns what a person should be told of it.
    pub(super) fn publication(&mut self, message: Published) -> Option<String> {
        match message {
            Published::Message { body, queues } => {
                self.published += 1;
                for queue in queues {
                    if let Some(ledger) = self.ledgers.get_mut(&queue) {
                        ledger.expect(&body);
                    }
                }
                None
            }
            Published::Refused { event_id, reason } => {
                self.refused += 1;
                Some(format!("{event_id} not published: {reason}"))
            }
            Published::Unrouted { event_id } => self
                .unrouted
                .insert(event_id.clone())
                .then(|| format!("{event_id}: no subscription's filter policy lets it through")),
        }
    }

    /// Books a step of a mapping; returns what a person should be told of it.
    pub(super) fn mapping_event(&mut self, event: MappingEvent) -> Option<String> {
        match event {
            MappingEvent::Received {
                queue_arn,
                messages,
            } => {
                let ledger = self.ledger(&queue_arn);
                for message in messages {
                    ledger.received(&message.message_id, &message.body, &message.attributes);
                }
            }
            MappingEvent::Deleted {
                queue_arn,
                message_ids,
            } => {
                let ledger = self.ledger(&queue_arn);
                message_ids.iter().for_each(|id| ledger.deleted(id));
            }
            MappingEvent::Filtered {
                queue_arn,
                message_ids,
            } => {
                let ledger = self.ledger(&queue_arn);
                message_ids.iter().for_each(|id| ledger.filtered(id));
            }
            MappingEvent::Invoked {
                queue_arn,
                function,
                request_id,
                batch_size,
                outcome: Err(error),
                ..
            } => {
                self.metrics.invocation_failed(&request_id);
                self.ledger(&queue_arn).crashed(batch_size);
                return Some(format!("{function}: {error}; its batch comes back"));
            }
            MappingEvent::Problem { text, .. } => return Some(text),
            // What is returned comes back or is found in a DLQ; nothing to book.
            _ => {}
        }
        None
    }

    /// Books what became of something that no queue holds; returns what a person should be told.
    pub(super) fn fed(&mut self, event: Fed) -> Option<String> {
        booked(&mut self.functions, event)
    }

    /// Books what became of a firing of a schedule; returns what a person should be told.
    pub(super) fn scheduled(&mut self, event: Fed) -> Option<String> {
        booked(&mut self.schedules, event)
    }

    /// Books an answer to a request; returns what a person should be told.
    pub(super) fn served(&mut self, served: Served) -> Option<String> {
        let row = self.urls.entry(served.function.to_string()).or_default();
        row.requests += 1;
        match served.status {
            500.. => row.server_errors += 1,
            400..500 => row.client_errors += 1,
            _ => {}
        }
        let (function, status) = (served.function, served.status);
        served
            .problem
            .map(|problem| format!("{function}: {problem}; answered {status}"))
    }

    fn ledger(&mut self, queue_arn: &str) -> &mut QueueLedger {
        self.ledgers.entry(queue_arn.to_owned()).or_default()
    }

    /// Whether every published message has been received at least once.
    pub(super) fn all_arrived(&self) -> bool {
        self.ledgers.values().all(|ledger| ledger.missing() == 0)
    }

    /// The state of all queues so far. Dead letters are what the workers say they have sent, and what
    /// was received and is neither deleted nor in the queue; the final report looks them up.
    pub(super) async fn live(
        &self,
        setting: &Setting,
        sqs: &aws_sdk_sqs::Client,
        elapsed: Duration,
    ) -> Result<Report, Error> {
        let mut report = self.empty_report(elapsed);
        for queue in polled_queues(&setting.stack) {
            let left = queues::depth(sqs, &queue.url).await?;
            let ledger = &self.ledgers[&queue.arn];
            let open = ledger.arrived().saturating_sub(ledger.deletions());
            let evidence = Evidence {
                left,
                ..Evidence::default()
            };
            let sent = count(&self.metrics.of(&queue.name), "dead_lettered");
            let line = self.line(queue, &evidence, open.saturating_sub(left), sent);
            report.queues.insert(queue.name.clone(), line);
        }
        Ok(report)
    }

    /// Asks the queues, the dead-letter queues and the dedup tables what there is to show.
    pub(super) async fn last(
        mut self,
        setting: &Setting,
        sqs: &aws_sdk_sqs::Client,
        elapsed: Duration,
    ) -> Result<Report, Error> {
        self.find_dead_letters(setting, sqs).await?;
        let mut report = self.empty_report(elapsed);
        for queue in polled_queues(&setting.stack) {
            let evidence = Evidence {
                left: queues::depth(sqs, &queue.url).await?,
                done: self.completed(setting, queue).await?,
                skipped: count(&self.metrics.of(&queue.name), "skipped"),
            };
            let ledger = &self.ledgers[&queue.arn];
            report.lost += ledger.lost(&evidence);
            let line = self.line(queue, &evidence, ledger.dead_letters(), 0);
            report.queues.insert(queue.name.clone(), line);
        }
        Ok(report)
    }

    fn empty_report(&self, elapsed: Duration) -> Report {
        Report {
            published: self.published,
            functions: self.functions.clone(),
            schedules: self.schedules.clone(),
            urls: self.urls.clone(),
            seconds: (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
            ..Report::default()
        }
    }

    /// `sent` are dead letters that count as deleted, since they were not looked up.
    fn line(&self, queue: &Queue, evidence: &Evidence, found: u64, sent: u64) -> QueueReport {
        let ledger = &self.ledgers[&queue.arn];
        let counts = self.metrics.of(&queue.name);
        let handled = ["succeeded", "duplicate", "skipped"].map(|metric| count(&counts, metric));
        let given_up = count(&counts, "dead_lettered");
        let reported = counts.iter().sum::<u64>() - handled.iter().sum::<u64>() - given_up;
        // A message whose visibility ended before it was deleted is recognised more than once, but
        // ends only once: the other deliveries came back.
        let acknowledged = (ledger.deletions() - ledger.filter_count()).saturating_sub(sent);
        let duplicates = handled[1].min(acknowledged.saturating_sub(handled[0] + handled[2]));
        QueueReport {
            messages: ledger.arrived() + ledger.never_received(evidence),
            receives: ledger.receives(),
            succeeded: handled[0],
            duplicates,
            skipped: handled[2] + ledger.filter_count(),
            retried: reported + ledger.crashes() + handled[1] - duplicates,
            dead_lettered: found + sent,
            left: evidence.left,
        }
    }

    async fn find_dead_letters(
        &mut self,
        setting: &Setting,
        sqs: &aws_sdk_sqs::Client,
    ) -> Result<(), Error> {
        for dlq in &setting.stack.queues {
            let is_source = |queue: &&Queue| queue.dead_letter_target.as_ref() == Some(&dlq.arn);
            let sources: Vec<&Queue> = polled_queues(&setting.stack).filter(is_source).collect();
            if sources.is_empty() {
                continue;
            }
            let ids = queues::dead_messages(sqs, &dlq.url).await?;
            for source in sources {
                let ledger = self.ledger(&source.arn);
                ids.iter().for_each(|id| ledger.dead_lettered(id));
            }
        }
        Ok(())
    }

    /// Event ids with a completed dedup record, if the queue's worker is one of Fanline's and
    /// deduplicates by event id.
    async fn completed(
        &self,
        setting: &Setting,
        queue: &Queue,
    ) -> Result<Option<BTreeSet<String>>, Error> {
        let Some(consumer) = self.metrics.consumer_by_event_id(&queue.name) else {
            return Ok(None);
        };
        let reads_queue = |mapping: &&EventSourceMapping| matches!(&mapping.source, EventSource::Queue { arn, .. } if *arn == queue.arn);
        let stack = &setting.stack;
        let mapping = stack.event_source_mappings.iter().find(reads_queue);
        let function = mapping.and_then(|mapping| stack.function(&mapping.function));
        let Some(table) = function.and_then(|function| function.environment.get(DEDUP_TABLE))
        else {
            return Ok(None);
        };
        let dynamodb = aws_sdk_dynamodb::Client::new(&setting.config);
        let completed = queues::completed_keys(&dynamodb, table, consumer).await;
        completed.map(Some)
    }
}

/// Books a step in the row of whom it is about; returns what a person should be told.
fn booked(rows: &mut BTreeMap<String, FunctionReport>, event: Fed) -> Option<String> {
    let mut row = |name: &Arc<str>, change: &dyn Fn(&mut FunctionReport)| {
        change(rows.entry(name.to_string()).or_default());
    };
    match event {
        Fed::Given { function, count } => row(&function, &|row| {
            row.events += count;
            row.left += count;
        }),
        Fed::Succeeded { function, count } => row(&function, &|row| {
            row.succeeded += count;
            row.left -= count;
        }),
        Fed::Retried {
            function,
            count,
            reason,
        } => {
            row(&function, &|row| row.retried += count);
            return Some(format!("{function}: {count} come again: {reason}"));
        }
        Fed::GivenUp {
            function,
            count,
            reason,
        } => {
            row(&function, &|row| {
                row.given_up += count;
                row.left -= count;
            });
            return Some(format!("{function}: {count} given up: {reason}"));
        }
        Fed::Problem { text } => return Some(text),
    }
    None
}

//! The result of a run: one table for people, one object for programs.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use serde::Serialize;

/// What became of the messages of one queue.
///
/// `messages` arrived; each ended in exactly one of succeeded, duplicates, skipped,
/// dead_lettered and left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueueReport {
    /// Messages that arrived in the queue.
    pub messages: u64,
    /// Deliveries, redeliveries included.
    pub receives: u64,
    /// The handler ran to its end.
    pub succeeded: u64,
    /// Recognised as done before, without effect.
    pub duplicates: u64,
    /// Deliveries that came back: failed, rejected, busy or not attempted.
    pub retried: u64,
    /// In the dead-letter queue.
    pub dead_lettered: u64,
    /// Still in the queue: visible, in flight or delayed.
    pub left: u64,
    /// Acknowledged unread, by a worker that is told to skip what it does not know.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What became of what a stream or a topic gave a function without a queue in between.
///
/// `events` were there for it; each ended in exactly one of succeeded, given_up and left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FunctionReport {
    /// Changes of tables and messages of topics.
    pub events: u64,
    /// The function handled them.
    pub succeeded: u64,
    /// Given again after a failure.
    pub retried: u64,
    /// Not given again: too many attempts, or too old.
    pub given_up: u64,
    /// On their way.
    pub left: u64,
}

/// What a function URL answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UrlReport {
    /// Its address.
    pub url: String,
    /// Requests answered.
    pub requests: u64,
    /// Those with a status from 400 to 499.
    pub client_errors: u64,
    /// Those with a status of 500 or more.
    pub server_errors: u64,
}

/// What became of everything that was published.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Messages published, copies counted.
    pub published: u64,
    /// By queue name.
    pub queues: BTreeMap<String, QueueReport>,
    /// By name, those that streams and topics feed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, FunctionReport>,
    /// By name, what invoked functions by the clock; each firing is an event.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub schedules: BTreeMap<String, FunctionReport>,
    /// Function URLs, by the function's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub urls: BTreeMap<String, UrlReport>,
    /// Deliveries that should exist and of which nothing can be shown; must be 0.
    pub lost: u64,
    /// From the first publish to the end.
    pub seconds: f64,
}

type Column<Row> = (&'static str, fn(&Row) -> u64);

const COLUMNS: [Column<QueueReport>; 7] = [
    ("messages", |queue| queue.messages),
    ("receives", |queue| queue.receives),
    ("succeeded", |queue| queue.succeeded),
    ("duplicates", |queue| queue.duplicates),
    ("retried", |queue| queue.retried),
    ("dead-lettered", |queue| queue.dead_lettered),
    ("left", |queue| queue.left),
];

const FUNCTION_COLUMNS: [Column<FunctionReport>; 5] = [
    ("events", |function| function.events),
    ("succeeded", |function| function.succeeded),
    ("retried", |function| function.retried),
    ("given up", |function| function.given_up),
    ("left", |function| function.left),
];

const URL_COLUMNS: [Column<UrlReport>; 3] = [
    ("requests", |url| url.requests),
    ("client errors", |url| url.client_errors),
    ("server errors", |url| url.server_errors),
];

/// Rows under a head, lined up.
fn table<Row>(head: &str, rows: &BTreeMap<String, Row>, columns: &[Column<Row>]) -> String {
    let names = rows.keys().map(String::len);
    let width = names.max().unwrap_or(0).max(head.len());
    let mut table = format!("{head:width$}");
    for (name, _) in columns {
        // Writing to a String cannot fail.
        let _ = write!(table, "  {name}");
    }
    for (name, row) in rows {
        let _ = write!(table, "\n{name:width$}");
        for (title, value) in columns {
            let _ = write!(table, "  {:>1$}", value(row), title.len());
        }
    }
    table
}

impl Report {
    /// The table, without a line break at its end.
    pub fn table(&self) -> String {
        let mut tables = Vec::new();
        if !self.functions.is_empty() {
            tables.push(table("function", &self.functions, &FUNCTION_COLUMNS));
        }
        if !self.schedules.is_empty() {
            tables.push(table("schedule", &self.schedules, &FUNCTION_COLUMNS));
        }
        if !self.urls.is_empty() {
            tables.push(table("function URL", &self.urls, &URL_COLUMNS));
        }
        // Also where there is nothing at all: an empty table says so.
        if !self.queues.is_empty() || tables.is_empty() {
            tables.insert(0, table("queue", &self.queues, &COLUMNS));
        }
        tables.join("\n\n")
    }

    /// The last line for people.
    pub fn summary(&self) -> String {
        format!(
            "{} published, {} lost, {:.1} s",
            self.published, self.lost, self.seconds
        )
    }

    /// One line per queue, for output that is no terminal.
    pub fn line(&self, elapsed: Duration) -> String {
        let queues = self.queues.iter().map(|(name, queue)| {
            let handled = queue.succeeded + queue.duplicates + queue.skipped;
            format!(
                "{name} {handled} handled, {} dead-lettered, {} left",
                queue.dead_lettered, queue.left
            )
        });
        let queues: Vec<String> = queues.collect();
        format!(
            "{:>5.1} s  {} published  {}",
            elapsed.as_secs_f64(),
            self.published,
            queues.join("  ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let queue = QueueReport {
            messages: 214,
            receives: 230,
            succeeded: 200,
            duplicates: 10,
            retried: 16,
            dead_lettered: 4,
            ..QueueReport::default()
        };
        Report {
            published: 214,
            queues: [("email-service-queue".to_owned(), queue)].into(),
            lost: 0,
            seconds: 18.25,
            ..Report::default()
        }
    }

    #[test]
    fn table_lines_up() {
        assert_eq!(
            report().table(),
            "queue                messages  receives  succeeded  duplicates  retried  dead-lettered  left\n\
             email-service-queue       214       230        200          10       16              4     0"
        );
        assert_eq!(report().summary(), "214 published, 0 lost, 18.2 s");
    }

    #[test]
    fn what_was_asked_and_what_the_clock_did_have_tables_of_their_own() {
        let url = UrlReport {
            url: "http://127.0.0.1:5001/".to_owned(),
            requests: 3,
            server_errors: 1,
            ..UrlReport::default()
        };
        let report = Report {
            schedules: [("SweeperEvery".to_owned(), FunctionReport::default())].into(),
            urls: [("order-api".to_owned(), url)].into(),
            ..Report::default()
        };
        assert_eq!(
            report.table(),
            "schedule      events  succeeded  retried  given up  left\n\
             SweeperEvery       0          0        0         0     0\n\n\
             function URL  requests  client errors  server errors\n\
             order-api            3              0              1"
        );
        let json = serde_json::to_string(&report).unwrap();
        let urls = r#""urls":{"order-api":{"url":"http://127.0.0.1:5001/","requests":3,"client_errors":0,"server_errors":1}}"#;
        assert!(json.contains(urls), "{json}");
    }

    #[test]
    fn json_has_the_documented_fields() {
        assert_eq!(
            serde_json::to_string(&report()).unwrap(),
            r#"{"published":214,"queues":{"email-service-queue":{"messages":214,"receives":230,"succeeded":200,"duplicates":10,"retried":16,"dead_lettered":4,"left":0}},"lost":0,"seconds":18.25}"#
        );
    }
}

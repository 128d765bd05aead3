//! The suite as a document for people: `docs/conformance.md`.

use crate::case::{Case, Topic};
use crate::record::Record;
use crate::run::{Results, Verdict};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

const INTRODUCTION: &str = "\
# Conformance

What AWS documents about SQS, SNS and DynamoDB, as cases that run through the AWS SDK for
Rust: against the engine (`localstack/engine`) on every test run, where each must pass, and
against LocalStack 4.14.0, whose results are recorded. This page is generated from the cases.

```sh
cargo nextest run -p fanline-engine --test conformance            # the engine
UPDATE=1 cargo nextest run -p fanline-engine --test conformance   # and renew this page
# The same calls against something else that speaks AWS's protocols, recorded as LocalStack:
CONFORMANCE_ENDPOINT=http://127.0.0.1:4566 UPDATE=1 cargo nextest run -p fanline-engine --test conformance
```

A case states what the linked document says. On the engine, time is moved; elsewhere it has
to be waited for, and cases that take longer than 8 seconds are not run.

No case asks for what AWS documents about its own scale: throttling, account quotas, the time
until a change has spread.

✓ does what the document says. ✗ does something else. ≠ does something else where the
document leaves it open. – was not run.
";

pub(crate) fn document(topics: &[Topic], engine: &Results, localstack: &Record) -> String {
    let report = Report {
        topics,
        engine,
        localstack,
    };
    let mut text = INTRODUCTION.to_owned();
    report.summary(&mut text);
    report.differences(&mut text);
    report.open_questions(&mut text);
    report.all_cases(&mut text);
    text
}

struct Report<'a> {
    topics: &'a [Topic],
    engine: &'a Results,
    localstack: &'a Record,
}

/// Writing to a `String` does not fail.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {{
        let _ = writeln!($text, $($format)*);
    }};
}

impl Report<'_> {
    fn summary(&self, text: &mut String) {
        line!(
            text,
            "\n| Topic | Cases | Engine | LocalStack 4.14 |\n|---|--:|--:|--:|"
        );
        for topic in self.topics {
            self.summary_line(text, topic.title, topic.cases.iter());
        }
        self.summary_line(text, "**All**", self.cases());
    }

    fn summary_line<'a>(
        &self,
        text: &mut String,
        title: &str,
        cases: impl Iterator<Item = &'a Case> + Clone,
    ) {
        line!(
            text,
            "| {title} | {} | {} | {} |",
            cases.clone().count(),
            tally(
                cases
                    .clone()
                    .map(|case| Sign::of(case, &self.engine_verdict(case)))
            ),
            tally(cases.map(|case| Sign::of(case, &self.localstack.verdict(case.id)))),
        );
    }

    fn differences(&self, text: &mut String) {
        line!(text, "\n## Where they differ\n");
        line!(
            text,
            "In each of these, AWS's document supports the engine.\n"
        );
        line!(
            text,
            "| Case | AWS's document | LocalStack 4.14 |\n|---|---|---|"
        );
        for case in self.cases() {
            if let (None, Verdict::Passed, Verdict::Failed(found)) = (
                case.open,
                self.engine_verdict(case),
                self.localstack.verdict(case.id),
            ) {
                let found = cell(&found);
                line!(
                    text,
                    "| `{}` | {} {} | {found} |",
                    case.id,
                    case.behaviour,
                    link(case)
                );
            }
        }
    }

    fn open_questions(&self, text: &mut String) {
        line!(text, "\n## What AWS's documents leave open\n");
        line!(
            text,
            "| Case | Documented | What the engine does beyond that | LocalStack 4.14 |\n|---|---|---|---|"
        );
        for case in self.cases() {
            if let Some(choice) = case.open {
                let localstack = match self.localstack.verdict(case.id) {
                    Verdict::Passed => "the same".to_owned(),
                    Verdict::Failed(found) => cell(&found),
                    Verdict::NotRun(reason) => reason,
                };
                line!(
                    text,
                    "| `{}` | {} {} | {choice} | {localstack} |",
                    case.id,
                    case.behaviour,
                    link(case)
                );
            }
        }
    }

    fn all_cases(&self, text: &mut String) {
        line!(text, "\n## All cases");
        for topic in self.topics {
            line!(text, "\n### {}\n", topic.title);
            line!(
                text,
                "| Case | Behaviour | Document | Engine | LocalStack |\n|---|---|---|:-:|:-:|"
            );
            for case in topic.cases {
                line!(
                    text,
                    "| `{}` | {} | {} | {} | {} |",
                    case.id,
                    case.behaviour,
                    link(case),
                    show(case, &self.engine_verdict(case)),
                    show(case, &self.localstack.verdict(case.id)),
                );
            }
        }
    }

    fn cases(&self) -> impl Iterator<Item = &Case> + Clone {
        self.topics.iter().flat_map(|topic| topic.cases)
    }

    fn engine_verdict(&self, case: &Case) -> Verdict {
        let unknown = || Verdict::NotRun("the run ended early".into());
        self.engine.get(case.id).cloned().unwrap_or_else(unknown)
    }
}

fn link(case: &Case) -> String {
    format!("[{}]({})", case.document.title, case.document.url)
}

/// What a cell shows of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Passed,
    Differs,
    /// Differs where the documents leave it open.
    DiffersAsAllowed,
    NotRun,
}

impl Sign {
    fn of(case: &Case, verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Passed,
            Verdict::Failed(_) if case.open.is_some() => Self::DiffersAsAllowed,
            Verdict::Failed(_) => Self::Differs,
            Verdict::NotRun(_) => Self::NotRun,
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Passed => "✓",
            Self::Differs => "✗",
            Self::DiffersAsAllowed => "≠",
            Self::NotRun => "–",
        })
    }
}

/// A sign, and why where there is none.
fn show(case: &Case, verdict: &Verdict) -> String {
    let sign = Sign::of(case, verdict);
    match verdict {
        Verdict::NotRun(reason) => format!("{sign} {reason}"),
        _ => sign.to_string(),
    }
}

/// `28 ✓ 2 ✗`.
fn tally(signs: impl Iterator<Item = Sign>) -> String {
    let mut counts = BTreeMap::new();
    for sign in signs {
        *counts.entry(sign).or_insert(0) += 1;
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(sign, count)| format!("{count} {sign}"))
        .collect();
    parts.join(" ")
}

/// Text that does not break out of its table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('\n', " ")
        .replace('<', "&lt;")
}

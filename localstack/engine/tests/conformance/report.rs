//! The suite as a document for people: `docs/conformance.md`.

use crate::case::{Case, Topic};
use crate::record::Record;
use crate::run::{Results, Verdict};
use std::fmt::Write as _;

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
to be waited for, and cases that take longer than 8 seconds are not run. ✓ passes, ✗ differs,
– not run.
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
            tally(cases.clone().map(|case| self.engine_verdict(case))),
            tally(cases.map(|case| self.localstack.verdict(case.id))),
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
            "| Case | Documented | What the engine does beyond that |\n|---|---|---|"
        );
        for case in self.cases() {
            if let Some(choice) = case.open {
                line!(
                    text,
                    "| `{}` | {} {} | {choice} |",
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
                    sign(&self.engine_verdict(case)),
                    sign(&self.localstack.verdict(case.id)),
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

fn sign(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => "✓".into(),
        Verdict::Failed(_) => "✗".into(),
        Verdict::NotRun(reason) => format!("– {reason}"),
    }
}

/// `30 ✓`, `28 ✓ 2 ✗`, with what was not run at the end.
fn tally(verdicts: impl Iterator<Item = Verdict>) -> String {
    let mut counts = [0; 3];
    for verdict in verdicts {
        counts[match verdict {
            Verdict::Passed => 0,
            Verdict::Failed(_) => 1,
            Verdict::NotRun(_) => 2,
        }] += 1;
    }
    let parts = counts.iter().zip(["✓", "✗", "–"]);
    let parts = parts.filter(|(count, _)| **count > 0);
    let parts: Vec<String> = parts
        .map(|(count, sign)| format!("{count} {sign}"))
        .collect();
    parts.join(" ")
}

/// Text that does not break out of its table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('\n', " ")
        .replace('<', "&lt;")
}

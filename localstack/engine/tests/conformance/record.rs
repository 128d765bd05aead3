//! What LocalStack did the last time the suite ran against it, as a file beside the suite.
//!
//! A case that is not in the file counts as not run: nothing is claimed that was not seen.

use crate::run::{Results, Verdict};
use std::collections::BTreeMap;

const PASSED: &str = "passed";
const NOT_RUN: &str = "not run: ";

/// Verdicts by id, as text: `passed`, `not run: why`, or what was found.
#[derive(Debug, Default)]
pub(crate) struct Record(BTreeMap<String, String>);

impl Record {
    pub(crate) fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    pub(crate) fn of(results: &Results) -> Self {
        let text = |verdict: &Verdict| match verdict {
            Verdict::Passed => PASSED.to_owned(),
            Verdict::NotRun(reason) => format!("{NOT_RUN}{reason}"),
            Verdict::Failed(found) => found.clone(),
        };
        let entries = results.0.iter();
        Self(
            entries
                .map(|(id, verdict)| ((*id).to_owned(), text(verdict)))
                .collect(),
        )
    }

    pub(crate) fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(&self.0).expect("text is always JSON");
        format!("{text}\n")
    }

    pub(crate) fn verdict(&self, id: &str) -> Verdict {
        match self.0.get(id).map(String::as_str) {
            None => Verdict::NotRun("not recorded yet".into()),
            Some(PASSED) => Verdict::Passed,
            Some(text) => match text.strip_prefix(NOT_RUN) {
                Some(reason) => Verdict::NotRun(reason.to_owned()),
                None => Verdict::Failed(text.to_owned()),
            },
        }
    }
}

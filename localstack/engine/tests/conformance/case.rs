//! A case: one sentence of documented behaviour and the calls that show it.
//!
//! A case fails by returning [`Failure`], never by panicking, so that the others still run.

use crate::document::Document;
use crate::target::Target;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// How a case ended.
pub(crate) type Outcome<Value = ()> = Result<Value, Failure>;

/// What was found instead of what AWS documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<String> for Failure {
    fn from(found: String) -> Self {
        Self(found)
    }
}

/// Cases about one part of a service.
#[derive(Clone, Copy)]
pub(crate) struct Topic {
    pub(crate) title: &'static str,
    pub(crate) cases: &'static [Case],
}

impl Topic {
    pub(crate) const fn new(title: &'static str, cases: &'static [Case]) -> Self {
        Self { title, cases }
    }
}

pub(crate) struct Case {
    /// Names the case in records and reports, and its queues and topics.
    pub(crate) id: &'static str,
    /// What AWS documents, in one sentence.
    pub(crate) behaviour: &'static str,
    pub(crate) document: Document,
    /// What the document leaves open, and what the engine chose.
    pub(crate) open: Option<&'static str>,
    /// How long it takes where time cannot be moved.
    pub(crate) takes: Duration,
    /// Whether it needs DynamoDB, which not every target has.
    pub(crate) needs_dynamodb: bool,
    /// Whether it may leave something behind that breaks a target for other cases.
    pub(crate) spoils: bool,
    pub(crate) run: fn(Target) -> Run,
}

pub(crate) type Run = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Gives the futures of all cases one type.
pub(crate) fn boxed(run: impl Future<Output = Outcome> + Send + 'static) -> Run {
    Box::pin(run)
}

impl Case {
    /// The case, with what AWS's document leaves open and what the engine chose.
    pub(crate) const fn open(mut self, choice: &'static str) -> Self {
        self.open = Some(choice);
        self
    }

    /// The case, which lets this many seconds pass.
    pub(crate) const fn takes(mut self, seconds: u64) -> Self {
        self.takes = Duration::from_secs(seconds);
        self
    }

    /// The case, which is run after all others.
    pub(crate) const fn spoils(mut self) -> Self {
        self.spoils = true;
        self
    }

    /// The case, which is about DynamoDB.
    pub(crate) const fn on_dynamodb(mut self) -> Self {
        self.needs_dynamodb = true;
        self
    }
}

/// `case!("id", "Sentence.", DOCUMENT, |target| { calls and checks })`; the block ends in
/// an [`Outcome`], and `?` works in it.
macro_rules! case {
    ($id:literal, $behaviour:literal, $document:expr, |$target:ident| $body:block) => {
        $crate::case::Case {
            id: $id,
            behaviour: $behaviour,
            document: $document,
            open: None,
            takes: std::time::Duration::ZERO,
            needs_dynamodb: false,
            spoils: false,
            run: |$target| $crate::case::boxed(async move { $body }),
        }
    };
}
pub(crate) use case;

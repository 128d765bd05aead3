//! Function URLs: an HTTP server on a port of its own for each, whose requests invoke the function.
//!
//! `event` and `answer` translate and know no I/O; `server` is what is left. The one thing to get
//! wrong: a client that goes away does not end its invocation, on Lambda nor here.
//!
//! What AWS documents: <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>. Where
//! that leaves something open, LocalStack's tests that were recorded on AWS decide
//! (`TestLambdaURL` in `tests/aws/services/lambda_/test_lambda.py` of localstack/localstack).

mod access;
mod answer;
mod body;
mod event;
mod refusal;
mod server;
mod text;

use std::sync::Arc;

pub use server::UrlServer;

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The function's name.
    pub function: Arc<str>,
    /// The status of the answer.
    pub status: u16,
    /// Why the function's own answer was not sent, in one line.
    pub problem: Option<String>,
}

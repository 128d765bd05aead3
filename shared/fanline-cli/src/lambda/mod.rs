//! The local Lambda service: runs function binaries built on `lambda_runtime`, unchanged, one
//! process per execution environment, each with a Runtime API of its own.
//!
//! The one thing to get wrong: an invocation that a process never read must go to another process
//! instead of failing, and one that it did read must never run a second time unasked. The module
//! `exchange` decides which is which.
//!
//! ```text
//! Function ── pool of ──> Sandbox ── owns ──> keeper task: process, listener, output readers
//!                            └── watches ──> Exchange: what the process and we have told each other
//! ```

mod asynchronous;
mod backoff;
mod clock;
mod environment;
mod error;
mod exchange;
mod failure;
mod function;
mod keeper;
mod once;
mod output;
mod process;
mod reply;
mod runtime_api;
mod sandbox;
mod spec;
mod watched;

pub(crate) use asynchronous::{GivenUp, invoke_asynchronously};
pub(crate) use clock::{now, since_epoch};
pub use error::{Ending, InvokeError};
pub use function::{Function, request_id};
pub(crate) use once::run_once;
pub use output::{LogLine, LogSink, Stream};
pub use spec::FunctionSpec;

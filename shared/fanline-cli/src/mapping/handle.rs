//! A running mapping: started, stopped, dropped.
//!
//! The one thing to get wrong: a stop that loses what it has begun. It ends the polling only;
//! batches that run are settled first.

use super::deliver::Context;
use super::filter::Filter;
use super::poller::Poller;
use super::report::MappingEvent;
use super::spec::{InvalidMapping, MappingSpec};
use crate::lambda::Function;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What a stop allows beyond the function's timeout: the start of a process, and deletes that have
/// to be repeated.
const STOP_MARGIN: Duration = Duration::from_secs(20);

/// A running event source mapping. Dropping it stops it at once: invocations that run are killed
/// and their messages come back.
pub struct Mapping {
    context: Arc<Context>,
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Mapping {
    /// Starts polling. `sqs` must allow calls of more than 20 seconds, the length of a long poll.
    pub fn start(
        spec: MappingSpec,
        sqs: aws_sdk_sqs::Client,
        function: Arc<Function>,
        events: mpsc::UnboundedSender<MappingEvent>,
    ) -> Result<Self, InvalidMapping> {
        spec.validate()?;
        let filter = Filter::new(&spec.filter_patterns)
            .map_err(|(number, problem)| InvalidMapping::Filter { number, problem })?;
        let queue_arn = spec.queue_arn.as_str().into();
        let context = Arc::new(Context {
            spec,
            queue_arn,
            sqs,
            function,
            events,
        });
        let (stopping, stopped) = watch::channel(false);
        let poller = Poller::new(Arc::clone(&context), filter, stopped);
        let task = tokio::spawn(poller.run());
        Ok(Self {
            context,
            stopping,
            task,
        })
    }

    /// Stops polling and waits until the batches that run are settled, for the function's timeout
    /// and some seconds more at the longest.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        let longest = self.context.function.spec().timeout + STOP_MARGIN;
        if timeout(longest, &mut self.task).await.is_err() {
            let text = format!(
                "batches were still running {} s after the stop and were given up; their messages come back",
                longest.as_secs()
            );
            self.context.problem(text);
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.task.abort();
    }
}

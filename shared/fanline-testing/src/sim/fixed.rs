//! Runs in which no seed decides how workers are hosted and when events come: small ones, to be compared with what is
//! deployed elsewhere.
//!
//! The one thing to get wrong: a batch that differs from the other side's. So nobody receives before all is there.

use std::{sync::Arc, time::Duration};

use fanline::{System, publish::Outgoing};

use super::{host::Hosting, simulation::Simulation};

/// How all workers of a run are hosted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The most messages of an invocation.
    pub batch_size: usize,
    /// Invocations of a worker at once.
    pub concurrency: usize,
    /// Of an invocation.
    pub timeout: Duration,
    /// The queues' `maxReceiveCount`.
    pub receives: u32,
    /// Of so many receives of each message nothing is heard again: the invocation ends without an answer, before the
    /// worker has begun. Only if no message of its batch was received more often.
    pub lost_receives: u32,
}

impl Fixed {
    /// Behind each other, so that their order is theirs.
    pub(super) fn moment(index: usize) -> Duration {
        Duration::from_secs(index as u64)
    }

    pub(super) fn hosting(self) -> Hosting {
        Hosting {
            batch_size: self.batch_size,
            window: Duration::ZERO,
            concurrency: self.concurrency,
            timeout: self.timeout,
            polls: false,
            begins: BEGINS,
            lost_receives: self.lost_receives,
        }
    }
}

/// Long after the last event of a small run.
const BEGINS: Duration = Duration::from_secs(60 * 60);

impl<App: Send + Sync + 'static> Simulation<App> {
    /// Hosts the workers so, and has all events in the queues, in order, before the first is received.
    pub fn fixed(mut self, fixed: Fixed) -> Self {
        self.fixed = Some(fixed);
        self
    }

    /// These messages, after the events added before. An event may be among them more than once, and what is no event is
    /// told by `"eventId":"…"` somewhere in its body.
    pub fn messages(mut self, messages: impl IntoIterator<Item = Outgoing>) -> Self {
        for message in messages {
            let make = move |_: usize, _: &dyn System| message.clone();
            self.events.push((1, Arc::new(make)));
        }
        self
    }
}

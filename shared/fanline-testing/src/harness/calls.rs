//! The calls that leave the pipeline, counted, and the fault that each of them meets.
//!
//! What could be got wrong is to have no await in them: calls to memory answer at once, and nothing
//! could be killed between a call and its effect, or between its effect and its answer.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::yield_now;

use crate::Fault;

/// What a worker asks of the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The dedup store is asked for the leases of a batch.
    Claim,
    /// The dedup store is told how leases end.
    Settle,
    /// The dedup store commits a handler's transaction, or the mark of one that is at most once.
    Commit,
    /// The queue is given dead letters.
    SendDeadLetters,
    /// The queue is told when messages shall come back.
    ChangeVisibility,
    /// A handler publishes, with a [`RecordingPublisher`](crate::RecordingPublisher) that the harness knows.
    Publish,
}

impl Step {
    /// The nth call of this kind from now on, from 1; the kind alone means the first.
    pub fn nth(self, number: usize) -> NthCall {
        NthCall {
            step: Some(self),
            number,
        }
    }
}

/// A call that is still to come: a number counts all of them from 1, a [`Step`] is the next of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NthCall {
    step: Option<Step>,
    number: usize,
}

impl From<usize> for NthCall {
    fn from(number: usize) -> Self {
        Self { step: None, number }
    }
}

impl From<Step> for NthCall {
    fn from(step: Step) -> Self {
        step.nth(1)
    }
}

/// Clones share what was called and what is to fail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    made: Vec<Step>,
    planned: Vec<(NthCall, Fault)>,
}

pub(crate) const REASON: &str = "injected fault";

impl Calls {
    pub(crate) fn plan(&self, call: NthCall, fault: Fault) {
        assert!(call.number > 0, "calls are numbered from 1");
        self.lock().planned.push((call, fault));
    }

    pub(crate) fn made(&self) -> Vec<Step> {
        self.lock().made.clone()
    }

    /// Makes a call, or what its fault leaves of it. `lost` is the answer of one that failed.
    pub(crate) async fn make<Answer>(
        &self,
        step: Step,
        call: impl Future<Output = Answer>,
        lost: impl FnOnce() -> Answer,
    ) -> Answer {
        let fault = self.begin(step);
        yield_now().await;
        if fault == Fault::HangBefore {
            pending::<()>().await;
        }
        let answer = match fault {
            Fault::Before => None,
            _ => Some(call.await),
        };
        yield_now().await;
        match (fault, answer) {
            (Fault::HangAfter, _) => pending().await,
            (Fault::None, Some(answer)) => answer,
            _ => lost(),
        }
    }

    /// Of several faults for one call, the first that was planned counts.
    fn begin(&self, step: Step) -> Fault {
        let mut contents = self.lock();
        contents.made.push(step);
        let mut met = None;
        contents.planned.retain_mut(|(call, fault)| {
            if call.step.is_some_and(|wanted| wanted != step) {
                return true;
            }
            call.number -= 1;
            if call.number == 0 {
                met.get_or_insert(*fault);
            }
            call.number > 0
        });
        met.unwrap_or(Fault::None)
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

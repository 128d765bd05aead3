//! What one process and its Runtime API have told each other: a pure state machine, so that the
//! races between "killed", "asked", "answered" and "timed out" have one place and no I/O.
//!
//! The one thing to get wrong: an invocation counts as reached only while its bytes may have been
//! read. Offered but not fetched, or sent on a connection that was reset with unread data, it never
//! ran.

use super::Ending;
use bytes::Bytes;
use std::sync::Arc;

/// What the function answered, an error being an answer too.
pub(super) type Answer = Result<Bytes, Failure>;

/// An error document of the function, or the Runtime API's refusal of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) error_type: String,
    pub(super) message: String,
}

/// One event on its way to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    pub(super) request_id: Arc<str>,
    pub(super) payload: Bytes,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    InitFailed(Failure),
    Idle,
    Offered(Invocation),
    Running {
        request_id: Arc<str>,
        connection: u64,
        unread: bool,
    },
    Answered(Answer),
}

/// How far a start or an invocation has come, as its sandbox needs to know it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The process has not asked for an event yet.
    Starting,
    /// It reported that its initialisation failed.
    InitFailed(Failure),
    /// It can be given an event.
    Idle,
    /// An event waits to be fetched.
    Offered,
    /// The process has the event.
    Running,
    /// It answered.
    Answered,
    /// The process is gone without an answer and cannot have seen the event.
    EndedUnreached(Ending),
    /// The process is gone without an answer; its handler may have run.
    Ended(Ending),
}

/// An answer that belongs to no running invocation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownRequest;

/// The state of one process.
#[derive(Debug)]
pub(super) struct Exchange {
    phase: Phase,
    ended: Option<Ending>,
    last_request: Option<Arc<str>>,
}

impl Exchange {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Starting,
            ended: None,
            last_request: None,
        }
    }

    pub(super) fn progress(&self) -> Progress {
        match (&self.phase, self.ended) {
            (Phase::Answered(_), _) => Progress::Answered,
            (Phase::InitFailed(failure), _) => Progress::InitFailed(failure.clone()),
            (Phase::Running { unread: false, .. }, Some(ending)) => Progress::Ended(ending),
            (_, Some(ending)) => Progress::EndedUnreached(ending),
            (Phase::Starting, None) => Progress::Starting,
            (Phase::Idle, None) => Progress::Idle,
            (Phase::Offered(_), None) => Progress::Offered,
            (Phase::Running { .. }, None) => Progress::Running,
        }
    }

    /// Whether the process still runs, as far as is known.
    pub(super) fn is_alive(&self) -> bool {
        self.ended.is_none()
    }

    /// The invocation that output belongs to: the running one, or the last one, because lines are
    /// read from a pipe and may arrive after the answer did.
    pub(super) fn last_request(&self) -> Option<Arc<str>> {
        self.last_request.clone()
    }

    /// Hands an event to an idle process. False when it is not idle, and then nothing changed.
    pub(super) fn offer(&mut self, invocation: Invocation) -> bool {
        let idle = self.phase == Phase::Idle && self.is_alive();
        if idle {
            self.phase = Phase::Offered(invocation);
        }
        idle
    }

    /// The process asks for its next event on `connection`.
    pub(super) fn ask(&mut self, connection: u64) -> Asked {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Starting => Asked::Ready,
            Phase::Offered(invocation) => {
                let request_id = Arc::clone(&invocation.request_id);
                self.last_request = Some(Arc::clone(&request_id));
                self.phase = Phase::Running {
                    request_id,
                    connection,
                    unread: false,
                };
                Asked::Given(invocation)
            }
            other => {
                self.phase = other;
                Asked::Nothing
            }
        }
    }

    /// The process answers the invocation `request_id`.
    pub(super) fn answer(
        &mut self,
        request_id: &str,
        answer: Answer,
    ) -> Result<(), UnknownRequest> {
        match &self.phase {
            Phase::Running {
                request_id: running,
                ..
            } if **running == *request_id => {
                self.phase = Phase::Answered(answer);
                Ok(())
            }
            _ => Err(UnknownRequest),
        }
    }

    /// The process reports that it cannot start. Later reports change nothing.
    pub(super) fn init_failed(&mut self, failure: Failure) {
        if self.phase == Phase::Starting {
            self.phase = Phase::InitFailed(failure);
        }
    }

    /// `connection` was reset by the process's side, which the kernel does when data was unread.
    pub(super) fn reset(&mut self, connection: u64) {
        if let Phase::Running {
            connection: carrier,
            unread,
            ..
        } = &mut self.phase
        {
            *unread |= *carrier == connection;
        }
    }

    /// The process is gone, and everything it had sent has been taken in.
    pub(super) fn ended(&mut self, ending: Ending) {
        self.ended = Some(ending);
    }

    /// Takes the answer and makes the process idle again.
    pub(super) fn take_answer(&mut self) -> Option<Answer> {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Answered(answer) => Some(answer),
            other => {
                self.phase = other;
                None
            }
        }
    }
}

/// What a process that asks for an event gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The process has just become ready; there is no event yet.
    Ready,
    /// An event to send.
    Given(Invocation),
    /// Nothing for now: keep the request open.
    Nothing,
}

#[cfg(test)]
#[path = "exchange/tests.rs"]
mod tests;

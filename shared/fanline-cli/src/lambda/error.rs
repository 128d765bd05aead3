//! How an invocation can fail. Each error prints as one line; output of the process is kept beside
//! it, because a reporter shows it as a block of its own.

use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

/// Why an invocation brought no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The function answered with an error; its process goes on.
    #[error("function error {error_type}: {}", one_line(.message))]
    FunctionError {
        /// The type the function named, `Unhandled` when it named none.
        error_type: String,
        /// The function's own message.
        message: String,
    },
    /// The process ended in the middle of the invocation.
    #[error("the process {ending} during the invocation")]
    Crashed {
        /// Exit status or signal.
        ending: Ending,
    },
    /// The invocation took longer than the function's timeout; the process was killed.
    #[error("timed out after {:.2} s: the process was killed", .after.as_secs_f64())]
    TimedOut {
        /// The function's timeout.
        after: Duration,
    },
    /// No process could be brought to ask for its first event.
    #[error("the function did not start: {}", one_line(.reason))]
    InitFailed {
        /// What happened, and what was expected.
        reason: String,
        /// The last lines the process wrote, oldest first.
        output: Vec<String>,
    },
    /// As many invocations run as the function may have at once.
    #[error(
        "throttled: {limit} invocations run, which is as many as its reserved concurrency allows"
    )]
    Throttled {
        /// That many.
        limit: usize,
    },
    /// [`shutdown`](super::Function::shutdown) was called before or during the invocation.
    #[error("the function was shut down")]
    ShutDown,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It exited by itself, with this status.
    Status(i32),
    /// A signal ended it.
    Signal(i32),
    /// The operating system told neither.
    Unknown,
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::Signal(signal);
        }
        status.code().map_or(Self::Unknown, Self::Status)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(formatter, "exited with status {code}"),
            Self::Signal(signal) => write!(formatter, "was ended by signal {signal}"),
            Self::Unknown => formatter.write_str("ended for an unknown reason"),
        }
    }
}

/// Functions put whole backtraces into their messages; a line of a report holds the first line.
fn one_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_one_line() {
        let many = "first\nsecond\r\nthird".to_owned();
        let errors = [
            InvokeError::FunctionError {
                error_type: "Oops".into(),
                message: many.clone(),
            },
            InvokeError::Crashed {
                ending: Ending::Signal(9),
            },
            InvokeError::TimedOut {
                after: Duration::from_millis(1_500),
            },
            InvokeError::InitFailed {
                reason: many.clone(),
                output: vec![many],
            },
            InvokeError::Throttled { limit: 2 },
            InvokeError::ShutDown,
        ];
        let lines = errors.map(|error| error.to_string());
        assert_eq!(
            lines,
            [
                "function error Oops: first",
                "the process was ended by signal 9 during the invocation",
                "timed out after 1.50 s: the process was killed",
                "the function did not start: first",
                "throttled: 2 invocations run, which is as many as its reserved concurrency allows",
                "the function was shut down",
            ]
        );
    }
}

//! How a handler says that it did not succeed.

use std::{error::Error, fmt, time::Duration};

/// Any error a handler can meet.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A handler's failure: try again, wait until something is there again, or give up on this message.
///
/// `?` on any error is [`Failure::retry`]: what nobody thought about is tried again rather
/// than dropped.
///
/// ```
/// use fanline::Failure;
///
/// fn parse(amount: &str) -> Result<u64, Failure> {
///     if amount.is_empty() {
///         return Err(Failure::reject("amount is empty; no retry will fill it"));
///     }
///     Ok(amount.parse()?) // retried
/// }
/// assert!(parse("").unwrap_err().is_reject());
/// assert_eq!(parse("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    cause: BoxError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Retry { after: Option<Duration> },
    Unavailable,
    Reject,
}

impl Failure {
    /// The message may succeed later: it comes back after the wait of the worker's
    /// [`RetryPlan`](crate::RetryPlan).
    pub fn retry(cause: impl Into<BoxError>) -> Self {
        Self {
            kind: Kind::Retry { after: None },
            cause: cause.into(),
        }
    }

    /// As [`retry`](Self::retry), but after this wait: whoever refused said how long. SQS counts
    /// whole seconds, at most 12 hours.
    pub fn retry_after(wait: Duration, cause: impl Into<BoxError>) -> Self {
        Self {
            kind: Kind::Retry { after: Some(wait) },
            cause: cause.into(),
        }
    }

    /// Something that every message needs does not answer. The message comes back after a wait that
    /// grows from delivery to delivery, so that its attempts outlast an outage, and opens a
    /// [circuit breaker](crate::layers::CircuitBreaker) if the worker has one.
    /// [`Worker::map_failure`](crate::Worker::map_failure) makes it of errors, for all handlers.
    pub fn unavailable(cause: impl Into<BoxError>) -> Self {
        Self {
            kind: Kind::Unavailable,
            cause: cause.into(),
        }
    }

    /// No retry can help: the message is poison.
    pub fn reject(reason: impl Into<BoxError>) -> Self {
        Self {
            kind: Kind::Reject,
            cause: reason.into(),
        }
    }

    /// Whether this is a [`reject`](Self::reject).
    pub fn is_reject(&self) -> bool {
        self.kind == Kind::Reject
    }

    /// Whether this is [`unavailable`](Self::unavailable).
    pub fn is_unavailable(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// What went wrong, if it is an `E` or was caused by one.
    ///
    /// ```
    /// use std::io::{Error, ErrorKind};
    /// use fanline::Failure;
    ///
    /// let failure = Failure::retry(Error::from(ErrorKind::ConnectionRefused));
    /// let error = failure.downcast_ref::<Error>().unwrap();
    /// assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    /// assert!(failure.downcast_ref::<std::fmt::Error>().is_none());
    /// ```
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        let outermost: &(dyn Error + 'static) = self.cause.as_ref();
        std::iter::successors(Some(outermost), |&error| error.source())
            .find_map(|error| error.downcast_ref())
    }

    /// What went wrong, to make another kind of failure of it: `Failure::reject(failure.into_cause())`.
    pub fn into_cause(self) -> BoxError {
        self.cause
    }

    /// The wait that the handler asked for, with [`retry_after`](Self::retry_after).
    pub fn wait(&self) -> Option<Duration> {
        match self.kind {
            Kind::Retry { after } => after,
            Kind::Unavailable | Kind::Reject => None,
        }
    }
}

impl fmt::Display for Failure {
    /// The error and its causes, outermost first, joined by `: `.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.cause)?;
        let mut source = self.cause.source();
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

// `Failure` itself is no `Error`: only so can `?` turn every error into one.
impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

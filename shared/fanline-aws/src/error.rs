//! What a function's `main` returns.

use std::fmt;

use fanline::BoxError;

/// Any error that keeps a function from running.
///
/// Rust prints the `Debug` form of what `main` returns; here that is the message, on one line.
/// `?` turns every error into one.
pub struct Error(BoxError);

impl Error {
    /// An error from a text or another error.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Error {
    /// The error and its causes, outermost first, joined by `: `.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

// `Error` itself is no `std::error::Error`: only so can `?` turn every error into one.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

//! What SNS answers when it refuses a call.
//!
//! SNS puts "Invalid parameter: " in front of most messages; tools match on it.

use std::fmt;

/// Why SNS refused a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnsError {
    kind: SnsErrorKind,
    message: String,
}

/// The errors of the SNS API that this engine gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are AWS's own and documented there")]
pub enum SnsErrorKind {
    InvalidParameter,
    ParameterValueInvalid,
    NotFound,
    EmptyBatchRequest,
    TooManyEntriesInBatchRequest,
    BatchEntryIdsNotDistinct,
    InvalidBatchEntryId,
    BatchRequestTooLong,
    InvalidAction,
    InternalError,
}

impl SnsErrorKind {
    pub(crate) fn because(self, message: impl Into<String>) -> SnsError {
        SnsError {
            kind: self,
            message: message.into(),
        }
    }
}

impl SnsError {
    /// Which error it is.
    pub fn kind(&self) -> SnsErrorKind {
        self.kind
    }

    /// The `Code` in an XML error and in a failed batch entry.
    pub fn code(&self) -> String {
        format!("{:?}", self.kind)
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self.kind {
            SnsErrorKind::NotFound => 404,
            SnsErrorKind::InternalError => 500,
            _ => 400,
        }
    }
}

impl fmt::Display for SnsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for SnsError {}

/// "Invalid parameter: NAME Reason: REASON", as AWS words it.
pub(crate) fn invalid(parameter: &str, reason: impl fmt::Display) -> SnsError {
    SnsErrorKind::InvalidParameter
        .because(format!("Invalid parameter: {parameter} Reason: {reason}"))
}

pub(crate) fn no_such_topic() -> SnsError {
    SnsErrorKind::NotFound.because("Topic does not exist")
}

pub(crate) fn no_such_subscription() -> SnsError {
    SnsErrorKind::NotFound.because("Subscription does not exist")
}

//! What SQS answers when it refuses a call.
//!
//! Each error has two names: the JSON protocol's `__type` and the older query code,
//! which SDKs still compare because of the `x-amzn-query-error` header. Both are here,
//! so that they cannot drift apart.

use std::fmt;

/// Why SQS refused a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsError {
    kind: SqsErrorKind,
    message: String,
}

/// The errors of the SQS API that this engine gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are AWS's own and documented there")]
pub enum SqsErrorKind {
    QueueDoesNotExist,
    QueueNameExists,
    QueueDeletedRecently,
    InvalidParameterValue,
    MissingParameter,
    InvalidAttributeName,
    InvalidAttributeValue,
    ReceiptHandleIsInvalid,
    MessageNotInflight,
    EmptyBatchRequest,
    TooManyEntriesInBatchRequest,
    BatchEntryIdsNotDistinct,
    InvalidBatchEntryId,
    BatchRequestTooLong,
    InvalidMessageContents,
    PurgeQueueInProgress,
    OverLimit,
    UnsupportedOperation,
    ResourceNotFound,
    UnknownOperation,
    Serialization,
    InternalFailure,
}

impl SqsErrorKind {
    pub(crate) fn because(self, message: impl Into<String>) -> SqsError {
        SqsError {
            kind: self,
            message: message.into(),
        }
    }
}

impl SqsError {
    /// Which error it is.
    pub fn kind(&self) -> SqsErrorKind {
        self.kind
    }

    /// The JSON protocol's `__type`.
    pub fn json_type(&self) -> String {
        use SqsErrorKind as Kind;
        let (namespace, name) = match self.kind {
            Kind::InvalidParameterValue => {
                ("com.amazon.coral.service", "InvalidParameterValueException")
            }
            Kind::MissingParameter => (
                "com.amazon.coral.service",
                "MissingRequiredParameterException",
            ),
            Kind::UnknownOperation => ("com.amazon.coral.service", "UnknownOperationException"),
            Kind::Serialization => ("com.amazon.coral.service", "SerializationException"),
            Kind::ResourceNotFound => ("com.amazonaws.sqs", "ResourceNotFoundException"),
            kind => return format!("com.amazonaws.sqs#{kind:?}"),
        };
        format!("{namespace}#{name}")
    }

    /// The query protocol's code, also the `Code` of a failed batch entry.
    pub fn query_code(&self) -> String {
        use SqsErrorKind as Kind;
        match self.kind {
            Kind::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue".into(),
            Kind::QueueNameExists => "QueueAlreadyExists".into(),
            Kind::MessageNotInflight
            | Kind::QueueDeletedRecently
            | Kind::EmptyBatchRequest
            | Kind::TooManyEntriesInBatchRequest
            | Kind::BatchEntryIdsNotDistinct
            | Kind::InvalidBatchEntryId
            | Kind::BatchRequestTooLong
            | Kind::PurgeQueueInProgress
            | Kind::UnsupportedOperation => format!("AWS.SimpleQueueService.{:?}", self.kind),
            Kind::ResourceNotFound => "ResourceNotFoundException".into(),
            Kind::UnknownOperation => "InvalidAction".into(),
            Kind::Serialization => "MalformedInput".into(),
            kind => format!("{kind:?}"),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self.kind {
            SqsErrorKind::PurgeQueueInProgress | SqsErrorKind::OverLimit => 403,
            SqsErrorKind::ResourceNotFound => 404,
            SqsErrorKind::InternalFailure => 500,
            _ => 400,
        }
    }
}

impl fmt::Display for SqsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for SqsError {}

pub(crate) fn no_such_queue() -> SqsError {
    SqsErrorKind::QueueDoesNotExist.because("The specified queue does not exist.")
}

pub(crate) fn missing(parameter: &str) -> SqsError {
    SqsErrorKind::MissingParameter.because(format!(
        "The request must contain the parameter {parameter}."
    ))
}

pub(crate) fn invalid(parameter: &str, found: impl fmt::Display, reason: &str) -> SqsError {
    SqsErrorKind::InvalidParameterValue.because(format!(
        "Value {found} for parameter {parameter} is invalid. Reason: {reason}"
    ))
}

//! What cases check with. Each names what was looked at, what was found and what the
//! document says; the message is what readers of the report see.

use crate::case::{Failure, Outcome};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::fmt::Debug;

/// A call that should have succeeded turns into the failure of its case.
impl<Error: ProvideErrorMetadata + Debug> From<SdkError<Error, HttpResponse>> for Failure {
    fn from(error: SdkError<Error, HttpResponse>) -> Self {
        Self(format!("a call was refused: {}", describe(&error)))
    }
}

impl From<aws_smithy_types::error::operation::BuildError> for Failure {
    fn from(error: aws_smithy_types::error::operation::BuildError) -> Self {
        Self(format!("a request could not be built: {error}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("no JSON where JSON was expected: {error}"))
    }
}

/// `found` must be `expected`.
pub(crate) fn equal<Found, Expected>(what: &str, found: Found, expected: Expected) -> Outcome
where
    Found: Debug + PartialEq<Expected>,
    Expected: Debug,
{
    if found == expected {
        return Ok(());
    }
    Err(Failure(format!(
        "{what}: found {}, expected {}",
        shorten(&found),
        shorten(&expected)
    )))
}

/// `holds` must be true; otherwise `found` says what was the case instead.
pub(crate) fn ensure(holds: bool, found: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(Failure(found())) }
}

/// The value must be there.
pub(crate) fn some<Value>(what: &str, value: Option<Value>) -> Outcome<Value> {
    value.ok_or_else(|| Failure(format!("{what} is missing")))
}

/// The call must be refused with this error code and a status of the client's fault.
pub(crate) fn refused<Answer, Error: ProvideErrorMetadata + Debug>(
    answer: Result<Answer, SdkError<Error, HttpResponse>>,
    code: &str,
) -> Outcome {
    refused_with_one_of(answer, &[code])
}

/// As [`refused`], where AWS's documents name more than one code that would fit.
pub(crate) fn refused_with_one_of<Answer, Error: ProvideErrorMetadata + Debug>(
    answer: Result<Answer, SdkError<Error, HttpResponse>>,
    codes: &[&str],
) -> Outcome {
    let Err(error) = answer else {
        return Err(Failure(format!(
            "accepted, expected {}",
            codes.join(" or ")
        )));
    };
    is_clients_fault(&error)?;
    let found = error.code().unwrap_or("no code");
    ensure(codes.contains(&found), || {
        format!("refused with {found}, expected {}", codes.join(" or "))
    })
}

/// The call must be refused as the client's fault; the document names no code.
pub(crate) fn rejected<Answer, Error: ProvideErrorMetadata + Debug>(
    answer: Result<Answer, SdkError<Error, HttpResponse>>,
) -> Outcome {
    match answer {
        Ok(_) => Err(Failure("accepted, expected a refusal".into())),
        Err(error) => is_clients_fault(&error),
    }
}

/// Codes for actions that the target does not have. They are the client's fault by status,
/// but no refusal of what the client asked for.
const NOT_IMPLEMENTED: [&str; 3] = [
    "InvalidAction",
    "UnknownOperationException",
    "NotImplemented",
];

fn is_clients_fault<Error: ProvideErrorMetadata + Debug>(
    error: &SdkError<Error, HttpResponse>,
) -> Outcome {
    let status = error.raw_response().map(|response| response.status());
    let is_missing = error
        .code()
        .is_some_and(|code| NOT_IMPLEMENTED.contains(&code));
    let is_refusal = !is_missing && status.is_some_and(|status| status.is_client_error());
    ensure(is_refusal, || {
        format!("not refused as the client's fault: {}", describe(error))
    })
}

fn describe<Error: ProvideErrorMetadata + Debug>(error: &SdkError<Error, HttpResponse>) -> String {
    let status = error.raw_response().map(|response| response.status());
    match (error.code(), status) {
        (Some(code), _) => {
            let message: String = error
                .message()
                .unwrap_or_default()
                .chars()
                .take(120)
                .collect();
            format!("{code}: {}", message.replace('\n', " "))
        }
        (None, Some(status)) => format!("HTTP status {status} without a code"),
        (None, None) => shorten(error),
    }
}

fn shorten(value: &impl Debug) -> String {
    const LONGEST: usize = 160;
    let text = format!("{value:?}");
    if text.chars().count() <= LONGEST {
        return text;
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}…")
}

//! Answers that are not the function's own.
//!
//! The one thing to get wrong: an error's message is the function's business. A client of a function
//! URL learns no more than that there was one.

use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};

use crate::lambda::InvokeError;

/// The largest event that Lambda takes when somebody waits for the answer, as its error states it.
pub(super) const EVENT_LIMIT: usize = 6_291_456;

/// A request without a signature. Status and text are those that LocalStack recorded on AWS for a
/// caller without permission.
pub(super) fn forbidden() -> Response<Bytes> {
    let body = r#"{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}"#;
    refusal(
        StatusCode::FORBIDDEN,
        Some("AccessDeniedException"),
        body.to_owned(),
    )
}

/// A request whose event would be larger than Lambda takes. 413 is how Lambda refuses an Invoke; of
/// function URLs it does not say.
pub(super) fn too_large() -> Response<Bytes> {
    let body = format!(
        r#"{{"Message":"Request must be smaller than {EVENT_LIMIT} bytes for the InvokeFunction operation"}}"#
    );
    let error_type = "RequestEntityTooLargeException";
    refusal(StatusCode::PAYLOAD_TOO_LARGE, Some(error_type), body)
}

/// A request that ended before its body did; nobody is there to read this.
pub(super) fn broken() -> Response<Bytes> {
    let body = r#"{"Message":"the body ended early"}"#;
    refusal(StatusCode::BAD_REQUEST, None, body.to_owned())
}

/// A function that failed: 502 and this text were recorded on AWS for one that said so. A crash and
/// a timeout are function errors to Lambda as well; of their status it documents 5XX and no more
/// (<https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html>). Beyond the reserved
/// concurrency it is 429:
/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-throttling>.
pub(super) fn failed(error: &InvokeError) -> Response<Bytes> {
    match error {
        InvokeError::Throttled { .. } => {
            let body = r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#;
            let error_type = "TooManyRequestsException";
            refusal(
                StatusCode::TOO_MANY_REQUESTS,
                Some(error_type),
                body.to_owned(),
            )
        }
        InvokeError::ShutDown => {
            let body = r#"{"Message":"fanline dev is ending"}"#;
            refusal(StatusCode::SERVICE_UNAVAILABLE, None, body.to_owned())
        }
        _ => unusable(),
    }
}

/// A response that no answer can be made of.
pub(super) fn unusable() -> Response<Bytes> {
    refusal(
        StatusCode::BAD_GATEWAY,
        None,
        "Internal Server Error".to_owned(),
    )
}

fn refusal(status: StatusCode, error_type: Option<&'static str>, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(error_type) = error_type {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(error_type));
    }
    response
}

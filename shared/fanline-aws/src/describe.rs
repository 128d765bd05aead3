//! What a failed SDK call comes to, in one line without any part of the request or response body:
//! such lines end in logs, and bodies are payload.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The service's code and message, or why there was no answer.
pub fn describe<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let service = error.as_service_error().map(ProvideErrorMetadata::meta);
    match (
        error,
        service.and_then(|meta| meta.code()),
        service.and_then(|meta| meta.message()),
    ) {
        (_, Some(code), Some(message)) => format!("{code}: {message}"),
        (_, Some(code), None) => code.to_owned(),
        (SdkError::DispatchFailure(failure), ..) => {
            let cause = failure.as_connector_error().map(|error| root_cause(error));
            let cause = cause.unwrap_or_else(|| "no answer".to_owned());
            format!("endpoint not reachable ({cause}); is it running, and is the address right?")
        }
        (SdkError::TimeoutError(_), ..) => "no answer in time".to_owned(),
        (SdkError::ConstructionFailure(failure), ..) => {
            format!("the request could not be built: {failure:?}")
        }
        _ => "the answer is not one of this service; is the endpoint right?".to_owned(),
    }
}

fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

//! SDK clients for the engine, LocalStack or AWS, and errors that say which call failed and why.

use std::error::Error as StdError;

use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    provider::{SharedCredentialsProvider, error::CredentialsError},
};
use aws_sdk_sqs::{
    config::Region,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

use crate::Error;

/// Region of local stand-ins if none is configured.
pub const LOCAL_REGION: &str = "us-east-1";

/// Account of local stand-ins, in ARNs and queue URLs.
pub const LOCAL_ACCOUNT: &str = "000000000000";

/// The SDK configuration. With an endpoint, everything goes there, and region and credentials
/// are made up if there are none: local stand-ins take any.
///
/// # Errors
/// If the environment's settings cannot be used.
pub async fn config(endpoint_url: Option<&str>) -> Result<SdkConfig, Error> {
    let config = fanline_aws::sdk_config_for(endpoint_url)
        .await
        .map_err(|error| Error::new(error.to_string()))?;
    if endpoint_url.is_none() {
        // Without one the SDK's own complaint is about something else that it tried first.
        let regionless =
            "no AWS region; set AWS_REGION or AWS_PROFILE, or --endpoint-url for a local stand-in";
        return match config.region() {
            Some(_) => Ok(config),
            None => Err(Error::new(regionless)),
        };
    }
    let has_credentials = std::env::var_os("AWS_ACCESS_KEY_ID").is_some()
        || std::env::var_os("AWS_PROFILE").is_some();
    let mut builder = config.to_builder();
    if config.region().is_none() {
        builder = builder.region(Region::new(LOCAL_REGION));
    }
    if !has_credentials {
        let local = Credentials::new("local", "local", None, None, "fanline");
        builder = builder.credentials_provider(SharedCredentialsProvider::new(local));
    }
    Ok(builder.build())
}

/// The error of a failed call, in one line.
pub fn call_error<E: ProvideErrorMetadata>(call: &str, error: &SdkError<E, HttpResponse>) -> Error {
    Error::new(format!("{call}: {}", fanline_aws::describe(error)))
}

/// The error of a failed SQS call on a queue. If access was denied it says what to allow.
pub(crate) fn queue_error<E: ProvideErrorMetadata>(
    call: &str,
    queue: &str,
    error: &SdkError<E, HttpResponse>,
) -> Error {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    let is_denied = code.is_some_and(|code| code.contains("AccessDenied"));
    if let Some(reason) = credentials_error(error) {
        return Error::new(format!(
            "no AWS credentials ({reason}); sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID"
        ));
    }
    let found = fanline_aws::describe(error);
    if !is_denied {
        return Error::new(format!("sqs {call} on {queue}: {found}"));
    }
    // What batches need is the action of one message.
    let action = call.strip_suffix("Batch").unwrap_or(call);
    Error::new(format!(
        "sqs {call} on {queue}: access denied; allow sqs:{action} on this queue to the user or role of this shell ({found})"
    ))
}

/// Why there are no credentials, in one line, if that is what failed.
fn credentials_error<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    let SdkError::DispatchFailure(failure) = error else {
        return None;
    };
    let mut cause: &dyn StdError = failure.as_connector_error()?;
    while !cause.is::<CredentialsError>() {
        cause = cause.source()?;
    }
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    let line = text.lines().next().unwrap_or_default();
    Some(line.trim_end_matches([':', '.']).to_owned())
}

/// The name at the end of an ARN or a queue URL.
pub fn last_part(name: &str) -> &str {
    name.rsplit([':', '/']).next().unwrap_or(name)
}

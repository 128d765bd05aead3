//! SDK clients for the engine, LocalStack or AWS, and errors that say which call failed and why.

use std::fmt::Debug;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_sqs::{
    config::Region,
    error::{ProvideErrorMetadata, SdkError},
};

use crate::Error;

/// Region of local stand-ins if none is configured.
pub const LOCAL_REGION: &str = "us-east-1";

/// The SDK configuration. With an endpoint, everything goes there, and region and credentials
/// are made up if there are none: local stand-ins take any.
///
/// # Errors
/// If the environment's settings cannot be used.
pub async fn config(endpoint_url: Option<&str>) -> Result<SdkConfig, Error> {
    let config = fanline_aws::sdk_config()
        .await
        .map_err(|error| Error::new(error.to_string()))?;
    let Some(endpoint_url) = endpoint_url else {
        return Ok(config);
    };
    let has_credentials = std::env::var_os("AWS_ACCESS_KEY_ID").is_some()
        || std::env::var_os("AWS_PROFILE").is_some();
    let mut builder = config.to_builder().endpoint_url(endpoint_url);
    if config.region().is_none() {
        builder = builder.region(Region::new(LOCAL_REGION));
    }
    if !has_credentials {
        let local = Credentials::new("local", "local", None, None, "fanline");
        builder = builder.credentials_provider(
            aws_credential_types::provider::SharedCredentialsProvider::new(local),
        );
    }
    Ok(builder.build())
}

/// What a failed call comes to, in one line: the service's code and message, or that it could
/// not be reached.
pub fn call_error<E, R>(call: &str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + Debug,
    R: Debug,
{
    let metadata = error.meta();
    let reason = match (error, metadata.code(), metadata.message()) {
        (_, Some(code), Some(message)) => format!("{code}: {message}"),
        (_, Some(code), None) => code.to_owned(),
        (SdkError::DispatchFailure(failure), ..) => {
            let cause = failure
                .as_connector_error()
                .map_or("no answer".to_owned(), |error| root_cause(error));
            format!("endpoint not reachable ({cause}); is it running, and is the address right?")
        }
        (SdkError::TimeoutError(_), ..) => "no answer in time".to_owned(),
        (SdkError::ConstructionFailure(failure), ..) => format!("{failure:?}"),
        _ => "the answer is not one of this service; is the endpoint right?".to_owned(),
    };
    Error::new(format!("{call}: {reason}"))
}

fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The name at the end of an ARN or a queue URL.
pub fn last_part(name: &str) -> &str {
    name.rsplit([':', '/']).next().unwrap_or(name)
}

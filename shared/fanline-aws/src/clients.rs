//! One SDK configuration for all clients of a process.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use tokio::sync::OnceCell;

use crate::InvalidEnvironment;

/// The SDK configuration from the environment; makes no network call. Made once per process, so
/// that all clients share connections and credentials.
///
/// Read as every AWS SDK does: `AWS_REGION`, `AWS_PROFILE`, credentials, and for local
/// stand-ins `AWS_ENDPOINT_URL` and its per-service forms such as
/// `AWS_ENDPOINT_URL_DYNAMODB`. `AWS_CA_BUNDLE` names a PEM file to trust instead of the
/// machine's certificates (the Rust SDK does not read it by itself).
///
/// # Errors
/// If `AWS_CA_BUNDLE` cannot be read.
pub async fn sdk_config() -> Result<SdkConfig, InvalidEnvironment> {
    static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();
    CONFIG
        .get_or_try_init(|| sdk_config_for(None))
        .await
        .cloned()
}

/// As [`sdk_config`], with an endpoint that wins over those of the environment.
///
/// # Errors
/// If `AWS_CA_BUNDLE` cannot be read.
pub async fn sdk_config_for(endpoint_url: Option<&str>) -> Result<SdkConfig, InvalidEnvironment> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()?);
    if let Some(endpoint_url) = endpoint_url {
        loader = loader.endpoint_url(endpoint_url);
    }
    Ok(loader.load().await)
}

/// rustls with ring: it builds with a C compiler alone and cross-compiles.
fn http_client() -> Result<SharedHttpClient, InvalidEnvironment> {
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let Ok(path) = std::env::var("AWS_CA_BUNDLE") else {
        return Ok(builder.build_https());
    };
    let invalid = |error: &dyn std::fmt::Display| {
        InvalidEnvironment::new(format!("AWS_CA_BUNDLE: cannot use {path}: {error}"))
    };
    let certificates = std::fs::read(&path).map_err(|error| invalid(&error))?;
    let trust = TrustStore::empty().with_pem_certificate(certificates);
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(|error| invalid(&error))?;
    Ok(builder.tls_context(context).build_https())
}

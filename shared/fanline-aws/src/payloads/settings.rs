//! Which payload store the environment names.

use std::{sync::Arc, time::Duration};

use aws_config::{SdkConfig, timeout::TimeoutConfig};
use fanline::{Processor, claim_check::PayloadStore};

use super::DynamoPayloads;
use crate::{Environment, RealSystem};

const BUCKET: &str = "FANLINE_PAYLOAD_BUCKET";
const TABLE: &str = "FANLINE_PAYLOAD_TABLE";

/// 64 MiB at a megabyte a second; a connection that is dead is noticed earlier.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A payload is in memory as text, as the handler's data, and for a moment as a tree for its
/// fingerprint.
const SHARE_OF_MEMORY: u64 = 4;

/// Outside Lambda, where memory is not known.
const DEFAULT_MEMORY_MB: u64 = 256;

/// The payload store that `FANLINE_PAYLOAD_BUCKET` or `FANLINE_PAYLOAD_TABLE` names, if one of them is set.
///
/// [`run`](crate::run) and the outbox's relay and sweeper read it by themselves; this is for who publishes.
///
/// ```
/// use fanline_aws::{Environment, payloads::PayloadSettings};
///
/// let variables = ["FANLINE_PAYLOAD_BUCKET", "FANLINE_PAYLOAD_TABLE"];
/// let variables = variables.map(|name| (name.to_owned(), "payloads".to_owned()));
/// let mut environment = Environment::from_variables(variables);
/// let payloads = PayloadSettings::read(&mut environment);
/// let error = environment.check().unwrap_err().to_string();
/// assert!(error.contains("FANLINE_PAYLOAD_BUCKET and FANLINE_PAYLOAD_TABLE are both set"));
/// ```
#[derive(Clone, Debug)]
pub struct PayloadSettings {
    bucket: Option<String>,
    table: Option<String>,
    memory_mb: u64,
}

impl PayloadSettings {
    /// Reads the variables; what is wrong with them is among the environment's problems.
    pub fn read(environment: &mut Environment) -> Self {
        let settings = Self {
            bucket: environment.optional(BUCKET),
            table: environment.optional(TABLE),
            memory_mb: environment
                .optional("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
                .and_then(|megabytes| megabytes.parse().ok())
                .unwrap_or(DEFAULT_MEMORY_MB),
        };
        if settings.bucket.is_some() && settings.table.is_some() {
            environment.problem(format!(
                "{BUCKET} and {TABLE} are both set; payloads are in one of them, the publisher's"
            ));
        } else if settings.bucket.is_some() && !cfg!(feature = "s3") {
            environment.problem(format!(
                "{BUCKET} is set, but this program was built without S3; build it with the feature s3 of fanline-aws"
            ));
        }
        settings
    }

    /// The store, if there is one. Makes no call.
    pub fn store(&self, config: &SdkConfig) -> Option<Arc<dyn PayloadStore>> {
        let timeout = TimeoutConfig::builder()
            .operation_attempt_timeout(TIMEOUT)
            .build();
        if let Some(table) = &self.table {
            let client = aws_sdk_dynamodb::config::Builder::from(config);
            let client = client.timeout_config(timeout).build();
            let client = aws_sdk_dynamodb::Client::from_conf(client);
            let system = Arc::new(RealSystem);
            return Some(Arc::new(DynamoPayloads::new(
                client,
                table.as_str(),
                system,
            )));
        }
        self.bucket(config, timeout)
    }

    #[cfg(feature = "s3")]
    fn bucket(&self, config: &SdkConfig, timeout: TimeoutConfig) -> Option<Arc<dyn PayloadStore>> {
        use aws_sdk_s3::config::ResponseChecksumValidation;
        let bucket = self.bucket.as_ref()?;
        let client = aws_sdk_s3::config::Builder::from(config)
            .timeout_config(timeout)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // A local stand-in has no host name for each bucket.
            .force_path_style(has_endpoint_of_its_own(config))
            .build();
        let client = aws_sdk_s3::Client::from_conf(client);
        Some(Arc::new(super::S3Payloads::new(client, bucket)))
    }

    #[cfg(not(feature = "s3"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    fn bucket(&self, _: &SdkConfig, _: TimeoutConfig) -> Option<Arc<dyn PayloadStore>> {
        None
    }

    /// Gives a worker the store, and a quarter of its memory for the payloads of one batch.
    pub(crate) fn give_to(&self, processor: Processor, config: &SdkConfig) -> Processor {
        let most_bytes = self.memory_mb * 1024 * 1024 / SHARE_OF_MEMORY;
        match self.store(config) {
            Some(store) => processor.payloads(store, most_bytes),
            None => processor,
        }
    }
}

#[cfg(feature = "s3")]
fn has_endpoint_of_its_own(config: &SdkConfig) -> bool {
    config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some()
}

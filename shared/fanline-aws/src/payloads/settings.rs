//! Which payload store the environment names.

use std::{sync::Arc, time::Duration};

use aws_config::{SdkConfig, timeout::TimeoutConfig};
use fanline::{Processor, claim_check::PayloadStore};

use super::DynamoPayloads;
use crate::{Environment, RealSystem};

const BUCKET: &str = "FANLINE_PAYLOAD_BUCKET";
const TABLE: &str = "FANLINE_PAYLOAD_TABLE";

/// Megabytes; Lambda sets it.
const MEMORY: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";

/// For one item of a table.
const ITEM_TIMEOUT: Duration = Duration::from_secs(10);

/// 64 MiB at a megabyte a second. A worker waits for half of its invocation at most.
#[cfg(feature = "s3")]
const OBJECT_TIMEOUT: Duration = Duration::from_secs(60);

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
                .optional(MEMORY)
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
        match &self.table {
            Some(table) => Some(items(config, table)),
            None => self.bucket.as_ref().and_then(|name| objects(config, name)),
        }
    }

    /// Gives a worker the store, and a quarter of its memory for the payloads of one batch.
    pub(crate) fn give_to(&self, processor: Processor, config: &SdkConfig) -> Processor {
        match self.store(config) {
            Some(store) => processor.payloads(store, self.most_bytes()),
            None => processor,
        }
    }

    fn most_bytes(&self) -> u64 {
        self.memory_mb.saturating_mul(1024 * 1024) / SHARE_OF_MEMORY
    }
}

fn timeout(limit: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(limit)
        .build()
}

fn items(config: &SdkConfig, table: &str) -> Arc<dyn PayloadStore> {
    let client = aws_sdk_dynamodb::config::Builder::from(config);
    let client = client.timeout_config(timeout(ITEM_TIMEOUT)).build();
    let client = aws_sdk_dynamodb::Client::from_conf(client);
    Arc::new(DynamoPayloads::new(client, table, Arc::new(RealSystem)))
}

#[cfg(feature = "s3")]
fn objects(config: &SdkConfig, bucket: &str) -> Option<Arc<dyn PayloadStore>> {
    use aws_sdk_s3::config::ResponseChecksumValidation;
    // A local stand-in has no host name for each bucket.
    let is_local =
        config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let client = aws_sdk_s3::config::Builder::from(config)
        .timeout_config(timeout(OBJECT_TIMEOUT))
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .force_path_style(is_local)
        .build();
    let client = aws_sdk_s3::Client::from_conf(client);
    Some(Arc::new(super::S3Payloads::new(client, bucket)))
}

/// The environment's check has said that it takes the feature.
#[cfg(not(feature = "s3"))]
fn objects(_: &SdkConfig, _: &str) -> Option<Arc<dyn PayloadStore>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(variables: &[&str]) -> Result<(), String> {
        let variables = variables.iter().copied().chain(["FANLINE_DEDUP_TABLE"]);
        let variables = variables.map(|name| (name.to_owned(), "payloads".to_owned()));
        let mut environment = Environment::from_variables(variables);
        let _settings = PayloadSettings::read(&mut environment);
        environment.check().map_err(|error| error.to_string())
    }

    #[test]
    fn one_store_or_none() {
        assert_eq!(problems(&[]), Ok(()));
        assert_eq!(problems(&[TABLE]), Ok(()));
        let both = "environment: FANLINE_PAYLOAD_BUCKET and FANLINE_PAYLOAD_TABLE are both set; payloads are in one of them, the publisher's";
        assert_eq!(problems(&[BUCKET, TABLE]), Err(both.to_owned()));
    }

    #[test]
    fn bucket_takes_the_feature() {
        let without = "environment: FANLINE_PAYLOAD_BUCKET is set, but this program was built without S3; build it with the feature s3 of fanline-aws";
        let expected = match cfg!(feature = "s3") {
            true => Ok(()),
            false => Err(without.to_owned()),
        };
        assert_eq!(problems(&[BUCKET]), expected);
    }

    #[test]
    fn worker_gets_a_quarter_of_its_memory() {
        for (memory, expected) in [(Some("1024"), 256), (None, 64), (Some("much"), 64)] {
            let variable = |memory: &str| (MEMORY.to_owned(), memory.to_owned());
            let mut environment = Environment::from_variables(memory.map(variable));
            let settings = PayloadSettings::read(&mut environment);
            assert_eq!(settings.most_bytes(), expected * 1024 * 1024);
        }
    }
}

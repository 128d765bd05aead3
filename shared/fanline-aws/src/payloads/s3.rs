//! Payloads in an S3 bucket.
//!
//! What could be got wrong is what is not there: to a role that may not list the bucket, S3 answers for it with
//! AccessDenied instead of NoSuchKey, and what has expired would look like an outage.

use aws_sdk_s3::{Client, primitives::ByteStream};
use fanline::claim_check::{Fetched, PayloadStore};
use futures_util::future::BoxFuture;

use crate::describe;

/// What a worker with 256 MB of memory takes. S3 itself takes 5 GB in one PutObject.
const SIZE_LIMIT: u64 = 64 * 1024 * 1024;

/// Payloads of up to 64 MiB in a bucket.
///
/// A payload costs one PutObject, and one GetObject for each worker that fetches it. The bucket needs a lifecycle
/// rule that expires objects, after no less than queue and dead-letter queue keep messages together (28 days at
/// most); S3 counts from when the payload was put last. To publish needs `s3:PutObject` on its objects; to fetch
/// needs `s3:GetObject` on them and `s3:ListBucket` on the bucket, without which a payload that has expired is taken
/// for an outage.
///
/// S3 checks the CRC-32 that the SDK sends with each PutObject. None is asked for when fetching: the
/// worker compares the SHA-256.
#[derive(Clone, Debug)]
pub struct S3Payloads {
    client: Client,
    bucket: String,
}

impl S3Payloads {
    /// Payloads in `bucket`. Makes no call.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
        }
    }

    async fn put_object(&self, key: &str, data: &str) -> Result<(), String> {
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        let put = put
            .content_type("application/json")
            .body(ByteStream::from(data.as_bytes().to_vec()));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.problem("put into", &describe(&error))),
        }
    }

    async fn get_object(&self, key: &str, bytes: u64) -> Result<Fetched, String> {
        let get = self.client.get_object().bucket(&self.bucket).key(key);
        let object = match get.send().await {
            Ok(object) => object,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                return Ok(Fetched::Missing);
            }
            Err(error) => return Err(self.problem("get from", &describe(&error))),
        };
        let found = object.content_length.unwrap_or_default();
        if u64::try_from(found).ok() != Some(bytes) {
            return Ok(Fetched::Damaged(format!(
                "it has {found} bytes, not {bytes}"
            )));
        }
        let body = object.body.collect().await;
        let body = body.map_err(|error| self.problem("read an object of", &error.to_string()))?;
        Ok(match String::from_utf8(body.to_vec()) {
            Ok(data) => Fetched::Found(data),
            Err(_) => Fetched::Damaged("it is not UTF-8".to_owned()),
        })
    }

    fn problem(&self, what: &str, reason: &str) -> String {
        let advice = match reason.starts_with("AccessDenied") {
            true => {
                "; does its role have s3:ListBucket? Without it S3 says so of what is not there, too"
            }
            false => "",
        };
        format!("cannot {what} {}: {reason}{advice}", self.bucket)
    }
}

impl PayloadStore for S3Payloads {
    fn size_limit(&self) -> u64 {
        SIZE_LIMIT
    }

    fn put<'a>(&'a self, key: &'a str, data: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(self.put_object(key, data))
    }

    fn fetch<'a>(&'a self, key: &'a str, bytes: u64) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(self.get_object(key, bytes))
    }
}

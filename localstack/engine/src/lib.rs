//! SQS, SNS and DynamoDB on one local port, faithful to what AWS documents.
//!
//! The services are pure state machines ([`sqs::Sqs`], [`sns::Sns`], both in [`Engine`]):
//! every call takes the time and answers at once. [`Server`] puts the real wire protocols
//! around them, so any SDK, boto3 or the aws CLI can be pointed at it; [`InProcess`] takes
//! the same requests without a socket, in virtual time if its [`Clock`] is. DynamoDB is
//! dynoxide, embedded. The guide is `docs/engine.md`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! use fanline_engine::{Config, Server};
//!
//! let server = Server::bind("127.0.0.1:0", Config::default()).await?;
//! println!("export AWS_ENDPOINT_URL={}", server.endpoint_url());
//! server.shutdown().await;
//! # Ok(()) }
//! ```

pub mod attribute;
mod clock;
mod data;
mod dynamodb;
mod engine;
mod http;
mod identity;
mod in_process;
mod query;
mod server;
mod signer;
pub mod sns;
pub mod sqs;
mod wildcard;

pub use clock::{Clock, EpochMillis, ManualClock, Sleep, SystemClock, TokioClock};
pub use engine::{Engine, EngineOptions, Published, Undelivered};
pub use identity::{Identity, Md5Of, Md5Sum, MessageId};
pub use in_process::InProcess;
pub use query::Form;
pub use server::{Config, QueueReport, Server};

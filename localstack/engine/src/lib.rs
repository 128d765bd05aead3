//! SQS, SNS and DynamoDB on one local port, faithful to what AWS documents.
//!
//! The services are pure state machines ([`sqs::Sqs`], [`sns::Sns`], both in [`Engine`]):
//! every call takes the time and answers at once. [`Server`] puts the real wire protocols
//! around them, so any SDK, boto3 or the aws CLI can be pointed at it; [`InProcess`] takes
//! the same requests without a socket, in virtual time if its [`Clock`] is. DynamoDB is
//! dynoxide, embedded. The guide is `docs/engine.md`.
//!
//! The feature `server`, on by default, is all but the state machines: without it there is [`Engine`],
//! which needs no C compiler.
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

#![cfg_attr(
    not(feature = "server"),
    expect(
        dead_code,
        reason = "the journal and what is saved of the state are for `data`"
    )
)]

pub mod attribute;
mod clock;
#[cfg(feature = "server")]
mod data;
#[cfg(feature = "server")]
mod dynamodb;
mod engine;
#[cfg(feature = "server")]
mod http;
mod identity;
#[cfg(feature = "server")]
mod in_process;
mod query;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod signer;
pub mod sns;
pub mod sqs;
mod wildcard;

pub use clock::{Clock, EpochMillis, ManualClock, Sleep, SystemClock, TokioClock};
pub use engine::{Engine, EngineOptions, Published, Undelivered};
pub use identity::{Identity, Md5Of, Md5Sum, MessageId};
#[cfg(feature = "server")]
pub use in_process::InProcess;
pub use query::Form;
#[cfg(feature = "server")]
pub use server::{Config, QueueReport, Server};

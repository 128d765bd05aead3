//! The HTTP front: every service on one port, told apart as SDKs write them.
//!
//! Locks are held for one step of the state machine and never across a wait.

mod answer;
mod route;
mod sns;
mod sqs;
mod sqs_query;
mod state;
mod xml;

pub(crate) use route::{respond, route};
pub(crate) use state::{State, Surroundings};

use bytes::Bytes;
use http_body_util::Full;

pub(crate) type HttpResponse = hyper::Response<Full<Bytes>>;

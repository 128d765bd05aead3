//! A request's body, read whole.
//!
//! The one thing to get wrong: a client that still sends does not read. If its connection were
//! closed at the limit it would see a reset and not the answer that says why.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::refusal::EVENT_LIMIT;

/// How much of a body that is too large is read and forgotten.
const PATIENCE: usize = 64 * 1024 * 1024;

pub(super) enum Read {
    Whole(Bytes),
    TooLarge,
    /// The client is gone, or does not keep to HTTP.
    Broken,
}

pub(super) async fn read(mut body: Incoming) -> Read {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut whole = BytesMut::with_capacity(announced.min(EVENT_LIMIT));
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Read::Broken;
        };
        // Trailers say nothing about the body.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length > PATIENCE {
            break;
        }
        if length <= EVENT_LIMIT {
            whole.extend_from_slice(&data);
        }
    }
    match length <= EVENT_LIMIT {
        true => Read::Whole(whole.freeze()),
        false => Read::TooLarge,
    }
}

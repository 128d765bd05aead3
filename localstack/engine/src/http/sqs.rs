//! SQS over HTTP, and the waiting of long polls.
//!
//! A long poll is repeated receives: after each wake-up the queue is asked again, so a
//! message that another consumer took in between is simply not there.

use super::answer::{JSON, answer};
use super::{HttpResponse, State};
use crate::query::Form;
use crate::sqs::{ReceiveMessage, Received, SqsError, SqsRequest, SqsResponse, Wait};
use hyper::header::{HeaderName, HeaderValue};

const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

pub(crate) async fn json(
    state: &State,
    operation: &str,
    body: &[u8],
    base_url: &str,
    request_id: &str,
) -> HttpResponse {
    let outcome = match SqsRequest::parse(operation, body) {
        Ok(request) => call(state, base_url, request).await,
        Err(error) => Err(error),
    };
    match outcome.map(|response| serde_json::to_vec(&response)) {
        Ok(Ok(body)) => answer(200, JSON, body, request_id),
        Ok(Err(error)) => {
            tracing::error!(%error, "an SQS answer could not be written");
            answer(500, JSON, r#"{"__type":"InternalFailure"}"#, request_id)
        }
        Err(error) => failed(&error, request_id),
    }
}

/// The version of SQS's query protocol.
const VERSION: &str = "2012-11-05";

/// Whether a call of the query protocol is for SQS. Two actions have the same name in SNS.
pub(crate) fn speaks_query(form: &Form, action: &str) -> bool {
    if matches!(action, "AddPermission" | "RemovePermission") {
        return form.get("Version") == Some(VERSION) || form.get("QueueUrl").is_some();
    }
    !matches!(
        SqsRequest::parse(action, b"{}"),
        Err(error) if error.kind() == crate::sqs::SqsErrorKind::UnknownOperation
    )
}

pub(crate) async fn call(
    state: &State,
    base_url: &str,
    request: SqsRequest,
) -> Result<SqsResponse, SqsError> {
    match request {
        SqsRequest::ReceiveMessage(receive) => wait_for_messages(state, base_url, receive).await,
        request => state.sqs(base_url, request),
    }
}

async fn wait_for_messages(
    state: &State,
    base_url: &str,
    receive: ReceiveMessage,
) -> Result<SqsResponse, SqsError> {
    let ask = || state.sqs(base_url, SqsRequest::ReceiveMessage(receive.clone()));
    let first = ask()?;
    let Some(Wait { queue, seconds, .. }) = empty(&first) else {
        return Ok(first);
    };
    let deadline = state.now() + u64::from(*seconds) * 1000;
    let waiters = state.waiters_of(queue);
    loop {
        let notified = waiters.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        let response = ask()?;
        let Some(wait) = empty(&response) else {
            return Ok(response);
        };
        let now = state.now();
        if now >= deadline {
            return Ok(response);
        }
        let look_again = match wait.next_visible {
            // A moment that has come already would be asked for without a pause.
            Some(at) => deadline.min(at.max(now + 1)),
            None => deadline,
        };
        tokio::select! {
            () = notified => {}
            () = state.surroundings.clock.sleep_until(look_again) => {}
        }
    }
}

/// What to wait for, if there is nothing and waiting was asked for.
fn empty(response: &SqsResponse) -> Option<&Wait> {
    match response {
        SqsResponse::Received(Received { messages, wait })
            if messages.is_empty() && wait.seconds > 0 =>
        {
            Some(wait)
        }
        _ => None,
    }
}

fn failed(error: &SqsError, request_id: &str) -> HttpResponse {
    let body = serde_json::json!({ "__type": error.json_type(), "message": error.to_string() });
    let mut response = answer(error.status(), JSON, body.to_string(), request_id);
    if let Ok(header) = HeaderValue::from_str(&format!("{};Sender", error.query_code())) {
        response.headers_mut().insert(QUERY_ERROR, header);
    }
    response
}

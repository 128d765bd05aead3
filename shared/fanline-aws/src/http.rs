//! HTTP requests as the first of everything that follows: Lambda function URLs and HTTP APIs.
//!
//! What could be got wrong is the thread: every event made while a request is handled carries its correlation
//! id, and the response says which it was.

use std::sync::Arc;

use fanline::{BoxError, Cause};
use lambda_http::{
    http::{HeaderName, HeaderValue, header::CONTENT_TYPE},
    service_fn,
};
use serde_json::json;
use tracing::Instrument;

use crate::{Error, run::start_logging};

pub use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{HeaderMap, Method, StatusCode},
};

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The `main` of a function that answers HTTP requests (payload format 2.0).
///
/// A request's correlation id is its header `x-correlation-id` if that is up to 128 visible characters, else
/// Lambda's request id; it goes into every event made by the handler's task ([`Cause`]), every log line and
/// the response. A `traceparent` is passed on. An error is logged and answered by 500 without its text.
///
/// # Errors
/// If Lambda's runtime API is lost.
pub async fn run_http<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
{
    start_logging();
    let handler = Arc::new(handler);
    let service = service_fn(move |request: Request| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, BoxError>(answer(handler.as_ref(), request).await) }
    });
    lambda_http::run(service).await.map_err(Error::new)
}

async fn answer<H, F>(handler: &H, request: Request) -> Response<Body>
where
    H: Fn(Request) -> F,
    F: Future<Output = Result<Response<Body>, BoxError>>,
{
    let request_id = request.lambda_context().request_id;
    let given = visible(&request, &CORRELATION_ID);
    let correlation_id = given.unwrap_or(request_id);
    let cause = Cause {
        correlation_id: Some(correlation_id.clone()),
        causation_id: None,
        traceparent: visible(&request, &TRACEPARENT),
    };
    let (method, path) = (request.method().clone(), request.raw_http_path().to_owned());
    let span = tracing::info_span!("request", %method, path, correlation_id);
    let answered = cause.scope(handler(request)).instrument(span.clone()).await;
    let _in_span = span.enter();
    let mut response = answered.unwrap_or_else(|error| {
        tracing::error!(error, "request failed");
        let body = json!({"message": "internal error", "correlationId": correlation_id});
        respond(StatusCode::INTERNAL_SERVER_ERROR, &body)
    });
    tracing::info!(status = response.status().as_u16(), "request answered");
    if let Ok(value) = HeaderValue::from_str(&correlation_id) {
        response.headers_mut().insert(CORRELATION_ID, value);
    }
    response
}

/// A header that is short and safe to log.
fn visible(request: &Request, name: &HeaderName) -> Option<String> {
    const LONGEST: usize = 128;
    let value = request.headers().get(name)?.to_str().ok()?;
    let is_visible = value.bytes().all(|byte| byte.is_ascii_graphic());
    (is_visible && (1..=LONGEST).contains(&value.len())).then(|| value.to_owned())
}

/// A JSON response.
pub fn respond(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::Text(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use lambda_http::Context;

    use super::*;

    async fn asked(headers: &[(&str, &str)]) -> (Response<Body>, Cause) {
        let mut request = lambda_http::http::Request::builder().uri("http://localhost/orders");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut context = Context::default();
        context.request_id = "request-1".to_owned();
        let request = request
            .body(Body::Empty)
            .unwrap()
            .with_lambda_context(context);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let sender = std::sync::Mutex::new(Some(sender));
        let handler = |_: Request| {
            let sender = sender.lock().unwrap().take().unwrap();
            async move {
                sender.send(Cause::current()).unwrap();
                Err::<Response<Body>, BoxError>("secret".into())
            }
        };
        let response = answer(&handler, request).await;
        (response, receiver.await.unwrap())
    }

    #[tokio::test]
    async fn request_gives_the_thread_its_name_and_errors_stay_inside() {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let headers = [("X-Correlation-Id", "mine-7"), ("traceparent", trace)];
        let (response, cause) = asked(&headers).await;
        let expected = Cause {
            correlation_id: Some("mine-7".to_owned()),
            causation_id: None,
            traceparent: Some(trace.to_owned()),
        };
        assert_eq!(cause, expected);
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["x-correlation-id"], "mine-7");
        let body = std::str::from_utf8(response.body()).unwrap().to_owned();
        assert_eq!(
            body,
            r#"{"correlationId":"mine-7","message":"internal error"}"#
        );

        let long = "x".repeat(129);
        for bad in ["", "two words", &long] {
            let (response, cause) = asked(&[("x-correlation-id", bad)]).await;
            assert_eq!(cause.correlation_id.as_deref(), Some("request-1"));
            assert_eq!(response.headers()["x-correlation-id"], "request-1");
        }
    }
}

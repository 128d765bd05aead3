//! The Lambda Runtime API of one process, over HTTP: translates requests into steps of its
//! [`Exchange`] and nothing more.
//!
//! The one thing to get wrong: a request for the next event stays open, for hours if need be. Only
//! the process closes it.

use super::clock;
use super::exchange::{Answer, Asked, Exchange, Failure, Invocation};
use super::failure::read_failure;
use super::reply::{accepted, not_found, refusal};
use super::watched::Watched;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Lambda's limit for a buffered response, as its error message states it.
pub(super) const RESPONSE_LIMIT: usize = 6_291_556;

/// What the Runtime API of one process needs to know.
pub(super) struct RuntimeApi {
    pub(super) exchange: watch::Sender<Exchange>,
    pub(super) function_arn: String,
    pub(super) timeout: Duration,
}

/// Serves one connection of the process until it is closed.
pub(super) async fn serve(api: Arc<RuntimeApi>, stream: TcpStream, connection: u64) {
    // Without it, each answer waits for the acknowledgement of the one before. A refusal by the
    // kernel costs only that speed.
    let _ = stream.set_nodelay(true);
    let (stream, reset) = Watched::new(stream);
    let service = hyper::service::service_fn(|request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(api.respond(request, connection).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A broken connection is the process's end or its own mistake; both show elsewhere.
    drop(served);
    if reset.load(Ordering::Acquire) {
        api.exchange
            .send_modify(|exchange| exchange.reset(connection));
    }
}

impl RuntimeApi {
    async fn respond(&self, request: Request<Incoming>, connection: u64) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let Some(resource) = path.strip_prefix("/2018-06-01/runtime/") else {
            return not_found(&path);
        };
        let segments: Vec<&str> = resource.split('/').collect();
        match (request.method(), segments.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next(connection).await,
            (&Method::POST, ["invocation", request_id, "response"]) => {
                self.response(request_id, request.into_body()).await
            }
            (&Method::POST, ["invocation", request_id, "error"]) => {
                let failure = read_failure(request).await;
                self.answer(request_id, Err(failure))
            }
            (&Method::POST, ["init", "error"]) => {
                let failure = read_failure(request).await;
                self.exchange
                    .send_modify(|exchange| exchange.init_failed(failure));
                accepted()
            }
            _ => not_found(&path),
        }
    }

    async fn next(&self, connection: u64) -> Response<Full<Bytes>> {
        let mut changes = self.exchange.subscribe();
        loop {
            let mut asked = Asked::Nothing;
            self.exchange.send_if_modified(|exchange| {
                asked = exchange.ask(connection);
                asked != Asked::Nothing
            });
            if let Asked::Given(invocation) = asked {
                return self.event(invocation);
            }
            if changes.changed().await.is_err() {
                return refusal(
                    StatusCode::GONE,
                    "ShutDown",
                    "the function is being shut down",
                );
            }
        }
    }

    fn event(&self, invocation: Invocation) -> Response<Full<Bytes>> {
        let now = clock::since_epoch();
        let deadline = now + self.timeout;
        let trace = format!(
            "Root=1-{:08x}-{:024x};Parent={:016x};Sampled=0",
            now.as_secs(),
            fastrand::u128(..1 << 96),
            fastrand::u64(..),
        );
        Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", &*invocation.request_id)
            .header(
                "Lambda-Runtime-Deadline-Ms",
                deadline.as_millis().to_string(),
            )
            .header("Lambda-Runtime-Invoked-Function-Arn", &self.function_arn)
            .header("Lambda-Runtime-Trace-Id", trace)
            .body(Full::new(invocation.payload))
            .unwrap_or_else(|_| {
                let message = "the function's name, region or account is no valid header value";
                refusal(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InvalidFunctionArn",
                    message,
                )
            })
    }

    async fn response(&self, request_id: &str, body: Incoming) -> Response<Full<Bytes>> {
        match Limited::new(body, RESPONSE_LIMIT).collect().await {
            Ok(collected) => self.answer(request_id, Ok(collected.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => {
                let message = format!(
                    "Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
                );
                let error_type = "Function.ResponseSizeTooLarge".to_owned();
                self.answer(
                    request_id,
                    Err(Failure {
                        error_type,
                        message: message.clone(),
                    }),
                );
                refusal(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "RequestEntityTooLarge",
                    &message,
                )
            }
            // The sender is gone, so nobody reads this.
            Err(_) => refusal(
                StatusCode::BAD_REQUEST,
                "TruncatedResponse",
                "the body ended early",
            ),
        }
    }

    fn answer(&self, request_id: &str, answer: Answer) -> Response<Full<Bytes>> {
        let mut outcome = Ok(());
        self.exchange
            .send_modify(|exchange| outcome = exchange.answer(request_id, answer));
        match outcome {
            Ok(()) => accepted(),
            Err(_) => refusal(
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "Invalid request ID",
            ),
        }
    }
}

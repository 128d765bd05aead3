//! The Runtime API's answers other than an event.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

pub(super) fn accepted() -> Response<Full<Bytes>> {
    json(StatusCode::ACCEPTED, r#"{"status":"OK"}"#.to_owned())
}

pub(super) fn not_found(path: &str) -> Response<Full<Bytes>> {
    let message = format!("the local Runtime API has no {path}");
    refusal(StatusCode::NOT_FOUND, "NotFound", &message)
}

pub(super) fn refusal(
    status: StatusCode,
    error_type: &str,
    message: &str,
) -> Response<Full<Bytes>> {
    let document = serde_json::json!({ "errorMessage": message, "errorType": error_type });
    json(status, document.to_string())
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

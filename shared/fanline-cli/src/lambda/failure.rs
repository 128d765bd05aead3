//! Error documents of functions, read leniently: runtimes of all languages send them, and even an
//! unreadable one means that the invocation failed.

use super::exchange::Failure;
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HeaderMap;

/// Error documents need no more; what exceeds it is not an error document.
const ERROR_LIMIT: usize = 256 * 1024;

const ERROR_TYPE_HEADER: &str = "lambda-runtime-function-error-type";

/// Reads the error document of a request.
pub(super) async fn read_failure(request: Request<Incoming>) -> Failure {
    let (parts, body) = request.into_parts();
    match Limited::new(body, ERROR_LIMIT).collect().await {
        Ok(collected) => parse_failure(&parts.headers, &collected.to_bytes()),
        Err(_) => parse_failure(
            &parts.headers,
            b"the error document is incomplete or too large",
        ),
    }
}

fn parse_failure(headers: &HeaderMap, body: &[u8]) -> Failure {
    let document: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| {
        document
            .get(name)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
    };
    let header = headers
        .get(ERROR_TYPE_HEADER)
        .and_then(|value| value.to_str().ok());
    Failure {
        error_type: field("errorType")
            .or(header.map(str::to_owned))
            .unwrap_or("Unhandled".into()),
        message: field("errorMessage")
            .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_documents_are_read_leniently() {
        let cases = [
            (r#"{"errorType":"Oops","errorMessage":"no"}"#, "Oops", "no"),
            (r#"{"errorMessage":"no"}"#, "unhandled", "no"),
            (r#"{"errorType":7}"#, "unhandled", r#"{"errorType":7}"#),
            ("plain text", "unhandled", "plain text"),
            ("", "unhandled", ""),
        ];
        let mut headers = HeaderMap::new();
        headers.insert(
            ERROR_TYPE_HEADER,
            hyper::header::HeaderValue::from_static("unhandled"),
        );
        for (body, error_type, message) in cases {
            let expected = Failure {
                error_type: error_type.into(),
                message: message.into(),
            };
            assert_eq!(parse_failure(&headers, body.as_bytes()), expected, "{body}");
        }
        assert_eq!(
            parse_failure(&HeaderMap::new(), b"").error_type,
            "Unhandled"
        );
    }
}

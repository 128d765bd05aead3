//! Who asks, where the URL wants signed requests.
//!
//! The one thing to get wrong: taking this for protection. The signature is not verified, since
//! there is no secret to verify it with; a request without one is refused, as a test would want.

use hyper::{Request, header::AUTHORIZATION};

use super::text::decoded;

/// The access key that a request is signed with, in a header or in its query; `None` without one.
pub(super) fn access_key<Body>(request: &Request<Body>) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION);
    let of_header = header
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.strip_prefix("AWS4-HMAC-SHA256 "))
        .and_then(|rest| {
            rest.split(',')
                .find_map(|part| part.trim().strip_prefix("Credential="))
        })
        .map(str::to_owned);
    let query = request.uri().query().unwrap_or_default();
    let of_query = || {
        let mut parts = query.split('&');
        let credential = parts.find_map(|part| part.strip_prefix("X-Amz-Credential="));
        credential.map(decoded)
    };
    let credential = of_header.or_else(of_query)?;
    let key = credential.split('/').next().unwrap_or_default();
    Some(key.to_owned()).filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(uri: &str, authorization: &str) -> Option<String> {
        let request = Request::builder()
            .uri(uri)
            .header(AUTHORIZATION, authorization);
        access_key(&request.body(()).unwrap())
    }

    #[test]
    fn keys_of_signed_requests() {
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/20261126/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=ab";
        assert_eq!(key("/", signed).as_deref(), Some("AKID"));
        let presigned =
            "/a?X-Amz-Credential=AKID%2F20261126%2Fus-east-1%2Flambda%2Faws4_request&b=c";
        assert_eq!(key(presigned, "").as_deref(), Some("AKID"));
        for unsigned in [
            "",
            "Bearer x",
            "AWS4-HMAC-SHA256 ",
            "AWS4-HMAC-SHA256 Credential=/x",
        ] {
            assert_eq!(key("/", unsigned), None, "{unsigned}");
        }
    }
}

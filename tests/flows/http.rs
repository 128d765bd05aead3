//! Requests to a function's URL.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// A function's URL may want requests to be signed; the stand-ins look at who asks, and believe it.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20260214/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=test";

/// A function behind HTTP.
pub(crate) struct Site {
    /// Scheme, address and port.
    base: String,
    /// The name it is known by, if that is not its address.
    host: Option<String>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Site {
    pub(crate) fn new(base: &str, host: Option<String>) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            host,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// The status and the body, which must be JSON; an error if there was no such answer.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<(u16, Value), String> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header("authorization", SIGNED);
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::from(body)).unwrap();
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        let body = serde_json::from_slice(&body)
            .map_err(|error| format!("{status}: {error}: {}", String::from_utf8_lossy(&body)))?;
        Ok((status, body))
    }
}

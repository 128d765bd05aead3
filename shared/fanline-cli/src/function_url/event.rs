//! The event that a request becomes: payload format 2.0.
//!
//! The one thing to get wrong: a path and a query must reach the function as the client sent them,
//! escapes included; only `queryStringParameters` are decoded.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::{
    HeaderMap, Request, Version,
    header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, USER_AGENT},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::text::{decoded, is_text};

/// What the function is told and the request does not say.
#[derive(Debug, Clone)]
pub(super) struct Context<'c> {
    /// Stands for the id that is the first part of a URL on AWS.
    pub(super) url_id: &'c str,
    /// The account of the function.
    pub(super) account: &'c str,
    /// Who signed, where the URL wants that.
    pub(super) access_key: Option<&'c str>,
    /// Where the server listens.
    pub(super) address: std::net::SocketAddr,
    /// Who connected.
    pub(super) client: std::net::IpAddr,
    pub(super) request_id: &'c str,
    pub(super) now: Timestamp,
}

/// The event of a request, whatever bytes it is made of.
pub(super) fn event(request: &Request<Bytes>, context: &Context<'_>) -> Value {
    let path = match request.uri().path() {
        "" => "/",
        path => path,
    };
    let query = request.uri().query().unwrap_or_default();
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| drop(event.insert(name.to_owned(), value));
    put("version", "2.0".into());
    put("routeKey", "$default".into());
    put("rawPath", path.into());
    put("rawQueryString", query.into());
    let cookies = cookies(request.headers());
    if !cookies.is_empty() {
        put("cookies", cookies.into());
    }
    put("headers", headers(request.headers(), context));
    if !query.is_empty() {
        put("queryStringParameters", json!(parameters(query)));
    }
    put("requestContext", request_context(request, path, context));
    let (body, is_base64) = body(request);
    if !request.body().is_empty() {
        put("body", body.into());
    }
    put("isBase64Encoded", is_base64.into());
    Value::Object(event)
}

fn request_context(request: &Request<Bytes>, path: &str, context: &Context<'_>) -> Value {
    let header = |name: HeaderName| request.headers().get(name).map(text);
    let domain = header(HOST).unwrap_or_else(|| context.address.to_string());
    let mut answer = json!({
        // Seen on AWS, where the documents promise the owner's for both.
        "accountId": if context.access_key.is_some() { context.account } else { "anonymous" },
        "apiId": context.url_id,
        // What a client asked, so that a function can make links of it.
        "domainName": domain,
        "domainPrefix": context.url_id,
        "http": {
            "method": request.method().as_str(),
            "path": path,
            "protocol": if request.version() == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
            "sourceIp": context.client.to_string(),
            "userAgent": header(USER_AGENT).unwrap_or_default(),
        },
        "requestId": context.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": context.now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        "timeEpoch": context.now.as_millisecond(),
    });
    if let Some(access_key) = context.access_key {
        let account = context.account;
        answer["authorizer"] = json!({ "iam": {
            "accessKey": access_key,
            "accountId": account,
            "callerId": account,
            "cognitoIdentity": null,
            "principalOrgId": null,
            "userArn": format!("arn:aws:iam::{account}:root"),
            "userId": account,
        }});
    }
    answer
}

fn headers(headers: &HeaderMap, context: &Context<'_>) -> Value {
    let mut joined: BTreeMap<&str, String> = BTreeMap::new();
    // Cookies have a field of their own; a connection is not the function's.
    let told = headers
        .iter()
        .filter(|(name, _)| **name != COOKIE && **name != hyper::header::CONNECTION);
    for (name, value) in told {
        let value = text(value);
        joined
            .entry(name.as_str())
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    joined.insert("x-forwarded-for", context.client.to_string());
    joined.insert("x-forwarded-port", context.address.port().to_string());
    joined.insert("x-forwarded-proto", "http".to_owned());
    json!(joined)
}

fn text(value: &hyper::header::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(COOKIE).into_iter().map(text);
    let cookies = values.flat_map(|value| {
        let cookies: Vec<String> = value
            .split(';')
            .map(|part| part.trim().to_owned())
            .collect();
        cookies
    });
    cookies.filter(|cookie| !cookie.is_empty()).collect()
}

/// Repeated ones are joined by commas, in their order.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = decoded(value);
        parameters
            .entry(decoded(name))
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}

/// The body, and whether it is base64.
fn body(request: &Request<Bytes>) -> (String, bool) {
    let content_type = request.headers().get(CONTENT_TYPE).map(text);
    let plain = content_type
        .filter(|content_type| is_text(content_type))
        .and_then(|_| std::str::from_utf8(request.body()).ok());
    match plain {
        Some(plain) => (plain.to_owned(), false),
        None if request.body().is_empty() => (String::new(), false),
        None => (STANDARD.encode(request.body()), true),
    }
}

#[cfg(test)]
#[path = "event/tests.rs"]
mod tests;

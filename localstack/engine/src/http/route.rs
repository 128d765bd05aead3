//! Which service a request is for.
//!
//! JSON services name their operation in `X-Amz-Target`, query services in the form's
//! `Action`, which belongs to one service each but for AddPermission and RemovePermission.

use super::answer::{JSON, XML, answer};
use super::{HttpResponse, State, sns, sqs, sqs_query, xml};
use crate::query::Form;
use crate::signer::ProcessKey;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::{Method, Request};
use std::sync::Arc;

/// The largest body AWS takes anywhere here is DynamoDB's 16 MB.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Far more than a full batch has; without a bound, a body of tiny ones would take fifty times its
/// size in memory.
const MOST_PARAMETERS: usize = 10_000;

/// Carries out a request as it comes from a connection.
pub(crate) async fn route(state: Arc<State>, request: Request<Incoming>) -> HttpResponse {
    let (parts, body) = request.into_parts();
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => respond(&state, &parts, body.to_bytes()).await,
        Err(error) if error.is::<LengthLimitError>() => too_large(&state.request_id()),
        Err(_) => {
            let message = "The request body ended before its announced length.";
            let body = error_json("SerializationException", message);
            answer(400, JSON, body, &state.request_id())
        }
    }
}

/// Carries out a request whose body is there.
pub(crate) async fn respond(state: &State, parts: &Parts, body: Bytes) -> HttpResponse {
    let request_id = state.request_id();
    if parts.method == Method::GET && parts.uri.path() == "/_engine/health" {
        return answer(200, "application/json", HEALTH, &request_id);
    }
    if parts.method == Method::GET
        && let Some(certificate) = ProcessKey::certificate_at(parts.uri.path())
    {
        return answer(200, "application/x-pem-file", certificate, &request_id);
    }
    if body.len() > LARGEST_BODY {
        return too_large(&request_id);
    }
    let base_url = base_url(
        state,
        parts.headers.get(HOST).and_then(|host| host.to_str().ok()),
    );
    let target = parts
        .headers
        .get("x-amz-target")
        .map(|target| target.to_str());
    match target {
        Some(Ok(target)) => json(state, target, body, &base_url, &request_id).await,
        Some(Err(_)) => unknown_target("(not text)", &request_id),
        None => {
            if body.iter().filter(|byte| **byte == b'&').count() > MOST_PARAMETERS {
                return too_many_parameters(&request_id);
            }
            let mut form = Form::parse(&body);
            if let Some(query) = parts.uri.query()
                && form.get("Action").is_none()
            {
                form = Form::parse(query.as_bytes());
            }
            query(state, &form, parts.uri.path(), &base_url, &request_id).await
        }
    }
}

async fn json(
    state: &State,
    target: &str,
    body: Bytes,
    base_url: &str,
    request_id: &str,
) -> HttpResponse {
    match target.split_once('.') {
        Some(("AmazonSQS", operation)) => {
            sqs::json(state, operation, &body, base_url, request_id).await
        }
        Some(("DynamoDB_20120810" | "DynamoDBStreams_20120810", operation)) => {
            let outcome = state.dynamodb.call(operation.to_owned(), body).await;
            answer(outcome.status, JSON, outcome.body, request_id)
        }
        _ => unknown_target(target, request_id),
    }
}

async fn query(
    state: &State,
    form: &Form,
    path: &str,
    base_url: &str,
    request_id: &str,
) -> HttpResponse {
    match form.get("Action") {
        Some("GetCallerIdentity") => answer(
            200,
            XML,
            xml::caller_identity(&state.surroundings.account, request_id),
            request_id,
        ),
        Some(action) if sqs::speaks_query(form, action) => {
            sqs_query::query(state, form, path, base_url, request_id).await
        }
        Some(_) => sns::query(state, form, base_url, request_id),
        None => {
            let message = format!(
                "The request has neither an X-Amz-Target header nor an Action parameter; this engine answers SQS, SNS, STS GetCallerIdentity and DynamoDB. Found path '{path}'."
            );
            let body = xml::error(xml::SNS, "MissingAction", &message, "Sender", request_id);
            answer(400, XML, body, request_id)
        }
    }
}

/// Clients reach the engine under different names; queue URLs answer with the one they used.
fn base_url(state: &State, host: Option<&str>) -> String {
    let is_host = |host: &&str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    };
    match host.filter(is_host) {
        Some(host) => format!("http://{host}"),
        None => state.surroundings.base_url.clone(),
    }
}

fn too_large(request_id: &str) -> HttpResponse {
    let message = format!("The request body is larger than {LARGEST_BODY} bytes.");
    let body = error_json("RequestEntityTooLargeException", &message);
    answer(413, JSON, body, request_id)
}

fn too_many_parameters(request_id: &str) -> HttpResponse {
    let message = format!("The form has more than {MOST_PARAMETERS} parameters.");
    let body = xml::error(
        xml::SNS,
        "MalformedQueryString",
        &message,
        "Sender",
        request_id,
    );
    answer(400, XML, body, request_id)
}

fn unknown_target(target: &str, request_id: &str) -> HttpResponse {
    let message = format!(
        "X-Amz-Target '{target}' is no service of this engine: use AmazonSQS, DynamoDB_20120810 or DynamoDBStreams_20120810."
    );
    answer(
        400,
        JSON,
        error_json("UnknownOperationException", &message),
        request_id,
    )
}

fn error_json(kind: &str, message: &str) -> String {
    serde_json::json!({
        "__type": format!("com.amazon.coral.service#{kind}"),
        "message": message,
    })
    .to_string()
}

const HEALTH: &str = r#"{"services":{"dynamodb":"running","dynamodbstreams":"running","sns":"running","sqs":"running","sts":"running"}}"#;

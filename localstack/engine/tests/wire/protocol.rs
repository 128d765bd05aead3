//! The wire itself: what SDKs never send.

use crate::fixture::{Fixture, start};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

async fn raw(fixture: &Fixture, target: Option<&str>, body: &[u8]) -> (u16, Option<String>, Bytes) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::post(fixture.server.endpoint_url());
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    let request = request
        .body(Full::new(Bytes::copy_from_slice(body)))
        .expect("valid");
    let response = client.request(request).await.expect("answers");
    let status = response.status().as_u16();
    let header = response.headers().get("x-amzn-query-error");
    let header = header
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = response
        .into_body()
        .collect()
        .await
        .expect("body")
        .to_bytes();
    (status, header, body)
}

pub(crate) async fn json(fixture: &Fixture, target: &str, body: Value) -> Value {
    let (status, _, answer) = raw(fixture, Some(target), body.to_string().as_bytes()).await;
    assert_eq!(status, 200, "{answer:?}");
    serde_json::from_slice(&answer).expect("is JSON")
}

#[tokio::test]
async fn an_error_has_both_of_awss_names() {
    let fixture = start().await;
    let body = br#"{"QueueName":"none"}"#;
    let (status, header, body) = raw(&fixture, Some("AmazonSQS.GetQueueUrl"), body).await;
    assert_eq!(status, 400);
    assert_eq!(
        header.as_deref(),
        Some("AWS.SimpleQueueService.NonExistentQueue;Sender")
    );
    let body: Value = serde_json::from_slice(&body).expect("is JSON");
    assert_eq!(body["__type"], "com.amazonaws.sqs#QueueDoesNotExist");
}

#[tokio::test]
async fn malformed_requests_get_awss_errors_and_the_server_lives_on() {
    let fixture = start().await;
    let deep = "[".repeat(100_000);
    let many = format!(
        "Action=Publish{}",
        "&MessageAttributes.entry.1.Name=x".repeat(1000)
    );
    let bodies: Vec<&[u8]> = vec![
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{\"QueueUrl\":5}",
        b"{\"QueueUrl\":\"\\u0000\"}",
        b"{\"QueueUrl\":\"/\"}",
        b"Action=",
        b"Action=Publish&TopicArn=x",
        b"Action=%%%",
        b"Action=PublishBatch&TopicArn=arn:aws:sns:us-east-1:000000000000:x",
        b"{\"TableName\":\"t\",\"Key\":{\"id\":{\"S\":1}}}",
        deep.as_bytes(),
        many.as_bytes(),
    ];
    let targets = [
        None,
        Some(""),
        Some("AmazonSQS"),
        Some("AmazonSQS.Nothing"),
        Some("Other.Thing"),
        Some("AmazonSQS.SendMessage"),
        Some("AmazonSQS.ReceiveMessage"),
        Some("AmazonSQS.CreateQueue"),
        Some("AmazonSQS.SendMessageBatch"),
        Some("DynamoDB_20120810.GetItem"),
        Some("DynamoDB_20120810.Nothing"),
        Some("DynamoDB_20120810.ExecuteStatement"),
    ];
    for target in targets {
        for body in &bodies {
            let (status, _, answer) = raw(&fixture, target, body).await;
            assert!(
                (400..500).contains(&status),
                "{target:?} {status} {answer:?}"
            );
        }
    }
    fixture.queue("alive", &[]).await;
}

#[tokio::test]
async fn the_query_protocol_runs_the_same_operations() {
    let fixture = start().await;
    let ask = async |form: &str| {
        let (status, _, body) = raw(&fixture, None, form.as_bytes()).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    let (status, answer) = ask(
        "Action=CreateQueue&QueueName=old&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=7",
    )
    .await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("/000000000000/old</QueueUrl>"), "{answer}");
    let send = "Action=SendMessageBatch&QueueUrl=/old\
        &SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x%26y\
        &SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=kind\
        &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String\
        &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=v\
        &SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageBody=";
    let (status, answer) = ask(send).await;
    assert_eq!(status, 200, "{answer}");
    assert!(
        answer.contains("<SendMessageBatchResultEntry><Id>a</Id>"),
        "{answer}"
    );
    assert!(answer.contains("<BatchResultErrorEntry>"), "{answer}");
    let receive =
        "Action=ReceiveMessage&QueueUrl=/old&AttributeName.1=All&MessageAttributeName.1=All";
    let (_, answer) = ask(receive).await;
    for part in [
        "<Body>x&amp;y</Body>",
        "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>",
        "<MessageAttribute><Name>kind</Name><Value><DataType>String</DataType><StringValue>v</StringValue></Value></MessageAttribute>",
    ] {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    let (status, answer) = ask("Action=GetQueueUrl&QueueName=none").await;
    assert_eq!(status, 400);
    assert!(
        answer.contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_oversized_body_is_refused() {
    let fixture = start().await;
    let body = vec![b'x'; 17 * 1024 * 1024];
    let (status, _, _) = raw(&fixture, Some("AmazonSQS.SendMessage"), &body).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn a_form_with_too_many_parameters_is_refused() {
    let fixture = start().await;
    let body: String = (0..10_002).map(|number| format!("{number}=&")).collect();
    let (status, _, answer) = raw(&fixture, None, body.as_bytes()).await;
    assert_eq!(status, 400);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains("MalformedQueryString"), "{answer}");
}

#[tokio::test]
async fn health_and_caller_identity_answer() {
    let fixture = start().await;
    let (status, _, body) = raw(
        &fixture,
        None,
        b"Action=GetCallerIdentity&Version=2011-06-15",
    )
    .await;
    assert_eq!(status, 200);
    assert!(String::from_utf8_lossy(&body).contains("<Account>000000000000</Account>"));
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let url = format!("{}/_engine/health", fixture.server.endpoint_url());
    let response = client
        .get(url.parse().expect("URL"))
        .await
        .expect("answers");
    assert_eq!(response.status(), 200);
    let value: Value = json(&fixture, "AmazonSQS.ListQueues", json!({})).await;
    assert_eq!(value, json!({}));
}

#[tokio::test]
async fn shutdown_frees_the_port_and_ends_long_polls() {
    let fixture = start().await;
    let url = fixture.queue("q", &[]).await;
    let poll = fixture
        .sqs
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(20);
    let poll = tokio::spawn(poll.send());
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let address = fixture.server.addr();
    fixture.server.shutdown().await;
    let bound = std::net::TcpListener::bind(address);
    assert!(bound.is_ok(), "{bound:?}");
    poll.abort();
}

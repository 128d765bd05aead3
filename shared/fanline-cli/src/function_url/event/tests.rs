use super::*;
use hyper::header::HeaderValue;
use proptest::prelude::*;

fn context() -> Context<'static> {
    Context {
        url_id: "order-api",
        account: "123456789012",
        access_key: None,
        address: "127.0.0.1:5001".parse().unwrap(),
        client: "127.0.0.1".parse().unwrap(),
        request_id: "some-id",
        now: "2026-03-12T19:03:58.39Z".parse().unwrap(),
    }
}

fn request(uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Request<Bytes> {
    let mut request = Request::builder().method("POST").uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::copy_from_slice(body)).unwrap()
}

#[test]
fn a_request_becomes_the_documented_event() {
    let headers = [
        ("Host", "127.0.0.1:5001"),
        ("User-Agent", "agent"),
        ("Content-Type", "text/plain"),
        ("Header2", "value1"),
        ("header2", "value2"),
        ("Cookie", "cookie1=a; cookie2=b"),
        ("Cookie", "cookie3=c"),
    ];
    let query = "parameter1=value1&parameter1=%2Fvalue2&parameter2=a+b&parameter3";
    let request = request(
        &format!("/my/pa%20th?{query}"),
        &headers,
        b"Hello from client!",
    );
    let expected = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/pa%20th",
        "rawQueryString": query,
        "cookies": ["cookie1=a", "cookie2=b", "cookie3=c"],
        "headers": {
            "content-type": "text/plain",
            "header2": "value1,value2",
            "host": "127.0.0.1:5001",
            "user-agent": "agent",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "5001",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {
            "parameter1": "value1,/value2",
            "parameter2": "a b",
            "parameter3": "",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "order-api",
            "domainName": "127.0.0.1:5001",
            "domainPrefix": "order-api",
            "http": {
                "method": "POST",
                "path": "/my/pa%20th",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "agent",
            },
            "requestId": "some-id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1_773_342_238_390_i64,
        },
        "body": "Hello from client!",
        "isBase64Encoded": false,
    });
    assert_eq!(event(&request, &context()), expected);
}

#[test]
fn what_is_not_there_is_left_out() {
    let event = event(&request("/", &[], b""), &context());
    for absent in ["body", "cookies", "queryStringParameters"] {
        assert_eq!(event.get(absent), None, "{absent}");
    }
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event["requestContext"]["domainName"], "127.0.0.1:5001");
}

#[test]
fn binary_bodies_are_base64() {
    let encoded = |content_type: &str, body: &[u8]| {
        let event = event(
            &request("/", &[("content-type", content_type)], body),
            &context(),
        );
        (event["body"].clone(), event["isBase64Encoded"].clone())
    };
    assert_eq!(
        encoded("application/json", b"{}"),
        ("{}".into(), false.into())
    );
    assert_eq!(encoded("image/png", b"{}"), ("e30=".into(), true.into()));
    assert_eq!(
        encoded("application/x-www-form-urlencoded", b"a=b"),
        ("YT1i".into(), true.into())
    );
    assert_eq!(
        encoded("text/plain", b"\xff"),
        ("/w==".into(), true.into()),
        "no UTF-8"
    );
}

#[test]
fn a_signed_request_says_who_asks() {
    let context = Context {
        access_key: Some("AKID"),
        ..context()
    };
    let event = event(&request("/", &[], b""), &context);
    let asking = &event["requestContext"];
    assert_eq!(asking["accountId"], "123456789012");
    assert_eq!(asking["authorizer"]["iam"]["accessKey"], "AKID");
}

proptest! {
    #[test]
    fn any_bytes_become_an_event(
        path in "/[a-z%0-9]{0,20}",
        query in "[a-zA-Z%=&+0-9]{0,40}",
        headers in proptest::collection::vec(("[a-z-]{1,10}|cookie|host|content-type", proptest::collection::vec(any::<u8>(), 0..20)), 0..8),
        body in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut request = Request::builder().uri(format!("{path}?{query}"));
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                request = request.header(name, value);
            }
        }
        let Ok(request) = request.body(Bytes::from(body.clone())) else { return Ok(()) };
        let event = event(&request, &context());
        prop_assert_eq!(event["rawPath"].as_str(), Some(path.as_str()));
        prop_assert_eq!(event["rawQueryString"].as_str(), Some(query.as_str()));
        let told = event["body"].as_str().unwrap_or_default();
        let told = match event["isBase64Encoded"].as_bool() {
            Some(true) => STANDARD.decode(told).unwrap(),
            _ => told.as_bytes().to_vec(),
        };
        prop_assert_eq!(told, body, "no byte of the body is lost");
    }
}

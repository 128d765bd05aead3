//! Function URLs, over HTTP.

use crate::support::{Gate, Lines, spec, start};
use bytes::Bytes;
use fanline_cli::{
    function_url::{Served, UrlServer},
    lambda::{Function, FunctionSpec},
    template::UrlAuth,
};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

struct Site {
    server: UrlServer,
    address: String,
    function: Arc<Function>,
    served: mpsc::UnboundedReceiver<Served>,
    client: Client<HttpConnector, Full<Bytes>>,
    _lines: Lines,
}

/// A request on its way.
type Answering = Pin<Box<dyn Future<Output = Response<Bytes>>>>;

async fn site(spec: FunctionSpec, auth: UrlAuth, is_throttled: bool) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (function, lines) = start(spec);
    let (events, served) = mpsc::unbounded_channel();
    let server = UrlServer::start(listener, function.clone(), auth, is_throttled, events).unwrap();
    Site {
        server,
        address,
        function,
        served,
        client: Client::builder(TokioExecutor::new()).build_http(),
        _lines: lines,
    }
}

async fn open_site() -> Site {
    site(spec(), UrlAuth::None, false).await
}

impl Site {
    fn request(&self, path: &str) -> hyper::http::request::Builder {
        let uri = format!("http://{}{path}", self.address);
        let json = "application/json";
        Request::post(uri).header("content-type", json)
    }

    /// Sends a command; what comes back may be awaited later.
    fn send(&self, command: impl Into<Bytes>) -> Answering {
        let request = self.request("/").body(Full::new(command.into())).unwrap();
        self.send_request(request)
    }

    fn send_request(&self, request: Request<Full<Bytes>>) -> Answering {
        let answering = tokio::spawn(self.client.request(request));
        Box::pin(async move {
            let (parts, body) = answering.await.unwrap().unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Response::from_parts(parts, body)
        })
    }

    async fn told(&mut self) -> Served {
        let told = tokio::time::timeout(Duration::from_secs(20), self.served.recv());
        told.await.expect("the request should be answered").unwrap()
    }
}

fn command(name: &str, value: impl Into<Value>) -> String {
    json!({ "do": name, "value": value.into() }).to_string()
}

#[tokio::test]
async fn a_request_reaches_the_function_as_it_was_sent() {
    let site = open_site().await;
    let request = site
        .request("/orders/a%2Fb?tag=x&tag=y%20z")
        .header("Content-Type", "image/png")
        .header("Cookie", "session=1; theme=dark")
        .body(Full::new(Bytes::from_static(b"\x00\xff")))
        .unwrap();
    let answer = site.send_request(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let event: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(event["rawPath"], "/orders/a%2Fb");
    assert_eq!(event["rawQueryString"], "tag=x&tag=y%20z");
    assert_eq!(event["queryStringParameters"]["tag"], "x,y z");
    assert_eq!(event["cookies"], json!(["session=1", "theme=dark"]));
    assert_eq!(event["headers"]["host"], site.address);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(
        context["requestId"],
        answer.headers()["x-amzn-requestid"].to_str().unwrap()
    );
    // Two content types were sent, joined by a comma: no text.
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("AP8="), &json!(true))
    );
}

#[tokio::test]
async fn the_functions_answer_is_sent() {
    let site = open_site().await;
    let response = json!({
        "statusCode": 201,
        "headers": { "location": "/orders/7" },
        "cookies": ["a=1", "b=2"],
        "body": "made",
    });
    let answer = site.send(command("respond", response)).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["location"], "/orders/7");
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(answer.body(), "made");
}

#[tokio::test]
async fn failures_are_told_to_the_developer_and_not_to_the_client() {
    let spec = FunctionSpec {
        timeout: Duration::from_millis(500),
        ..spec()
    };
    let mut site = site(spec, UrlAuth::None, false).await;
    let cases = [
        (command("error", "no such order"), "POST /: function error"),
        (
            command("exit", 0),
            "POST /: the process exited with status 1",
        ),
        (command("hang", 0), "POST /: timed out after 0.50 s"),
        (
            command("large", 6_300_000),
            "POST /: function error Function.ResponseSizeTooLarge",
        ),
        (
            command("respond", json!({ "statusCode": 7 })),
            "POST /: its response has a statusCode",
        ),
    ];
    for (command, expected) in cases {
        let answer = site.send(command).await;
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY, "{expected}");
        assert_eq!(answer.body(), "Internal Server Error");
        let told = site.told().await;
        let problem = told.problem.unwrap();
        assert!(problem.starts_with(expected), "{problem}");
        assert_eq!((told.status, &*told.function), (502, "echo"));
    }
}

#[tokio::test]
async fn requests_over_six_megabytes_are_refused() {
    let site = open_site().await;
    for size in [7_000_000, 6_291_400] {
        let answer = site.send(vec![b'x'; size]).await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE, "{size}");
    }
    assert!(
        site.function.process_ids().is_empty(),
        "it is not even started"
    );
    let fits = site.send(vec![b'x'; 3_000_000]).await;
    assert_eq!(fits.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_exceeds_the_reserved_concurrency_is_refused() {
    for concurrency in [0, 1] {
        let spec = FunctionSpec {
            concurrency,
            ..spec()
        };
        let site = site(spec, UrlAuth::None, true).await;
        let gate = Gate::open().await;
        let first = match concurrency {
            0 => None,
            _ => Some((site.send(gate.command()), gate.arrival().await)),
        };
        let answer = site.send(command("echo", 1)).await;
        assert_eq!(
            answer.status(),
            StatusCode::TOO_MANY_REQUESTS,
            "{concurrency}"
        );
        if let Some((answer, waiting)) = first {
            drop(waiting);
            assert_eq!(answer.await.status(), StatusCode::OK);
            assert_eq!(site.send(command("echo", 1)).await.status(), StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn without_reserved_concurrency_requests_wait() {
    let spec = FunctionSpec {
        concurrency: 1,
        ..spec()
    };
    let site = site(spec, UrlAuth::None, false).await;
    let gate = Gate::open().await;
    let first = site.send(gate.command());
    let waiting = gate.arrival().await;
    let second = site.send(command("echo", 1));
    drop(waiting);
    assert_eq!(first.await.status(), StatusCode::OK);
    assert_eq!(second.await.status(), StatusCode::OK);
}

#[tokio::test]
async fn unsigned_requests_are_refused_where_iam_is_wanted() {
    let site = site(spec(), UrlAuth::Iam, false).await;
    assert_eq!(site.send("{}").await.status(), StatusCode::FORBIDDEN);
    let credential = "AKID/20261126/eu-west-1/lambda/aws4_request";
    let signed = site
        .request("/")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={credential}, Signature=0"),
        )
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap();
    let answer = site.send_request(signed).await;
    let event: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(
        event["requestContext"]["authorizer"]["iam"]["accessKey"],
        "AKID"
    );
}

#[tokio::test]
async fn at_the_end_requests_in_flight_are_answered_and_idle_connections_are_not_waited_for() {
    let site = open_site().await;
    assert_eq!(
        site.send("{}").await.status(),
        StatusCode::OK,
        "leaves a connection open"
    );
    let _silent = TcpStream::connect(&site.address).await.unwrap();
    let gate = Gate::open().await;
    let answer = site.send(gate.command());
    let waiting = gate.arrival().await;
    let stopping = tokio::spawn(site.server.stop());
    while TcpStream::connect(&site.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Longer than the server gives connections whose requests are answered.
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!stopping.is_finished(), "a request is in flight");
    drop(waiting);
    assert_eq!(answer.await.status(), StatusCode::OK);
    let stopped = tokio::time::timeout(Duration::from_secs(5), stopping);
    stopped.await.expect("it should end soon").unwrap();
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_end_its_invocation() {
    let mut site = open_site().await;
    let gate = Gate::open().await;
    let mut stream = TcpStream::connect(&site.address).await.unwrap();
    let body = gate.command();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let request = [request.as_bytes(), &body].concat();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &request)
        .await
        .unwrap();
    let waiting = gate.arrival().await;
    drop(stream);
    // The server has seen the end of one connection when it has served another.
    assert_eq!(site.send("{}").await.status(), StatusCode::OK);
    assert_eq!(site.told().await.status, 200);
    drop(waiting);
    assert_eq!(site.told().await.status, 200);
}

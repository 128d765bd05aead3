//! Functions that are invoked over HTTP and by the clock, in `fanline dev`.

use fanline_engine::{Config, Server};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    dev::{Dev, run},
    signups::text,
};

const TEMPLATE: [&str; 3] = [
    "--no-events",
    "--template",
    "tests/flows/templates/web.yaml",
];

/// The status and body of the answer to a request for `/orders`.
async fn get(url: &str) -> (String, String) {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET /orders HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap();
    (status.to_owned(), body.to_owned())
}

#[tokio::test]
async fn functions_answer_http_and_the_clock() {
    let dev = Dev::start(&[&TEMPLATE[..], &["--schedules-every", "1"]].concat()).await;
    let url = dev.function_url("email-service").await;
    // A worker of messages has no answer to a request, and who asked learns no more than that.
    assert_eq!(
        get(&url).await,
        ("502".to_owned(), "Internal Server Error".to_owned())
    );
    dev.says("email-service: GET /orders: function error").await;
    // Nor to the clock.
    dev.says("EmailServiceNightly: 1 given up").await;
    let neighbours = dev.function_processes("email-service");
    let knows_url = neighbours.iter().any(|id| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&format!("EMAILS_URL={url}\0"))
    });
    assert!(knows_url, "addresses are known to other functions");
    let (report, code) = dev.interrupt().await;
    assert_eq!((&report["lost"], code), (&json!(0), Some(0)), "{report}");
    let served = &report["urls"]["email-service"];
    let expected = json!({ "url": url, "requests": 1, "client_errors": 0, "server_errors": 1 });
    assert_eq!(served, &expected, "{report}");
    let nightly = &report["schedules"]["EmailServiceNightly"];
    assert!(nightly["events"].as_u64() > Some(1), "{report}");
    assert_eq!(nightly["left"], 0, "{report}");
}

#[tokio::test]
async fn neither_keeps_a_run_from_its_end() {
    let server = Server::bind("127.0.0.1:0", Config::default())
        .await
        .unwrap();
    // Also where the engine is another's.
    let endpoint = server.endpoint_url();
    let arguments = ["dev", "--endpoint-url", &endpoint, "--until-idle", "--json"];
    let output = run(&[&arguments[..], &TEMPLATE].concat()).await;
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(
        stderr.contains("fanline: email-service at http://127.0.0.1:"),
        "{stderr}"
    );
    assert!(
        stderr.contains("fanline: EmailServiceHourly fires at once\n"),
        "{stderr}"
    );
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let hourly = &report["schedules"]["EmailServiceHourly"];
    assert_eq!(
        (&hourly["events"], &hourly["given_up"], &hourly["left"]),
        (&json!(1), &json!(1), &json!(0)),
        "{report}{stderr}"
    );
    assert_eq!(
        report["schedules"]["EmailServiceNightly"]["events"], 0,
        "{report}"
    );
    server.shutdown().await;
}

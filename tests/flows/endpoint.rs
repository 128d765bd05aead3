//! `fanline dev --endpoint-url`: the same run on a stand-in that was there before and stays.

use fanline_engine::{Config, Server};
use serde_json::{Value, json};

use crate::{dev::run, signups::text};

#[tokio::test]
async fn second_run_on_the_same_endpoint_finds_everything_done() {
    let server = Server::bind("127.0.0.1:0", Config::default())
        .await
        .unwrap();
    let endpoint = server.endpoint_url();
    let events = "tests/flows/events/three.jsonl";
    // Two distinct events, one of them twice.
    for (succeeded, duplicates) in [(2, 1), (0, 3)] {
        let output = run(&[
            "dev",
            "--endpoint-url",
            &endpoint,
            "--until-idle",
            "--json",
            "--events",
            events,
        ])
        .await;
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{stdout}{stderr}");
        let report: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(
            (&report["published"], &report["lost"]),
            (&json!(3), &json!(0)),
            "{stderr}"
        );
        for queue in ["email-service-queue", "analytics-service-queue"] {
            let counts = &report["queues"][queue];
            assert_eq!(counts["succeeded"], succeeded, "{queue}: {counts}");
            assert_eq!(counts["duplicates"], duplicates, "{queue}: {counts}");
        }
    }
    let published = run(&["publish", "--endpoint-url", &endpoint, "--file", events]).await;
    assert_eq!(text(published.stdout), "e-1\ne-2\ne-2\n");
    let unknown = run(&[
        "publish",
        "--endpoint-url",
        &endpoint,
        "--topic",
        "user-event",
        "--type",
        "a.b",
        "--data",
        "1",
    ])
    .await;
    assert_eq!(
        text(unknown.stderr),
        "fanline: no topic \"user-event\"; topics: order-events.fifo, user-events\n"
    );
    server.shutdown().await;
}

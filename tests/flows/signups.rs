//! The main job: the sample file through `fanline dev`, undisturbed and with functions killed.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    cloud::PATIENCE,
    dev::{Dev, run, signal, workspace},
    events_file::Expected,
};

const QUEUES: [&str; 2] = ["email-service-queue", "analytics-service-queue"];
const FILE: &str = "localstack/events/signups.jsonl";

async fn wait_until_done(dev: &Dev, expected: &Expected) {
    let (email, analytics) = expected.dead_letters;
    let dead_letters = [
        ("email-service-dlq", email),
        ("analytics-service-dlq", analytics),
    ];
    dev.cloud.wait_for(&QUEUES, &dead_letters).await;
}

/// Every message ended in exactly one way, and nothing is lost.
fn assert_accounted_for(report: &Value, expected: &Expected) {
    assert_eq!(report["lost"], 0, "{report}");
    assert_eq!(report["published"], expected.published);
    let dead_letters = [expected.dead_letters.0, expected.dead_letters.1];
    for (queue, dead_letters) in QUEUES.iter().zip(dead_letters) {
        let counts = &report["queues"][queue];
        let count = |name: &str| counts[name].as_u64().unwrap();
        assert_eq!(count("dead_lettered"), dead_letters, "{queue}: {counts}");
        assert_eq!(count("left"), 0, "{queue}: {counts}");
        let ended = count("succeeded") + count("duplicates") + count("dead_lettered");
        assert_eq!(count("messages"), ended, "{queue}: {counts}");
        assert!(count("receives") > count("messages"), "{queue}: {counts}");
    }
}

#[tokio::test]
async fn each_signup_has_its_effect_once() {
    let expected = Expected::read(&workspace().join(FILE));
    assert!(expected.mailed.len() >= 200);
    let dev = Dev::start(&["--events", FILE]).await;
    wait_until_done(&dev, &expected).await;

    let mails = dev.cloud.numbers("sent-emails", "id", "sends").await;
    assert!(mails.keys().eq(&expected.mailed), "one row for each");
    assert!(
        mails.values().all(|sends| *sends == 1),
        "sent once, though delivered several times"
    );
    assert_eq!(
        dev.cloud
            .numbers("signup-counts", "minute", "signups")
            .await,
        expected.counts
    );

    let published = run(&[
        "publish",
        "--endpoint-url",
        &dev.cloud.endpoint,
        "--topic",
        "user-events",
        "--type",
        "user.signed_up",
        "--data",
        r#"{"userId": "u-new", "email": "new@example.com"}"#,
    ])
    .await;
    assert!(published.status.success(), "{published:?}");
    let event_id = String::from_utf8(published.stdout)
        .unwrap()
        .trim()
        .to_owned();
    let started = Instant::now();
    while !dev
        .cloud
        .numbers("sent-emails", "id", "sends")
        .await
        .contains_key(&event_id)
    {
        assert!(
            started.elapsed() < PATIENCE,
            "published event {event_id} has no row"
        );
        sleep(Duration::from_millis(50)).await;
    }
    dev.cloud.wait_for(&QUEUES, &[]).await;

    let functions = [
        dev.function_processes("email-service"),
        dev.function_processes("analytics-service"),
    ]
    .concat();
    assert!(functions.len() >= 2);
    let (report, code) = dev.interrupt().await;
    assert_eq!(code, Some(0), "{report}");
    // The event published from outside arrived too, and is no fault.
    let mut report = report;
    for queue in QUEUES {
        for count in ["messages", "succeeded"] {
            let value = report["queues"][queue][count].as_u64().unwrap() - 1;
            report["queues"][queue][count] = json!(value);
        }
    }
    assert_accounted_for(&report, &expected);
    for process in functions {
        assert!(
            !std::path::Path::new(&format!("/proc/{process}")).exists(),
            "{process} still runs"
        );
    }
}

/// The sample file with each good sign-up so many times more, so that there is time to kill.
fn many_copies() -> String {
    let text = std::fs::read_to_string(workspace().join(FILE)).unwrap();
    let lines = text.lines().map(|line| {
        match line.contains("@example.com") && !line.contains("\"times\"") {
            true => format!("{}, \"times\": 8}}\n", &line[..line.len() - 1]),
            false => format!("{line}\n"),
        }
    });
    lines.collect()
}

#[tokio::test]
async fn killed_functions_lose_nothing_and_count_nobody_twice() {
    let file = std::env::temp_dir().join(format!("fanline-signups-{}.jsonl", std::process::id()));
    std::fs::write(&file, many_copies()).unwrap();
    let expected = Expected::read(&file);
    let dev = Dev::start(&["--events", file.to_str().unwrap()]).await;
    let started = Instant::now();
    let mut kills = 0;
    while kills < 20 {
        for function in ["email-service", "analytics-service"] {
            let processes = dev.function_processes(function);
            kills += processes
                .iter()
                .filter(|process| signal(**process, Signal::KILL))
                .count();
        }
        assert!(
            started.elapsed() < PATIENCE,
            "only {kills} processes were killed"
        );
        sleep(Duration::from_millis(150)).await;
    }
    let started = Instant::now();
    while dev
        .cloud
        .numbers("signup-counts", "minute", "signups")
        .await
        != expected.counts
    {
        assert!(started.elapsed() < PATIENCE);
        sleep(Duration::from_millis(100)).await;
    }
    wait_until_done(&dev, &expected).await;
    let mails = dev.cloud.numbers("sent-emails", "id", "sends").await;
    assert!(mails.keys().eq(&expected.mailed), "one row for each");
    assert_eq!(
        dev.cloud
            .numbers("signup-counts", "minute", "signups")
            .await,
        expected.counts
    );
    let (report, code) = dev.interrupt().await;
    assert_eq!(code, Some(0), "{report}");
    assert_accounted_for(&report, &expected);
}

#[tokio::test]
async fn until_idle_ends_by_itself_with_a_table() {
    let output = run(&[
        "dev",
        "--port",
        "0",
        "--until-idle",
        "--events",
        "tests/flows/events/three.jsonl",
    ])
    .await;
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.starts_with("queue  "), "{stdout}");
    assert!(
        stdout.trim_end().contains("3 published, 0 lost, "),
        "{stdout}"
    );
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

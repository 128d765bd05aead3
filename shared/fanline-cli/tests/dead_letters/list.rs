//! Looking: groups, one by one, one alone; nothing is changed by it.

use fanline::dead_letter::Reason;

use crate::rig::{Letter, Rig, letters};

/// 12 rejected orders, 2 conflicts and one that SQS moved.
async fn mixed() -> Rig {
    let rig = Rig::start().await;
    let mut all = letters(12);
    for id in ["p-1", "p-2"] {
        all.push(Letter {
            event_type: "order.paid",
            reason: Some(Reason::Conflict),
            ..Letter::new(id)
        });
    }
    rig.put("orders-dlq", &all).await;
    let sent = Letter {
        reason: None,
        ..Letter::new("moved")
    };
    rig.put("orders", &[sent]).await;
    for _ in 0..4 {
        let receive = rig.sqs.receive_message().queue_url(rig.url("orders"));
        receive.visibility_timeout(0).send().await.unwrap();
    }
    assert_eq!(rig.depth("orders-dlq"), 15);
    rig
}

#[tokio::test]
async fn groups_by_reason_and_type_and_gives_everything_back() {
    let rig = mixed().await;
    let said = rig.dlq(&["list", "orders-dlq"]).await;
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(
        lines[0].starts_with("reason        count  type"),
        "{said:?}"
    );
    assert!(
        lines[1].starts_with(
            "rejected         12  order.placed  2026-02-14T10:30:00Z  2026-02-14T11:30:00Z  e-"
        ),
        "{said:?}"
    );
    assert!(lines[2].starts_with("  no customer of e-"), "{said:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("conflict          2  order.paid ")),
        "{said:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("moved-by-sqs      1  order.placed ")),
        "{said:?}"
    );
    assert_eq!(said.err, "");
    assert_eq!(
        (rig.depth("orders-dlq"), rig.in_flight("orders-dlq")),
        (15, 0)
    );

    // By the name of the queue they failed in, it is the same.
    let by_source = rig.dlq(&["list", "orders", "--json"]).await;
    assert_eq!(
        by_source.err,
        "fanline: orders has its dead letters in orders-dlq\n"
    );
    let json = by_source.json();
    assert_eq!(
        (&json["queue"], &json["looked_at"], &json["unseen"]),
        (&"orders-dlq".into(), &15.into(), &0.into())
    );
    assert_eq!(
        (&json["groups"][0]["count"], &json["groups"][0]["type"]),
        (&12.into(), &"order.placed".into())
    );
}

#[tokio::test]
async fn filters_lists_each_and_stops_at_max() {
    let rig = mixed().await;
    let said = rig
        .dlq(&["list", "orders-dlq", "--each", "--reason", "conflict"])
        .await;
    assert_eq!(said.out.lines().count(), 3, "{said:?}");
    assert!(said.out.contains("no customer of p-2"), "{said:?}");
    let said = rig
        .dlq(&[
            "list",
            "orders-dlq",
            "--each",
            "--json",
            "--type",
            "order.p*",
            "--text",
            "p-1@",
        ])
        .await;
    let messages = &said.json()["messages"];
    assert_eq!(messages.as_array().unwrap().len(), 1, "{messages}");
    assert_eq!(
        (&messages[0]["event_id"], &messages[0]["note"]["reason"]),
        (&"p-1".into(), &"conflict".into())
    );
    let said = rig
        .dlq(&["list", "orders-dlq", "--max", "4", "--json"])
        .await;
    assert_eq!(
        (&said.json()["looked_at"], &said.json()["unseen"]),
        (&4.into(), &11.into())
    );
    assert_eq!(
        said.err,
        "fanline: looked at 4 of about 15; --max N looks at more\n"
    );
    let said = rig.dlq(&["list", "orders-dlq", "--reason", "reject"]).await;
    assert_eq!(said.out, "no dead letters in orders-dlq\n");
    assert_eq!(
        said.err,
        "fanline: none fits the filter; there are 12 rejected order.placed, 2 conflict order.paid, 1 moved-by-sqs order.placed\n"
    );
    assert_eq!(rig.in_flight("orders-dlq"), 0);
}

#[tokio::test]
async fn shows_one_by_event_id() {
    let rig = mixed().await;
    let said = rig.dlq(&["show", "orders-dlq", "p-2"]).await;
    for line in [
        "reason       conflict",
        "error        no customer of p-2",
        "handler      orders-service",
        "event        p-2",
        "source       orders",
        "failed       2026-02-14T11:30:00Z",
        "  type (String): order.placed",
        "    \"email\": \"p-2@example.com\"",
    ] {
        assert!(
            said.out.lines().any(|found| found == line),
            "{line:?} in {}",
            said.out
        );
    }
    let said = rig.dlq(&["show", "orders-dlq", "moved", "--json"]).await;
    let message_id = said.json()["message_id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&said.json()["reason"], &said.json()["source"]),
        (&"moved-by-sqs".into(), &"orders".into())
    );
    let again = rig
        .dlq(&["show", "orders-dlq", &message_id, "--json"])
        .await;
    assert_eq!(again.json()["event_id"], "moved");
    assert_eq!(rig.in_flight("orders-dlq"), 0);
}

#[tokio::test]
async fn of_a_fifo_group_the_first_ten_are_seen_and_it_says_so() {
    let rig = Rig::start().await;
    rig.put("orders-dlq.fifo", &letters(25)).await;
    let said = rig.dlq(&["list", "orders-dlq.fifo", "--json"]).await;
    assert_eq!(
        (&said.json()["looked_at"], &said.json()["unseen"]),
        (&10.into(), &15.into())
    );
    assert!(
        said.err
            .starts_with("fanline: about 15 more are behind others of their group: "),
        "{said:?}"
    );
    assert_eq!(rig.in_flight("orders-dlq.fifo"), 0);
}

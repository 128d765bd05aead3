use super::store::tests::taking;
use super::*;

const NOW: EpochMillis = 1_771_065_000_000;

fn sqs() -> Sqs {
    let identity = Identity {
        region: "us-east-1".into(),
        account: "000000000000".into(),
    };
    Sqs::new(identity, Liberties::default(), 1)
}

fn call(
    sqs: &mut Sqs,
    now: EpochMillis,
    operation: &str,
    body: serde_json::Value,
) -> serde_json::Value {
    let request = SqsRequest::parse(operation, body.to_string().as_bytes()).expect("parses");
    let answer = sqs.step(now, "http://localhost", request).answer;
    serde_json::to_value(answer.expect("succeeds")).expect("is JSON")
}

#[test]
fn the_same_seed_gives_the_same_answers() {
    let run = || {
        let mut sqs = sqs();
        call(
            &mut sqs,
            NOW,
            "CreateQueue",
            serde_json::json!({"QueueName": "q"}),
        );
        call(
            &mut sqs,
            NOW,
            "SendMessage",
            serde_json::json!({"QueueUrl": "/q", "MessageBody": "x"}),
        );
        call(
            &mut sqs,
            NOW,
            "ReceiveMessage",
            serde_json::json!({"QueueUrl": "/q"}),
        )
    };
    assert_eq!(run(), run());
}

#[test]
fn a_send_and_a_release_wake_the_queue() {
    let mut sqs = sqs();
    call(
        &mut sqs,
        NOW,
        "CreateQueue",
        serde_json::json!({"QueueName": "q"}),
    );
    let body = br#"{"QueueUrl":"/q","MessageBody":"x"}"#;
    let send = SqsRequest::parse("SendMessage", body).expect("parses");
    assert_eq!(sqs.step(NOW, "", send).woken, [Arc::from("q")]);
    let received = call(
        &mut sqs,
        NOW,
        "ReceiveMessage",
        serde_json::json!({"QueueUrl": "/q"}),
    );
    let handle = &received["Messages"][0]["ReceiptHandle"];
    let change =
        serde_json::json!({"QueueUrl": "/q", "ReceiptHandle": handle, "VisibilityTimeout": 0});
    let change = SqsRequest::parse("ChangeMessageVisibility", change.to_string().as_bytes());
    assert_eq!(
        sqs.step(NOW, "", change.expect("parses")).woken,
        [Arc::from("q")]
    );
}

#[test]
fn an_empty_receive_says_when_to_look_again() {
    let mut sqs = sqs();
    call(
        &mut sqs,
        NOW,
        "CreateQueue",
        serde_json::json!({"QueueName": "q"}),
    );
    let body = serde_json::json!({"QueueUrl": "/q", "MessageBody": "x", "DelaySeconds": 7});
    call(&mut sqs, NOW, "SendMessage", body);
    let receive = SqsRequest::parse(
        "ReceiveMessage",
        br#"{"QueueUrl":"/q","WaitTimeSeconds":20}"#,
    );
    let Ok(SqsResponse::Received(received)) = sqs.step(NOW, "", receive.expect("parses")).answer
    else {
        panic!("is a receive");
    };
    assert_eq!(received.wait.next_visible, Some(NOW + 7000));
    assert_eq!(received.wait.seconds, 20);
}

#[test]
fn retention_ends_a_life_also_in_the_dead_letter_queue() {
    let mut sqs = sqs();
    let attributes = serde_json::json!({"MessageRetentionPeriod": "120"});
    call(
        &mut sqs,
        NOW,
        "CreateQueue",
        serde_json::json!({"QueueName": "dead", "Attributes": attributes}),
    );
    let policy =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;
    let attributes = serde_json::json!({"RedrivePolicy": policy, "VisibilityTimeout": "1"});
    call(
        &mut sqs,
        NOW,
        "CreateQueue",
        serde_json::json!({"QueueName": "q", "Attributes": attributes}),
    );
    call(
        &mut sqs,
        NOW,
        "SendMessage",
        serde_json::json!({"QueueUrl": "/q", "MessageBody": "x"}),
    );
    call(
        &mut sqs,
        NOW,
        "ReceiveMessage",
        serde_json::json!({"QueueUrl": "/q"}),
    );
    call(
        &mut sqs,
        NOW + 100_000,
        "ReceiveMessage",
        serde_json::json!({"QueueUrl": "/q"}),
    );
    assert_eq!(
        sqs.counts(NOW + 119_999, "dead").expect("exists").available,
        1
    );
    assert_eq!(
        sqs.counts(NOW + 120_000, "dead").expect("exists").total(),
        0
    );
    assert_eq!(sqs.totals("dead").expect("exists").expired, 1);
    assert_eq!(sqs.totals("q").expect("exists").moved, 1);
}

#[test]
fn attribute_names_select_all_prefixes_and_single_names() {
    let mut sqs = sqs();
    call(
        &mut sqs,
        NOW,
        "CreateQueue",
        serde_json::json!({"QueueName": "q"}),
    );
    let value = serde_json::json!({"DataType": "String", "StringValue": "v"});
    let attributes = serde_json::json!({"app.one": value, "app.two": value, "other": value});
    let body =
        serde_json::json!({"QueueUrl": "/q", "MessageBody": "x", "MessageAttributes": attributes});
    call(&mut sqs, NOW, "SendMessage", body);
    for (names, expected) in [
        (serde_json::json!([]), 0),
        (serde_json::json!(["All"]), 3),
        (serde_json::json!([".*"]), 3),
        (serde_json::json!(["app.*"]), 2),
        (serde_json::json!(["other", "absent"]), 1),
    ] {
        let body = serde_json::json!({"QueueUrl": "/q", "VisibilityTimeout": 0, "MessageAttributeNames": names});
        let received = call(&mut sqs, NOW, "ReceiveMessage", body);
        let shown = received["Messages"][0]["MessageAttributes"]
            .as_object()
            .map_or(0, serde_json::Map::len);
        assert_eq!(shown, expected, "{names}");
    }
}

/// Takes about a second without optimisation; a scan per receive would take minutes.
#[test]
fn receive_does_not_slow_as_a_queue_or_its_groups_grow() {
    for fifo in [false, true] {
        let mut store = store::Store::new(fifo);
        for number in 0..200_000u128 {
            let group = fifo.then(|| Arc::from(format!("g{number}")));
            let message = message::Message {
                id: number,
                body: "x".into(),
                attributes: None,
                rare: Some(Box::new(message::Rare {
                    group,
                    ..message::Rare::default()
                })),
                sent: NOW,
                first_received: None,
                receive_count: 0,
                receives_here: 0,
                state: message::State::Available,
            };
            store.insert(NOW, message, NOW);
        }
        for round in 0..20_000 {
            store.tick(NOW + round, 345_600_000);
            let taken = store.receive(
                taking(NOW + round, 10, NOW + round + 30_000, Some(5)),
                |_| 0,
            );
            assert_eq!(taken.keys.len(), 10);
            for key in taken.keys {
                assert!(store.delete(key));
            }
        }
        assert_eq!(store.counts().total(), 0);
    }
}

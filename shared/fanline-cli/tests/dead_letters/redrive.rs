//! Bringing back: as they were, in order, those that are meant and no others.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_sqs::types::QueueAttributeName;
use fanline::{Attribute, AttributeValue, dead_letter::Reason};
use tokio::time::Instant;

use crate::rig::{Letter, Rig, ids, letters};

#[tokio::test]
async fn all_of_a_queue_come_back_as_they_were() {
    let rig = Rig::start().await;
    let mut all = letters(25);
    // More attributes than there is room for beside the note.
    let binary = Attribute {
        data_type: "Binary.png".to_owned(),
        value: AttributeValue::Binary(vec![0, 255]),
    };
    let number = Attribute {
        data_type: "Number.int".to_owned(),
        value: AttributeValue::Text("7".to_owned()),
    };
    let many = (0..8).map(|index| (format!("a{index}"), Attribute::text("x")));
    let many = many.chain([("binary".to_owned(), binary), ("number".to_owned(), number)]);
    all[3].attributes = many.collect::<BTreeMap<_, _>>();
    rig.put("orders-dlq", &all).await;

    let said = rig.dlq(&["redrive", "orders-dlq"]).await;
    assert_eq!(
        said.out,
        "25 redriven to orders, 0 refused, 0 left in orders-dlq\n"
    );
    assert_eq!(rig.depth("orders-dlq"), 0);
    let messages = rig.take_all("orders").await;
    let mut found = ids(&messages);
    found.sort();
    let mut expected: Vec<_> = all.iter().map(|letter| letter.id.clone()).collect();
    expected.sort();
    assert_eq!(found, expected);
    for message in &messages {
        let id = &ids(std::slice::from_ref(message))[0];
        let letter = all.iter().find(|letter| letter.id == *id).unwrap();
        assert_eq!(message.body(), Some(&*letter.body()));
        let attributes = message.message_attributes().unwrap();
        assert_eq!(attributes.len(), letter.attributes.len(), "{attributes:?}");
        for (name, attribute) in &letter.attributes {
            assert_eq!(attributes[name].data_type, attribute.data_type);
            match &attribute.value {
                AttributeValue::Text(text) => {
                    assert_eq!(attributes[name].string_value(), Some(&**text))
                }
                AttributeValue::Binary(bytes) => {
                    assert_eq!(attributes[name].binary_value().unwrap().as_ref(), bytes);
                }
            }
        }
    }
}

#[tokio::test]
async fn filter_and_max_leave_the_rest() {
    let rig = Rig::start().await;
    let mut all = letters(30);
    for letter in all.iter_mut().step_by(2) {
        letter.event_type = "order.paid";
        letter.reason = Some(Reason::AttemptsUsedUp);
    }
    rig.put("orders-dlq", &all).await;
    let dry = rig
        .dlq(&[
            "redrive",
            "orders-dlq",
            "--reason",
            "attempts-used-up",
            "--dry-run",
        ])
        .await;
    assert!(
        dry.out.contains("attempts-used-up     15  order.paid"),
        "{dry:?}"
    );
    assert_eq!(
        dry.err,
        "fanline: dry run: 15 of 30 looked at would go from orders-dlq to orders; nothing is changed\n"
    );
    assert_eq!(
        (
            rig.depth("orders-dlq"),
            rig.in_flight("orders-dlq"),
            rig.depth("orders")
        ),
        (30, 0, 0)
    );

    let said = rig
        .dlq(&[
            "redrive",
            "orders-dlq",
            "--reason",
            "attempts-used-up",
            "--max",
            "7",
            "--json",
        ])
        .await;
    assert_eq!(said.json()["redriven"], 7);
    let said = rig
        .dlq(&["redrive", "orders-dlq", "--type", "order.paid"])
        .await;
    assert_eq!(
        said.out,
        "8 redriven to orders, 0 refused, 15 left in orders-dlq\n"
    );
    assert_eq!(rig.in_flight("orders-dlq"), 0);
    let found = ids(&rig.take_all("orders").await);
    assert_eq!(found.len(), 15);
    assert!(
        found
            .iter()
            .all(|id| id[2..].parse::<u32>().unwrap() % 2 == 0),
        "{found:?}"
    );
}

#[tokio::test]
async fn fifo_groups_keep_their_order() {
    let rig = Rig::start().await;
    let mut all = letters(64);
    for (number, letter) in all.iter_mut().enumerate() {
        letter.group = ["a", "b", "c"][number % 3];
    }
    rig.put("orders-dlq.fifo", &all).await;
    let said = rig.dlq(&["redrive", "orders-dlq.fifo"]).await;
    assert_eq!(
        said.out,
        "64 redriven to orders.fifo, 0 refused, 0 left in orders-dlq.fifo\n"
    );
    let found = ids(&rig.take_all("orders.fifo").await);
    for remainder in 0..3 {
        let numbers = found.iter().map(|id| id[2..].parse::<usize>().unwrap());
        let of_group: Vec<_> = numbers.filter(|number| number % 3 == remainder).collect();
        let expected: Vec<_> = (0..64).filter(|number| number % 3 == remainder).collect();
        assert_eq!(of_group, expected);
    }
}

#[tokio::test]
async fn each_goes_to_the_source_it_names_unless_told_otherwise() {
    let rig = Rig::start().await;
    rig.create("payments", Some("orders-dlq")).await;
    rig.create("elsewhere", None).await;
    let of = |id: &str, source| Letter {
        source,
        ..Letter::new(id)
    };
    rig.put(
        "orders-dlq",
        &[of("o", "orders"), of("p", "payments"), of("x", "gone")],
    )
    .await;
    let said = rig.run(&["dlq", "redrive", "orders-dlq"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(
        said.out,
        "2 redriven to orders, payments, 1 refused, 1 left in orders-dlq\n"
    );
    assert_eq!(
        said.err,
        "fanline: x stays: comes from gone, the sources are orders, payments; choose one with --to\n"
    );
    assert_eq!(ids(&rig.take_all("orders").await), ["o"]);
    assert_eq!(ids(&rig.take_all("payments").await), ["p"]);
    rig.dlq(&["redrive", "orders-dlq", "--to", "elsewhere"])
        .await;
    assert_eq!(ids(&rig.take_all("elsewhere").await), ["x"]);
}

#[tokio::test]
async fn rate_is_kept() {
    let rig = Rig::start().await;
    rig.put("orders-dlq", &letters(12)).await;
    let started = Instant::now();
    rig.dlq(&["redrive", "orders-dlq", "--rate", "5", "--max", "11"])
        .await;
    // 5 at once, 5 after a second, one after another.
    assert!(started.elapsed() >= Duration::from_secs(2));
    assert_eq!(rig.depth("orders"), 11);
}

/// Two dead letters of one event, after the second failure of a redriven message, are two: their
/// marks differ on a FIFO queue.
#[tokio::test]
async fn fifo_message_that_fails_again_can_be_redriven_again() {
    let rig = Rig::start().await;
    rig.put("orders-dlq.fifo", &letters(1)).await;
    for _ in 0..2 {
        rig.dlq(&["redrive", "orders-dlq.fifo"]).await;
        assert_eq!(rig.depth("orders.fifo"), 1);
        for _ in 0..4 {
            let receive = rig.sqs.receive_message().queue_url(rig.url("orders.fifo"));
            receive.visibility_timeout(0).send().await.unwrap();
        }
        assert_eq!(rig.depth("orders-dlq.fifo"), 1);
    }
}

#[tokio::test]
async fn fifo_message_that_is_refused_keeps_those_behind_it() {
    let rig = Rig::start().await;
    let small = rig.sqs.create_queue().queue_name("small.fifo");
    let small = small
        .attributes(QueueAttributeName::FifoQueue, "true")
        .attributes(QueueAttributeName::MaximumMessageSize, "1024");
    small.send().await.unwrap();
    let mut all = letters(24);
    for (number, letter) in all.iter_mut().enumerate() {
        letter.group = ["a", "b"][number % 2];
    }
    let long = Attribute::text("x".repeat(1024));
    all[2].attributes.insert("long".to_owned(), long);
    rig.put("orders-dlq.fifo", &all).await;
    let said = rig
        .run(&["dlq", "redrive", "orders-dlq.fifo", "--to", "small.fifo"])
        .await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    assert!(
        lines[0].starts_with("fanline: e-2 stays: InvalidParameterValue: "),
        "{said:?}"
    );
    assert_eq!(
        lines[1],
        "fanline: e-4 stays: an earlier message of its group could not be sent"
    );
    // All of group b, and what was ahead of it in group a.
    let found = ids(&rig.take_all("small.fifo").await);
    let expected = (0..24).filter(|number| number % 2 == 1 || *number == 0);
    let mut expected: Vec<String> = expected.map(|number| format!("e-{number}")).collect();
    let mut sorted = found.clone();
    sorted.sort();
    expected.sort();
    assert_eq!(sorted, expected, "{said:?}");
    assert_eq!(
        (
            rig.depth("orders-dlq.fifo"),
            rig.in_flight("orders-dlq.fifo")
        ),
        (11, 0)
    );
}

#[tokio::test]
async fn worker_that_fails_again_at_once_does_not_keep_it_running() {
    let rig = Rig::start().await;
    rig.put("orders-dlq", &letters(300)).await;
    let failing = async {
        loop {
            for id in ids(&rig.take_all("orders").await) {
                rig.put("orders-dlq", &[Letter::new(id)]).await;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let said = tokio::select! {
        said = rig.dlq(&["redrive", "orders-dlq", "--json"]) => said,
        () = failing => unreachable!("it fails for ever"),
    };
    assert_eq!(said.json()["redriven"], 300, "{said:?}");
    assert!(
        said.err
            .contains(" became dead letters while this ran and were left; "),
        "{said:?}"
    );
}

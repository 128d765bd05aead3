//! Bad input: one clear line, what to do, exit code 1; usage is 2, as clap has it.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::rig::{Rig, Said, command, letters};

#[tokio::test]
async fn queues_that_do_not_fit_are_named() {
    let rig = Rig::start().await;
    rig.create("alone", None).await;
    rig.create("alone.fifo", None).await;
    rig.put("alone", &letters(1)).await;
    for (arguments, expected) in [
        (
            &["list", "order-dlq"][..],
            "no queue \"order-dlq\"; did you mean 'orders-dlq'?",
        ),
        (
            &["list", "zzzz"],
            "no queue \"zzzz\"; queues: alone, alone.fifo, orders, orders-dlq, orders-dlq.fifo, orders.fifo",
        ),
        (
            &["list", "arn:aws:s3:::bucket"],
            "arn:aws:s3:::bucket is not the ARN of a queue; expected arn:aws:sqs:REGION:ACCOUNT:NAME",
        ),
        (
            &["list", "arn:aws:sqs:eu-west-1:000000000000:orders-dlq"],
            "orders-dlq is in eu-west-1, this shell is set to us-east-1; set AWS_REGION=eu-west-1",
        ),
        (
            &["show", "orders-dlq", "x"],
            "no message with event id or message id x in orders-dlq; looked at 0",
        ),
        (
            &["redrive", "alone"],
            "alone has no source queue: it is in no queue's redrive policy; use --to QUEUE",
        ),
        (
            &["redrive", "alone", "--to", "order"],
            "no queue \"order\"; did you mean 'orders'?",
        ),
        (
            &["redrive", "alone", "--to", "orders.fifo"],
            "alone is a standard queue and orders.fifo a FIFO one; messages can only go to a queue of the same type",
        ),
        (
            &["redrive", "alone", "--to", "alone"],
            "alone is the queue they are in; choose another with --to",
        ),
    ] {
        let said = rig.run(&[&["dlq"], arguments].concat()).await;
        assert_eq!(
            (said.err, said.code),
            (format!("fanline: {expected}\n"), Some(1)),
            "{arguments:?}"
        );
    }
    // A queue without a policy can be looked at: a topic's or a function's dead letters are in such.
    assert!(rig.dlq(&["list", "alone"]).await.out.contains("rejected"));
}

#[tokio::test]
async fn filters_that_cannot_be_read_are_refused_as_usage() {
    for (arguments, expected) in [
        (
            &["--older-than", "1w"][..],
            "\"1w\" is no age; expected for example 30s, 10m, 2h, 3d or 1h30m",
        ),
        (&["--max", "0"], "0 is not in 1.."),
    ] {
        let arguments = [&["dlq", "list", "orders-dlq"], arguments].concat();
        let said = Said::from(
            command("http://127.0.0.1:9", &arguments)
                .output()
                .await
                .unwrap(),
        );
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(expected), "{said:?}");
    }
}

#[tokio::test]
async fn dead_letter_queue_with_a_policy_of_its_own_is_warned_of() {
    let rig = Rig::start().await;
    rig.create("first", Some("orders")).await;
    let said = rig.dlq(&["list", "orders"]).await;
    assert_eq!(
        said.err,
        "fanline: orders is a dead-letter queue with a redrive policy of its own: what is received 3 times, also by this command, moves on to orders-dlq\n"
    );
}

#[tokio::test]
async fn unreachable_endpoint() {
    let said = command("http://127.0.0.1:9", &["dlq", "list", "x"])
        .output()
        .await
        .unwrap();
    let said = Said::from(said);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.starts_with(
            "fanline: sqs GetQueueUrl on x: endpoint not reachable (Connection refused"
        ),
        "{said:?}"
    );
}

/// Answers every request as SQS answers those it does not allow.
async fn forbidding() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16 * 1024];
            let _read = stream.read(&mut request).await;
            let body = r#"{"__type":"com.amazonaws.sqs#AccessDeniedException","message":"User ann is not authorized"}"#;
            let answer = format!(
                "HTTP/1.1 403 Forbidden\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _written = stream.write_all(answer.as_bytes()).await;
        }
    });
    endpoint
}

#[tokio::test]
async fn denied_access_names_the_action() {
    let endpoint = forbidding().await;
    let said = Said::from(
        command(&endpoint, &["dlq", "list", "x"])
            .output()
            .await
            .unwrap(),
    );
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.starts_with(
            "fanline: sqs GetQueueUrl on x: access denied; allow sqs:GetQueueUrl on this queue to "
        ),
        "{said:?}"
    );
}

#[tokio::test]
async fn shell_without_region_or_credentials() {
    let bare = || {
        let mut command = command("", &["dlq", "list", "x"]);
        command.env_clear().env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("HOME", "/nonexistent");
        command
    };
    let said = Said::from(bare().output().await.unwrap());
    assert_eq!(
        (&*said.err, said.code),
        (
            "fanline: no AWS region; set AWS_REGION or AWS_PROFILE, or --endpoint-url for a local stand-in\n",
            Some(1)
        )
    );
    let said = Said::from(
        bare()
            .env("AWS_REGION", "eu-west-1")
            .output()
            .await
            .unwrap(),
    );
    assert_eq!(
        (&*said.err, said.code),
        (
            "fanline: no AWS credentials (no credentials found in chain. Attempted); sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID\n",
            Some(1)
        )
    );
}

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::{resolve, resolve_with};
use crate::template::{EventSource, KeyElement, Throughput};

const SIGNUPS: &str = include_str!("signups.yaml");

fn sqs(name: &str) -> String {
    format!("arn:aws:sqs:eu-central-1:012345678901:{name}")
}

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> std::collections::BTreeMap<String, String> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn queues_have_the_attributes_that_create_queue_takes() {
    let stack = resolve(SIGNUPS).unwrap();
    assert_eq!(stack.findings, []);

    let names: Vec<_> = stack.queues.iter().map(|queue| &*queue.name).collect();
    assert_eq!(
        names,
        [
            "email-queue",
            "shop-EmailDlq",
            "shop-AnalyticsQueue",
            "shop-AnalyticsDlq"
        ]
    );
    let order: Vec<_> = stack
        .queues_in_creation_order()
        .iter()
        .map(|queue| &*queue.logical_id)
        .collect();
    assert_eq!(
        order,
        ["EmailDlq", "EmailQueue", "AnalyticsDlq", "AnalyticsQueue"]
    );

    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage",
        "Resource": [sqs("email-queue"), sqs("shop-AnalyticsQueue")],
        "Condition": { "ArnEquals": { "aws:SourceArn": "arn:aws:sns:eu-central-1:012345678901:user-events" } },
    }]});
    let email = stack.queue("EmailQueue").unwrap();
    assert_eq!((email.line, email.fifo), (38, false));
    assert_eq!(email.url, "http://127.0.0.1:4566/012345678901/email-queue");
    assert_eq!(email.arn, sqs("email-queue"));
    assert_eq!(email.dead_letter_target, Some(sqs("shop-EmailDlq")));
    let mut attributes = email.attributes.clone();
    assert_eq!(parsed(&attributes.remove("Policy").unwrap()), policy);
    assert_eq!(
        parsed(&attributes.remove("RedrivePolicy").unwrap()),
        json!({ "deadLetterTargetArn": sqs("shop-EmailDlq"), "maxReceiveCount": 5 })
    );
    let expected = [
        ("VisibilityTimeout", "180"),
        ("MessageRetentionPeriod", "3600"),
        ("SqsManagedSseEnabled", "true"),
    ];
    assert_eq!(attributes, pairs(expected));

    let dlq = stack.queue("EmailDlq").unwrap();
    assert_eq!(dlq.attributes["MessageRetentionPeriod"], "1209600");
    assert_eq!(
        parsed(&dlq.attributes["RedriveAllowPolicy"]),
        json!({ "redrivePermission": "byQueue", "sourceQueueArns": [sqs("email-queue")] })
    );
    let mut attributes = stack.queue("AnalyticsQueue").unwrap().attributes.clone();
    assert_eq!(parsed(&attributes.remove("Policy").unwrap()), policy);
    assert_eq!(
        parsed(&attributes.remove("RedrivePolicy").unwrap())["maxReceiveCount"],
        3
    );
    let expected = [
        ("DelaySeconds", "1"),
        ("ReceiveMessageWaitTimeSeconds", "20"),
        ("MaximumMessageSize", "262144"),
    ];
    assert_eq!(attributes, pairs(expected));
}

#[test]
fn topics_and_subscriptions() {
    let stack = resolve(SIGNUPS).unwrap();
    let [topic] = &stack.topics[..] else {
        panic!("expected one topic")
    };
    assert_eq!(
        topic.arn,
        "arn:aws:sns:eu-central-1:012345678901:user-events"
    );
    assert_eq!(
        topic.attributes,
        pairs([("KmsMasterKeyId", "alias/aws/sns")])
    );

    let [email, analytics] = &stack.subscriptions[..] else {
        panic!("expected two subscriptions")
    };
    assert_eq!(
        (&*email.protocol, &email.endpoint),
        ("sqs", &sqs("email-queue"))
    );
    assert_eq!(email.topic_arn, topic.arn);
    let mut attributes = email.attributes.clone();
    assert_eq!(
        parsed(&attributes.remove("FilterPolicy").unwrap()),
        json!({
            "type": ["user.signed_up", "user.left"],
            "version": [{ "numeric": [">=", 1] }],
            "test": [{ "exists": false }],
        })
    );
    let redrive = json!({ "deadLetterTargetArn": sqs("shop-EmailDlq") });
    assert_eq!(
        parsed(&attributes.remove("RedrivePolicy").unwrap()),
        redrive
    );
    assert_eq!(attributes, pairs([("RawMessageDelivery", "true")]));
    assert_eq!(
        analytics.attributes,
        pairs([
            ("FilterPolicyScope", "MessageBody"),
            ("FilterPolicy", r#"{"type":["user.signed_up"]}"#)
        ])
    );
}

#[test]
fn functions_with_globals_merged_in() {
    let stack = resolve(SIGNUPS).unwrap();
    let email = stack.function("EmailService").unwrap();
    assert_eq!((&*email.name, &*email.binary), ("email-service", "email"));
    assert_eq!(
        email.arn,
        "arn:aws:lambda:eu-central-1:012345678901:function:email-service"
    );
    assert_eq!(
        email.package_folder,
        PathBuf::from("project/functions/email-service/")
    );
    assert_eq!((email.timeout_seconds, email.memory_mb), (30, 256));
    assert_eq!(
        (&*email.architecture, &*email.handler),
        ("arm64", "bootstrap")
    );
    assert_eq!(email.reserved_concurrency, Some(5));
    assert_eq!(email.build_method.as_deref(), Some("rust-cargolambda"));
    let expected = [
        ("ACCOUNT", "012345678901"),
        ("DEDUP_TABLE", "processed-events"),
        ("EMAILS_TABLE", "shop-SentEmails"),
        ("LINK", "https://shop.amazonaws.com/dev?q=${literal}"),
        ("LOG", "debug"),
        ("QUEUE", "http://127.0.0.1:4566/012345678901/email-queue"),
        ("ROLE", "arn:aws:iam::012345678901:role/shop-EmailRole"),
        ("SWITCH", "true"),
    ];
    assert_eq!(email.environment, pairs(expected));

    let analytics = stack.function("AnalyticsService").unwrap();
    assert_eq!(
        (&*analytics.name, &*analytics.binary),
        ("shop-AnalyticsService", "analytics-service")
    );
    assert_eq!(
        (analytics.timeout_seconds, analytics.build_method.as_deref()),
        (10, None)
    );
    assert_eq!(
        analytics.environment,
        pairs([("DEDUP_TABLE", "processed-events"), ("LOG", "info")])
    );
}

#[test]
fn mappings_from_events_and_from_resources() {
    let stack = resolve(SIGNUPS).unwrap();
    let [analytics, relay, email] = {
        let mut mappings = stack.event_source_mappings.clone();
        mappings.sort_by(|left, right| left.logical_id.cmp(&right.logical_id));
        assert_eq!(mappings.len(), 3);
        [
            mappings[0].clone(),
            mappings[2].clone(),
            mappings[1].clone(),
        ]
    };
    assert_eq!(
        (&*email.logical_id, &*email.function),
        ("EmailServiceMessages", "EmailService")
    );
    assert_eq!(
        email.source,
        EventSource::Queue {
            logical_id: "EmailQueue".to_owned(),
            arn: sqs("email-queue")
        }
    );
    assert_eq!(
        (email.batch_size, email.maximum_batching_window_seconds),
        (5, 2)
    );
    assert_eq!(
        (email.maximum_concurrency, email.report_batch_item_failures),
        (Some(4), true)
    );
    assert_eq!(
        email.filter_patterns,
        [r#"{"body":{"type":["user.signed_up"]}}"#]
    );
    assert!(email.enabled);

    assert_eq!(
        (&*analytics.function, analytics.batch_size),
        ("AnalyticsService", 10)
    );
    assert_eq!(
        (
            analytics.maximum_concurrency,
            analytics.report_batch_item_failures
        ),
        (None, false)
    );

    assert_eq!((relay.batch_size, relay.enabled), (100, false));
    let EventSource::Stream {
        logical_id,
        arn,
        starting_position,
        bisect_batch_on_function_error,
        ..
    } = &relay.source
    else {
        panic!("expected a stream")
    };
    assert_eq!(
        (&**logical_id, &**starting_position),
        ("Outbox", "TRIM_HORIZON")
    );
    assert_eq!(
        arn,
        "arn:aws:dynamodb:eu-central-1:012345678901:table/shop-Outbox/stream/latest"
    );
    assert!(bisect_batch_on_function_error);

    let [nightly] = &stack.schedules[..] else {
        panic!("expected one schedule")
    };
    assert_eq!(
        (&*nightly.function, &*nightly.expression),
        ("EmailService", "rate(1 day)")
    );
    assert_eq!(
        (nightly.input.as_deref(), nightly.enabled),
        (Some(r#"{"clean": true}"#), false)
    );
}

#[test]
fn tables_with_keys_indexes_and_expiry() {
    let stack = resolve(SIGNUPS).unwrap();
    let [processed, emails, outbox] = &stack.tables[..] else {
        panic!("expected three tables")
    };
    let key = |attribute: &str, key_type: &str| KeyElement {
        attribute: attribute.to_owned(),
        key_type: key_type.to_owned(),
    };
    assert_eq!(
        (&*processed.name, processed.provisioned),
        ("processed-events", None)
    );
    assert_eq!(processed.ttl_attribute.as_deref(), Some("expires_at"));
    assert_eq!(processed.key_schema, [key("id", "HASH")]);
    assert_eq!(emails.key_schema, [key("mail", "HASH")]);
    assert_eq!(
        emails.attribute_definitions,
        [("mail".to_owned(), "S".to_owned())]
    );
    assert_eq!(
        outbox.key_schema,
        [key("entity", "HASH"), key("sequence", "RANGE")]
    );
    assert_eq!(outbox.provisioned, Some(Throughput { read: 2, write: 3 }));
    assert_eq!(outbox.stream_view_type.as_deref(), Some("NEW_IMAGE"));
    assert_eq!(outbox.ttl_attribute, None);
    let [index] = &outbox.global_indexes[..] else {
        panic!("expected one index")
    };
    assert_eq!(
        (&*index.name, &*index.projection_type),
        ("by-sequence", "INCLUDE")
    );
    assert_eq!(index.non_key_attributes, ["body"]);
}

#[test]
fn what_makes_no_difference_is_listed_and_conditions_decide() {
    let ignored = |parameters: &[(&str, &str)]| {
        let stack = resolve_with(SIGNUPS, parameters).unwrap();
        let names: Vec<_> = stack
            .ignored
            .iter()
            .map(|ignored| ignored.logical_id.clone())
            .collect();
        (names, stack)
    };
    let (names, stack) = ignored(&[]);
    assert_eq!(
        names,
        ["EmailRole", "IncludedAlarm", "AnalyticsServiceRole"]
    );
    let topic = "arn:aws:sns:eu-central-1:012345678901:user-events";
    assert_eq!(
        stack.outputs,
        pairs([("Topic", topic), ("Dlq", "shop-EmailDlq")])
    );

    let (names, stack) = ignored(&[("Stage", "live"), ("AlarmTopic", "arn:aws:sns:x:1:alarms")]);
    assert_eq!(
        names,
        [
            "EmailRole",
            "Alarm",
            "IncludedAlarm",
            "AnalyticsServiceRole"
        ]
    );
    assert_eq!(stack.outputs["OnlyLive"], "live");
    let email = stack.function("EmailService").unwrap();
    assert_eq!(email.environment["ALARMS"], "arn:aws:sns:x:1:alarms");
    assert_eq!(email.memory_mb, 1024);
    assert_eq!(
        stack.queue("EmailQueue").unwrap().attributes["MessageRetentionPeriod"],
        "345600"
    );
}

#[test]
fn json_is_yaml() {
    let text = r#"{"Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties":
        {"QueueName": {"Fn::Sub": "${AWS::StackName}-jobs.fifo"}, "FifoQueue": true,
         "ContentBasedDeduplication": true, "DeduplicationScope": "messageGroup"}}}}"#;
    let stack = resolve(text).unwrap();
    let queue = stack.queue("Jobs").unwrap();
    assert!(queue.fifo);
    assert_eq!(queue.name, "shop-jobs.fifo");
    let expected = [
        ("ContentBasedDeduplication", "true"),
        ("DeduplicationScope", "messageGroup"),
        ("FifoQueue", "true"),
    ];
    assert_eq!(queue.attributes, pairs(expected));
}

#[test]
fn fifo_names_that_are_derived_get_their_ending() {
    let text = "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}\n  T: {Type: AWS::SNS::Topic, Properties: {FifoTopic: 'true'}}\n";
    let stack = resolve(text).unwrap();
    assert_eq!(
        (&*stack.queues[0].name, &*stack.topics[0].name),
        ("shop-Q.fifo", "shop-T.fifo")
    );
    assert_eq!(stack.topics[0].attributes, pairs([("FifoTopic", "true")]));
}

#[test]
fn alarms_of_many_consumers_all_include_their_file() {
    let alarm = "{Type: AWS::CloudWatch::Alarm, Properties: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: infra/alarm.yaml}}}}";
    let alarms: String = (0..200)
        .map(|number| format!("  Alarm{number}: {alarm}\n"))
        .collect();
    let stack = resolve(&format!("Resources:\n{alarms}")).unwrap();
    assert_eq!(stack.ignored.len(), 200);
    assert_eq!(stack.findings.len(), 0);
}

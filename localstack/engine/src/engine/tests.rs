use super::*;
use crate::query::Form;
use proptest::prelude::*;
use serde_json::{Value, json};

fn engine() -> Engine {
    Engine::new(EngineOptions {
        seed: 3,
        ..EngineOptions::default()
    })
}

fn sns(engine: &mut Engine, form: &str) -> Published {
    let request = SnsRequest::parse(&Form::parse(form.as_bytes())).expect("parses");
    engine.sns(0, "http://localhost", request)
}

#[test]
fn a_forgotten_queue_policy_is_counted_and_setting_it_cures() {
    let mut engine = engine();
    let queue = SqsRequest::parse("CreateQueue", br#"{"QueueName":"q"}"#).expect("parses");
    engine.sqs(0, "", queue).answer.expect("created");
    sns(&mut engine, "Action=CreateTopic&Name=t")
        .answer
        .expect("created");
    let topic = "TopicArn=arn:aws:sns:us-east-1:000000000000:t";
    let subscribe = format!(
        "Action=Subscribe&{topic}&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:000000000000:q"
    );
    sns(&mut engine, &subscribe).answer.expect("subscribed");
    let publish = format!("Action=Publish&{topic}&Message=hello");
    let published = sns(&mut engine, &publish);
    assert!(published.answer.is_ok() && published.woken.is_empty());
    assert_eq!(engine.undelivered().refused_by_policy, 1);
    let policy = r#"{"QueueUrl":"/q","Attributes":{"Policy":"{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}}"}}"#;
    let policy = SqsRequest::parse("SetQueueAttributes", policy.as_bytes()).expect("parses");
    engine.sqs(0, "", policy).answer.expect("set");
    assert_eq!(sns(&mut engine, &publish).woken, [Arc::from("q")]);
    assert_eq!(engine.sqs.counts(0, "q").expect("exists").available, 1);
}

#[test]
fn raw_deliveries_share_one_body() {
    let mut engine = engine();
    sns(&mut engine, "Action=CreateTopic&Name=t")
        .answer
        .expect("created");
    let topic = "TopicArn=arn:aws:sns:us-east-1:000000000000:t";
    for queue in ["a", "b"] {
        let subscribe = format!(
            "Action=Subscribe&{topic}&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:000000000000:{queue}&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true"
        );
        sns(&mut engine, &subscribe).answer.expect("subscribed");
    }
    let publish = format!("Action=Publish&{topic}&Message=hello");
    let request = SnsRequest::parse(&Form::parse(publish.as_bytes())).expect("parses");
    let step = engine.sns.step(0, "", request);
    let bodies: Vec<Arc<str>> = step
        .deliveries
        .into_iter()
        .map(|delivery| delivery.message.expect("can be sent").body)
        .collect();
    assert!(Arc::ptr_eq(&bodies[0], &bodies[1]));
}

/// Values of every kind where AWS's members stand, valid handles and names among them.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        ".{0,8}".prop_map(Value::from),
        prop_oneof![
            Just("/q"),
            Just("/q.fifo"),
            Just("q.fifo"),
            Just("true"),
            Just("All"),
            Just("0"),
            Just("String"),
            Just("Number"),
            Just("1e999"),
            Just("-5"),
            Just("{}"),
            Just("W8uq5AAAAAIAAAAAAAAAAAAAAAAAAAAB"),
            Just("arn:aws:sqs:us-east-1:000000000000:q"),
            Just("arn:aws:sns:us-east-1:000000000000:t"),
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(member(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn member() -> impl Strategy<Value = String> {
    let names = [
        "QueueUrl",
        "QueueName",
        "Attributes",
        "MessageBody",
        "MessageAttributes",
        "Entries",
        "Id",
        "ReceiptHandle",
        "VisibilityTimeout",
        "DelaySeconds",
        "DataType",
        "StringValue",
        "MaxNumberOfMessages",
        "WaitTimeSeconds",
        "MessageGroupId",
        "MessageDeduplicationId",
        "RedrivePolicy",
        "FifoQueue",
        "Policy",
        "SourceArn",
        "MaxResults",
    ];
    proptest::sample::select(names.to_vec()).prop_map(str::to_owned)
}

const OPERATIONS: [&str; 15] = [
    "CreateQueue",
    "DeleteQueue",
    "ListQueues",
    "GetQueueAttributes",
    "SetQueueAttributes",
    "SendMessage",
    "SendMessageBatch",
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "PurgeQueue",
    "StartMessageMoveTask",
    "ListMessageMoveTasks",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_call_to_sqs_panics(
        calls in proptest::collection::vec(
            (proptest::sample::select(OPERATIONS.to_vec()), proptest::collection::btree_map(member(), any_value(), 0..6)),
            1..20,
        ),
    ) {
        let mut engine = engine();
        for name in ["q", "q.fifo"] {
            let attributes = if name == "q" { json!({}) } else { json!({"FifoQueue": "true"}) };
            let create = json!({"QueueName": name, "Attributes": attributes}).to_string();
            let create = SqsRequest::parse("CreateQueue", create.as_bytes()).expect("parses");
            engine.sqs(0, "", create).answer.expect("created");
        }
        for (now, (operation, members)) in calls.into_iter().enumerate() {
            let body = Value::from_iter(members).to_string();
            if let Ok(request) = SqsRequest::parse(operation, body.as_bytes()) {
                let _ = engine.sqs(now as u64, "", request);
            }
        }
    }

    #[test]
    fn no_call_to_sns_panics(
        action in prop_oneof![Just("Publish"), Just("PublishBatch"), Just("Subscribe"), Just("CreateTopic"), Just("SetSubscriptionAttributes")],
        name in "[a-z.]{0,4}",
        text in "\\PC{0,30}",
        policy in any_value(),
        noise in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut engine = engine();
        let topic = "arn:aws:sns:us-east-1:000000000000:t";
        sns(&mut engine, "Action=CreateTopic&Name=t").answer.expect("created");
        let mut body = format!(
            "Action={action}&TopicArn={topic}&Name={name}&Message={text}&Subject={name}&Protocol=sqs\
             &Endpoint=arn:aws:sqs:us-east-1:000000000000:q&Attributes.entry.1.key=FilterPolicy\
             &Attributes.entry.1.value={policy}&AttributeName=FilterPolicy&AttributeValue={policy}\
             &PublishBatchRequestEntries.member.1.Id={name}&PublishBatchRequestEntries.member.1.Message={text}&"
        )
        .into_bytes();
        body.extend(noise);
        if let Ok(request) = SnsRequest::parse(&Form::parse(&body)) {
            let _ = engine.sns(0, "", request);
        }
        let publish = format!("Action=Publish&TopicArn={topic}&Message={text}");
        if let Ok(request) = SnsRequest::parse(&Form::parse(publish.as_bytes())) {
            let _ = engine.sns(0, "", request);
        }
    }
}

use super::*;
use crate::query::Form;

fn engine() -> Engine {
    Engine::new(EngineOptions {
        identity: Identity {
            region: "us-east-1".into(),
            account: "000000000000".into(),
        },
        enforce_queue_policies: true,
        seed: 3,
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

use super::*;
use crate::query::Form;

fn sns() -> Sns {
    let identity = Identity {
        region: "us-east-1".into(),
        account: "000000000000".into(),
    };
    Sns::new(identity, None, 1)
}

fn call(sns: &mut Sns, form: &str) -> SnsStep {
    match SnsRequest::parse(&Form::parse(form.as_bytes())) {
        Ok(request) => sns.step(0, "http://localhost", request),
        Err(error) => SnsStep {
            invocations: Vec::new(),
            answer: Err(error),
            deliveries: Vec::new(),
        },
    }
}

const TOPIC: &str = "TopicArn=arn:aws:sns:us-east-1:000000000000:t";

fn subscribed(attributes: &[(&str, &str)]) -> Sns {
    let mut sns = sns();
    call(&mut sns, "Action=CreateTopic&Name=t")
        .answer
        .expect("created");
    let mut form = format!(
        "Action=Subscribe&{TOPIC}&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:000000000000:q"
    );
    for (index, (name, value)) in attributes.iter().enumerate() {
        let entry = format!("Attributes.entry.{}", index + 1);
        form += &format!("&{entry}.key={name}&{entry}.value={value}");
    }
    call(&mut sns, &form).answer.expect("subscribed");
    sns
}

#[test]
fn what_aws_refuses_is_refused() {
    let mut sns = subscribed(&[]);
    for (form, expected) in [
        (
            format!("Action=Publish&{TOPIC}"),
            SnsErrorKind::InvalidParameter,
        ),
        (
            format!("Action=Publish&{TOPIC}x&Message=m"),
            SnsErrorKind::NotFound,
        ),
        (
            "Action=Publish&TopicArn=nonsense&Message=m".into(),
            SnsErrorKind::InvalidParameter,
        ),
        (
            format!("Action=Publish&{TOPIC}&Message=m&Subject=%0A"),
            SnsErrorKind::InvalidParameter,
        ),
        (
            format!("Action=Publish&{TOPIC}&Message=m&MessageStructure=json"),
            SnsErrorKind::InvalidParameter,
        ),
        (
            format!("Action=Publish&{TOPIC}&Message={}", "x".repeat(262_145)),
            SnsErrorKind::InvalidParameter,
        ),
        (
            format!("Action=Publish&{TOPIC}&Message=m&MessageDeduplicationId=d"),
            SnsErrorKind::InvalidParameter,
        ),
        (
            "Action=CreateTopic&Name=has space".into(),
            SnsErrorKind::InvalidParameter,
        ),
        (
            "Action=CreateTopic&Name=x.fifo".into(),
            SnsErrorKind::InvalidParameter,
        ),
        (
            format!("Action=Subscribe&{TOPIC}&Protocol=http&Endpoint=http://x"),
            SnsErrorKind::InvalidParameter,
        ),
        (
            format!("Action=Subscribe&{TOPIC}&Protocol=sqs&Endpoint=x"),
            SnsErrorKind::InvalidParameter,
        ),
        ("Action=Dance".into(), SnsErrorKind::InvalidAction),
    ] {
        let error = call(&mut sns, &form).answer.expect_err(&form);
        assert_eq!(error.kind(), expected, "{form}: {error}");
    }
}

#[test]
fn message_structure_json_picks_the_part_for_queues() {
    let mut sns = subscribed(&[("RawMessageDelivery", "true")]);
    let message = "%7B%22default%22%3A%22d%22%2C%22sqs%22%3A%22q%22%7D";
    let step = call(
        &mut sns,
        &format!("Action=Publish&{TOPIC}&MessageStructure=json&Message={message}"),
    );
    let delivery = step.deliveries[0].message.as_ref().expect("can be sent");
    assert_eq!(&*delivery.body, "q");
}

#[test]
fn eleven_attributes_cannot_be_delivered_raw() {
    let mut form = format!("Action=Publish&{TOPIC}&Message=m");
    for number in 1..=11 {
        let entry = format!("MessageAttributes.entry.{number}");
        form += &format!(
            "&{entry}.Name=a{number}&{entry}.Value.DataType=String&{entry}.Value.StringValue=v"
        );
    }
    let step = call(&mut subscribed(&[("RawMessageDelivery", "true")]), &form);
    assert!(step.answer.is_ok() && step.deliveries[0].message.is_err());
    let step = call(&mut subscribed(&[]), &form);
    assert!(step.deliveries[0].message.is_ok());
}

#[test]
fn a_filter_on_the_body_is_read_with_its_scope_in_one_call() {
    let filter = "%7B%22user%22%3A%7B%22plan%22%3A%5B%22pro%22%5D%7D%7D";
    let mut sns = subscribed(&[
        ("FilterPolicy", filter),
        ("FilterPolicyScope", "MessageBody"),
    ]);
    for (plan, expected) in [("pro", 1), ("free", 0)] {
        let message = format!("%7B%22user%22%3A%7B%22plan%22%3A%22{plan}%22%7D%7D");
        let step = call(
            &mut sns,
            &format!("Action=Publish&{TOPIC}&Message={message}"),
        );
        assert_eq!(step.deliveries.len(), expected, "{plan}");
    }
}

#[test]
fn lists_come_in_pages() {
    let mut sns = sns();
    for number in 0..101 {
        call(&mut sns, &format!("Action=CreateTopic&Name=t{number:03}"))
            .answer
            .expect("created");
    }
    let Ok(SnsResponse::Topics {
        arns,
        next_token: Some(token),
    }) = call(&mut sns, "Action=ListTopics").answer
    else {
        panic!("has a second page");
    };
    assert_eq!(arns.len(), 100);
    let rest = call(&mut sns, &format!("Action=ListTopics&NextToken={token}")).answer;
    let Ok(SnsResponse::Topics {
        arns,
        next_token: None,
    }) = rest
    else {
        panic!("is the last page");
    };
    assert_eq!(arns, ["arn:aws:sns:us-east-1:000000000000:t100"]);
}

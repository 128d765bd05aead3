use super::resolve;
use crate::template::EventSource;

fn with_event(properties: &str) -> String {
    format!(
        "Resources:
  Topic: {{Type: AWS::SNS::Topic}}
  Jobs: {{Type: AWS::SQS::Queue}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: f
      Events:
        SignUps:
          Type: SNS
          Properties:
            Topic: !Ref Topic
            FilterPolicy: {{type: [a]}}
            SqsSubscription: {properties}
Outputs:
  Role: {{Value: !GetAtt FRole.Arn}}
"
    )
}

#[test]
fn an_sns_event_gets_a_queue_of_its_own() {
    let stack = resolve(&with_event("true")).unwrap();
    assert_eq!(stack.findings, []);
    let queue = stack.queue("FSignUpsQueue").unwrap();
    assert!(
        queue.attributes["Policy"].contains("arn:aws:sns:eu-central-1:012345678901:shop-Topic")
    );
    assert_eq!(stack.subscriptions[0].endpoint, queue.arn);
    assert_eq!(
        stack.subscriptions[0].attributes["FilterPolicy"],
        r#"{"type":["a"]}"#
    );
    let mapping = &stack.event_source_mappings[0];
    assert_eq!(
        (&*mapping.function, mapping.batch_size, mapping.enabled),
        ("F", 10, true)
    );
    assert_eq!(mapping.line, 10);
    assert_eq!(
        stack.outputs["Role"],
        "arn:aws:iam::012345678901:role/shop-FRole"
    );
}

#[test]
fn an_sns_event_may_name_a_queue() {
    let given = "{QueueArn: !GetAtt Jobs.Arn, QueueUrl: !Ref Jobs, BatchSize: 3, Enabled: false}";
    let stack = resolve(&with_event(given)).unwrap();
    assert_eq!((stack.queues.len(), stack.findings.len()), (1, 0));
    let mapping = &stack.event_source_mappings[0];
    let EventSource::Queue { logical_id, .. } = &mapping.source else {
        panic!("expected a queue")
    };
    assert_eq!(
        (&**logical_id, mapping.batch_size, mapping.enabled),
        ("Jobs", 3, false)
    );
    assert!(stack.queues[0].attributes.contains_key("Policy"));
}

#[test]
fn functions_defaults_are_those_of_sam() {
    let text = "Resources:\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: crates/jobs}}\n";
    let stack = resolve(text).unwrap();
    let function = &stack.functions[0];
    assert_eq!((function.timeout_seconds, function.memory_mb), (3, 128));
    assert_eq!(
        (&*function.architecture, &*function.binary),
        ("x86_64", "jobs")
    );
    assert_eq!(
        (&*function.name, function.reserved_concurrency),
        ("shop-F", None)
    );
}

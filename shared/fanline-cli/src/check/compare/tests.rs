use std::{collections::BTreeMap, io, path::Path};

use super::*;
use crate::template::{self, Environment};

const TEMPLATE: &str = r#"
Transform: AWS::Serverless-2016-10-31
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: events}}
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: orders
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: dead}}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref Topic
      Protocol: sqs
      Endpoint: !GetAtt Orders.Arn
      FilterPolicy: {type: [order.placed]}
  Worker:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: worker}}
    Properties:
      CodeUri: worker
      Runtime: provided.al2023
      Handler: bootstrap
      Timeout: 10
      Environment: {Variables: {FANLINE_DEDUP_TABLE: t, FANLINE_DLQ_URL: !Ref Dead}}
      Events:
        Messages: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn, FunctionResponseTypes: [ReportBatchItemFailures]}}
"#;

fn description() -> WorkerDescription {
    let description = json!({
        "fanlineWorker": 1,
        "handlers": [{ "type": "order.placed", "version": 1, "mode": "at-least-once", "attempts": 5 }],
        "unknown": "dead-letter",
        "filterPolicyScope": "MessageAttributes",
        "filterPolicy": { "type": ["order.placed"] }
    });
    serde_json::from_value(description).unwrap()
}

/// What is said after the text `from` of the template has become `to`: differences, then warnings.
fn said(from: &str, to: &str) -> Vec<String> {
    assert!(TEMPLATE.contains(from), "{from}");
    let environment = Environment {
        region: "us-east-1".to_owned(),
        account: "000000000000".to_owned(),
        partition: "aws".to_owned(),
        stack_name: "test".to_owned(),
        queue_url_base: "https://sqs.us-east-1.amazonaws.com/000000000000".to_owned(),
        function_urls: BTreeMap::new(),
    };
    let no_files = |_: &Path| Err(io::Error::from(io::ErrorKind::NotFound));
    let stack = template::interpret(
        &TEMPLATE.replace(from, to),
        "template.yaml",
        Path::new(""),
        &no_files,
        &BTreeMap::new(),
        &environment,
    );
    let stack = stack.unwrap();
    let function = stack.function("Worker").unwrap();
    match compare(&stack, function, Said::Worker(description())) {
        Comparison::Worker {
            differences,
            warnings,
            ..
        } => {
            let shown =
                |difference: Difference| format!("{}: {}", difference.resource, difference.problem);
            let warnings = warnings.into_iter().map(shown);
            let warnings = warnings.map(|warning| format!("warning: {warning}"));
            differences.into_iter().map(shown).chain(warnings).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_template_that_agrees_is_not_spoken_of() {
    assert_eq!(said("orders", "orders"), Vec::<String>::new());
}

#[test]
fn each_disagreement_is_said_with_both_sides() {
    for (from, to, expected) in [
        (
            "{type: [order.placed]}",
            "{type: [user.signed_up]}",
            r#"Subscription: FilterPolicy is {"type":["user.signed_up"]}, but Worker wants {"type":["order.placed"]}, so order.placed never reaches it; write that into the template, or change Worker::filter_policy"#,
        ),
        (
            "      FilterPolicy: {type: [order.placed]}\n",
            "",
            r#"Subscription: FilterPolicy is {} (every message), but Worker wants {"type":["order.placed"]}; write that into the template, or change Worker::filter_policy"#,
        ),
        (
            "FilterPolicy: {",
            "FilterPolicyScope: MessageBody\n      FilterPolicy: {",
            r#"Subscription: FilterPolicy is {"type":["order.placed"]} on the body, but Worker wants {"type":["order.placed"]}; write that into the template, or change Worker::filter_policy"#,
        ),
        (
            "maxReceiveCount: 5",
            "maxReceiveCount: 3",
            "Worker: its handler of order.placed version 1 makes 5 attempts, but SQS moves messages of orders after 3 receives, without a reason; raise maxReceiveCount or leave out delays",
        ),
        (
            "FANLINE_DLQ_URL: !Ref Dead",
            "FANLINE_DLQ_URL: !Ref Orders",
            "Worker: FANLINE_DLQ_URL is https://sqs.us-east-1.amazonaws.com/000000000000/orders, but orders has the dead-letter queue dead; expected !Ref Dead",
        ),
        (
            "FANLINE_DEDUP_TABLE: t, ",
            "",
            "Worker: FANLINE_DEDUP_TABLE is not set, without which the worker does not start",
        ),
        (
            ", FunctionResponseTypes: [ReportBatchItemFailures]",
            "",
            "WorkerMessages: has no FunctionResponseTypes: [ReportBatchItemFailures], so SQS deletes the messages that the worker reports as failed",
        ),
        (
            "VisibilityTimeout: 60",
            "VisibilityTimeout: 9",
            "Orders: VisibilityTimeout is 9 s, below the 10 s that Worker may take, so Lambda refuses the mapping; expected at least 60 s",
        ),
        (
            "      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}\n",
            "",
            "warning: Orders: has no RedrivePolicy, so what cannot be handled comes back until its retention ends",
        ),
        (
            // Then it is SQS's 30 s.
            "      VisibilityTimeout: 60\n",
            "",
            "warning: Orders: VisibilityTimeout is 30 s, less than six times the 10 s that Worker may take: batches that are throttled use up receives; AWS advises 60 s",
        ),
    ] {
        assert_eq!(said(from, to), [expected]);
    }
}

#[test]
fn a_function_that_a_topic_invokes_is_compared_too() {
    let from = "Messages: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn, FunctionResponseTypes: [ReportBatchItemFailures]}}";
    let to =
        "Direct: {Type: SNS, Properties: {Topic: !Ref Topic, FilterPolicy: {type: [order.paid]}}}";
    let said = said(from, to);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains(r#"FilterPolicy is {"type":["order.paid"]}"#),
        "{said:?}"
    );
}

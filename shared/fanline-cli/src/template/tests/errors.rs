use std::collections::BTreeMap;
use std::path::Path;

use super::{environment, errors_of, resolve_with};
use crate::template::load;

/// A template, and all that is said about it.
type Case = (&'static str, &'static str);

#[track_caller]
fn check(cases: &[Case]) {
    for (text, expected) in cases {
        assert_eq!(errors_of(text), *expected, "for {text}");
    }
}

#[test]
fn files_that_are_not_there_or_no_text() {
    let load = |path: &str| {
        load(Path::new(path), &BTreeMap::new(), &environment())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        load("nowhere.yaml"),
        "no template at ./nowhere.yaml; run in the project folder or pass --template FILE"
    );
    assert_eq!(
        load("../nowhere.yaml"),
        "no template at ../nowhere.yaml; run in the project folder or pass --template FILE"
    );
}

#[test]
fn syntax() {
    check(&[
        ("", "template.yaml:1: the template is empty"),
        (
            "# only a comment\n",
            "template.yaml:1: the template is empty",
        ),
        (
            "just text",
            "template.yaml:1: a template is a map with Resources; found 'just text'",
        ),
        (
            "Resources: {}",
            "template.yaml:1: the template has no Resources, so there is nothing to create",
        ),
        (
            "Resources: [a]",
            "template.yaml:1: Resources is a list of 1; expected a map",
        ),
        (
            "Resources:\n  A: x\n",
            "template.yaml:2: Resources/A is 'x'; expected a map with Type",
        ),
        (
            "Resources:\n  A: {}\n",
            "template.yaml:2: Resources/A has no Type, such as 'AWS::SQS::Queue'",
        ),
        (
            "A: 1\nB: 2\nA: 3\n",
            "template.yaml:3:1: key 'A' stands twice in one map, first in line 1",
        ),
        (
            "A: !Reff x\n",
            "template.yaml:1:10: tag '!Reff' is no function of CloudFormation; did you mean 'Ref'?",
        ),
        (
            "A: 1\n---\nB: 2\n",
            "template.yaml:2:1: a second document starts here; expected one",
        ),
        (
            "A: &a [*a]\n",
            "template.yaml:1:8: the alias stands inside its own anchor",
        ),
        (
            "? [a]\n: b\n",
            "template.yaml:1:5: a key is a list of 1; expected text",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: [a]}\n",
            "template.yaml:2: Resources/Q/Properties is a list of 1; expected a map",
        ),
    ]);
    let unclosed = errors_of("Resources:\n  A: [1, 2\n");
    assert!(
        unclosed.starts_with("template.yaml:3:1: not valid YAML: "),
        "{unclosed}"
    );
    let tabs = errors_of("Resources:\n\tA: 1\n");
    assert!(tabs.starts_with("template.yaml:2:"), "{tabs}");
}

#[test]
fn what_is_too_large() {
    let deep = format!("A: {}{}", "[".repeat(80), "]".repeat(80));
    assert_eq!(
        errors_of(&deep),
        "template.yaml:1:67: nested deeper than 64 levels"
    );
    let long = format!("A: {}", "x".repeat(1024 * 1024));
    assert_eq!(
        errors_of(&long),
        "template.yaml:1:1: the file has 1048579 bytes; CloudFormation takes no more than 1048576"
    );
    let mut laughs = String::from("a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n");
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        laughs += &format!("a{level}: &a{level} [{}]\n", [&*before; 9].join(", "));
    }
    assert_eq!(
        errors_of(&laughs),
        "template.yaml:5:53: anchors and aliases expand to over 8388608 bytes"
    );
    let mut doubling = String::from(
        "Resources:\n  Q0: {Type: AWS::SQS::Queue, Properties: {QueueName: abcdefgh}}\n",
    );
    for level in 1..60 {
        let before = level - 1;
        doubling += &format!(
            "  Q{level}: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !Sub '${{Q{before}.QueueName}}${{Q{before}.QueueName}}'}}}}\n"
        );
    }
    let errors = errors_of(&doubling);
    assert_eq!(
        errors.lines().next().unwrap(),
        "template.yaml:20: a computed text has over 1048576 bytes"
    );
    let mut many = String::from("Resources:\n");
    for index in 0..501 {
        many += &format!("  Q{index}: {{Type: AWS::SQS::Queue}}\n");
    }
    assert_eq!(
        errors_of(&many),
        "template.yaml:2: Resources has 501 entries; CloudFormation takes no more than 500"
    );
    let mut chain = String::from("Resources:\n");
    for level in 0..300 {
        let next = level + 1;
        chain += &format!(
            "  Q{level}: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !GetAtt Q{next}.QueueName}}}}\n"
        );
    }
    chain += "  Q300: {Type: AWS::SQS::Queue}\n";
    let errors = errors_of(&chain);
    assert!(
        errors.contains("references nest deeper than 200 levels"),
        "{errors}"
    );
}

#[test]
fn references() {
    check(&[
        (
            "Resources:\n  EmailQueue: {Type: AWS::SQS::Queue}\n  EmailService:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      CodeUri: f\n      Environment:\n        Variables:\n          QUEUE: !Ref EmailQueu\n          OTHER: !GetAtt EmailQeue.Arn\n",
            "template.yaml:10: Ref 'EmailQueu' in Resources/EmailService/Properties/Environment/Variables/QUEUE matches no parameter or resource; did you mean 'EmailQueue'?\ntemplate.yaml:11: GetAtt 'EmailQeue.Arn' in Resources/EmailService/Properties/Environment/Variables/OTHER matches no resource; did you mean 'EmailQueue'?",
        ),
        (
            "Resources:\n  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt B.QueueName}}\n  B: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt A.QueueName}}\n",
            "template.yaml:2: 'B' in Resources/A/Properties/QueueName is a circular reference: B -> A -> B\ntemplate.yaml:3: 'A' in Resources/B/Properties/QueueName is a circular reference: A -> B -> A",
        ),
        (
            "Resources:\n  Main: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {maxReceiveCount: 3, deadLetterTargetArn: !GetAtt Dlq.Arn}}}\n  Dlq: {Type: AWS::SQS::Queue, Properties: {RedriveAllowPolicy: {redrivePermission: byQueue, sourceQueueArns: [!GetAtt Main.Arn]}}}\n",
            "template.yaml:3: circular reference, which CloudFormation refuses: Dlq -> Main -> Dlq; write one of the names out instead",
        ),
        (
            "Conditions: {Never: !Equals [a, b]}\nResources:\n  Q: {Type: AWS::SQS::Queue, Condition: Never}\n  S:\n    Type: AWS::SNS::Topic\n    Properties:\n      Subscription: [{Protocol: sqs, Endpoint: !GetAtt Q.Arn}]\n",
            "template.yaml:7: GetAtt 'Q' in Resources/S/Properties/Subscription/0/Endpoint: the resource is not created, since condition 'Never' is false",
        ),
        (
            "Conditions:\n  A: !Condition B\n  B: !Not [!Condition A]\nResources:\n  Q: {Type: AWS::SQS::Queue, Condition: A}\n",
            "template.yaml:3: Conditions/B: condition 'A' depends on itself",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Condition: Livee}\nConditions: {Live: !Equals [a, a]}\n",
            "template.yaml:2: condition 'Livee' in Resources/Q/Condition is not among the Conditions; did you mean 'Live'?",
        ),
        (
            "Conditions: {Live: yes}\nResources:\n  Q: {Type: AWS::SQS::Queue, Condition: Live}\n",
            "template.yaml:1: Conditions/Live is no condition; expected Fn::Equals [a, b], Fn::Not [c], Fn::And, Fn::Or or Condition",
        ),
        (
            "Resources:\n  T: {Type: AWS::DynamoDB::Table, Properties: {BillingMode: PAY_PER_REQUEST, KeySchema: [{AttributeName: id, KeyType: HASH}], AttributeDefinitions: [{AttributeName: id, AttributeType: S}]}}\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt T.StreamArn}}\n",
            "template.yaml:3: GetAtt 'T.StreamArn' in Resources/Q/Properties/QueueName: the table has no stream; give it a StreamSpecification",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {Fn::Sub: a, b: c}}}\n",
            "template.yaml:2: Resources/Q/Properties/RedrivePolicy has no deadLetterTargetArn",
        ),
    ]);
}

#[test]
fn properties() {
    check(&[
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: soon}}\n",
            "template.yaml:2: Resources/Q/Properties/VisibilityTimeout is 'soon'; expected a whole number",
        ),
        (
            "Resources:\n  T: {Type: AWS::DynamoDB::Table, Properties: {AttributeDefinitions: [{AttributeName: id, AttributeType: S}], KeySchema: [{AttributeName: id, KeyType: HASH}], BillingMode: PAY_PER_REQUEST, StreamSpecification: {StreamViewType: KEYS_ONLY}}}\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: f, Events: {A: {Type: DynamoDB, Properties: {Stream: !GetAtt T.StreamArn, StartingPosition: LATEST, MaximumRetryAttempts: -5}}}}}\n",
            "template.yaml:3: Resources/F/Properties/Events/A/Properties/MaximumRetryAttempts is '-5'; expected -1 for no end, or 0 to 10000",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {SqsManagedSseEnabled: maybe}}\n",
            "template.yaml:2: Resources/Q/Properties/SqsManagedSseEnabled is 'maybe'; expected true or false",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: [a]}}\n",
            "template.yaml:2: Resources/Q/Properties/QueueName is a list of 1; expected text",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q, FifoQueue: true}}\n",
            "template.yaml:2: Resources/Q/Properties has FifoQueue true and the name 'q'; expected one that ends in .fifo",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q.fifo}}\n",
            "template.yaml:2: Resources/Q/Properties has the name 'q.fifo', which ends in .fifo; expected FifoQueue: true",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: 'arn:x'}}}\n",
            "template.yaml:2: Resources/Q/Properties/RedrivePolicy has no maxReceiveCount",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: 'arn:x', maxReceiveCount: 0}}}\n",
            "template.yaml:2: Resources/Q/Properties/RedrivePolicy/maxReceiveCount is '0'; expected 1 to 1000",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue}\n  R: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !Ref Q, maxReceiveCount: 1}}}\n",
            "template.yaml:3: Resources/R/Properties/RedrivePolicy/deadLetterTargetArn is 'http://127.0.0.1:4566/012345678901/shop-Q'; expected a queue's ARN, as GetAtt Queue.Arn gives it",
        ),
        (
            "Resources:\n  T: {Type: AWS::SNS::Topic, Properties: {Subscription: [{Endpoint: 'arn:x'}]}}\n",
            "template.yaml:2: Resources/T/Properties/Subscription/0 has no Protocol",
        ),
        (
            "Resources:\n  T: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: [{AttributeName: id, KeyType: HASHED}]}}\n",
            "template.yaml:2: Resources/T/Properties/KeySchema/0/KeyType is 'HASHED'; expected HASH, RANGE",
        ),
        (
            "Resources:\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: f, Timeout: 901}}\n",
            "template.yaml:2: Resources/F/Properties/Timeout is '901'; expected 1 to 900",
        ),
        (
            "Globals: {Function: {Architectures: [arm64]}}\nResources:\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: f, Architectures: [x86_64]}}\n",
            "template.yaml:3: Resources/F/Properties/Architectures has 2 entries; expected one (SAM appends a function's list to that of Globals)",
        ),
        (
            "Resources:\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: f, Events: {E: {Type: SQS, Properties: {Queue: q}}}}}\n",
            "template.yaml:2: Resources/F/Properties/Events/E/Properties/Queue is 'q'; expected an ARN, as GetAtt gives it",
        ),
        (
            "Resources:\n  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: f, EventSourceArn: 'arn:x'}}\n",
            "template.yaml:2: Resources/M/Properties/FunctionName is 'f'; expected a function of this template",
        ),
        (
            "Resources:\n  Q: {Type: AWS::SQS::Queue}\n  P: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Q], PolicyDocument: '{'}}\n",
            "template.yaml:3: Resources/P/Properties/PolicyDocument is '{'; expected a map, or text that holds a JSON object",
        ),
        (
            "Resources:\n  Fn::Transform: {Name: AWS::Include, Parameters: {Location: infra/queues.yaml}}\n  Q: {Type: AWS::SQS::Queue}\n",
            "infra/queues.yaml:3: Resources/Included/Properties/DelaySeconds is 'soon'; expected a whole number",
        ),
        (
            "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      Fn::Transform: {Name: AWS::Include, Parameters: {Location: gone.yaml}}\n",
            "template.yaml:5: AWS::Include cannot read 'gone.yaml': entity not found",
        ),
    ]);
}

#[test]
fn names_used_twice() {
    let text = "Resources:\n  A: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}\n  B: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}\n";
    check(&[(
        text,
        "template.yaml:3: A and B are both named arn:aws:sqs:eu-central-1:012345678901:q; expected names of their own",
    )]);
}

#[test]
fn parameters() {
    let declared = |declaration: &str| {
        format!("Parameters:\n  P: {declaration}\nResources:\n  Q: {{Type: AWS::SQS::Queue}}\n")
    };
    let cases = [
        (
            "{Default: a}",
            None,
            "parameter 'P' has no Type, such as 'String'",
        ),
        (
            "{Type: String}",
            None,
            "parameter 'P' has neither a value nor a Default; give it one",
        ),
        (
            "{Type: String, Default: [a]}",
            None,
            "Default of parameter 'P' is a list of 1; expected text",
        ),
        (
            "{Type: Number, Default: 1}",
            Some("many"),
            "parameter 'P' is 'many'; expected a number",
        ),
        (
            "{Type: Number, MinValue: 2}",
            Some("1"),
            "parameter 'P' is '1'; the least allowed is 2",
        ),
        (
            "{Type: Number, MaxValue: 2}",
            Some("3"),
            "parameter 'P' is '3'; the most allowed is 2",
        ),
        (
            "{Type: String, AllowedValues: [dev, live]}",
            Some("Dev"),
            "parameter 'P' is 'Dev'; allowed are dev, live; did you mean 'dev'?",
        ),
        (
            "{Type: String, MinLength: 2}",
            Some("a"),
            "parameter 'P' is 'a'; it needs at least 2 characters",
        ),
        (
            "{Type: String, MaxLength: 2}",
            Some("abc"),
            "parameter 'P' is 'abc'; it may have at most 2 characters",
        ),
        (
            "{Type: String, AllowedPattern: '[a-z]+'}",
            Some("a1"),
            "parameter 'P' is 'a1'; it does not match AllowedPattern [a-z]+",
        ),
        (
            "{Type: List<Number>}",
            Some("1, x"),
            "parameter 'P' is 'x'; expected a number",
        ),
        (
            "{Type: String, AllowedPattern: \"[a-z]+\\n\", ConstraintDescription: letters}",
            Some("a1"),
            "parameter 'P' is 'a1'; it does not match AllowedPattern [a-z]+ : letters",
        ),
    ];
    for (declaration, value, expected) in cases {
        let given: Vec<_> = value.map(|value| ("P", value)).into_iter().collect();
        let errors = resolve_with(&declared(declaration), &given)
            .unwrap_err()
            .to_string();
        assert_eq!(errors, format!("template.yaml:2: {expected}"));
    }
}

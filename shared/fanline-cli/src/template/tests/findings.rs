use super::{findings_of, resolve, resolve_with};

#[test]
fn what_is_skipped_is_named_with_its_line() {
    let function = "Runtime: provided.al2023, CodeUri: f";
    let cases: &[(String, &str)] = &[
        (
            format!(
                "  F: {{Type: AWS::Serverless::Function, Properties: {{{function}, Timeout: 31, Events: {{A: {{Type: SQS, Properties: {{Queue: !GetAtt Jobs.Arn}}}}}}}}}}"
            ),
            "Resources/F/Properties/Events/A/Properties has a queue with VisibilityTimeout 30, below the Timeout 31 of F; Lambda refuses that",
        ),
        ("  B: {Type: AWS::S3::Bucket}".into(), "B is a AWS::S3::Bucket, which is not interpreted; skipped"),
        ("  B: {Type: AWS::SQS::Queu}".into(), "B is a AWS::SQS::Queu, which is not interpreted; did you mean 'AWS::SQS::Queue'?; skipped"),
        ("  R: {Type: AWS::IAM::Role, Properties: {A: !Ref Topik}}".into(), "Ref 'Topik' in Resources/R/Properties/A matches no parameter or resource; did you mean 'Topic'?"),
        ("  R: {Type: AWS::IAM::Role, Condition: Gone}".into(), "condition 'Gone' in Resources/R/Condition is not among the Conditions"),
        ("  R: {Type: AWS::IAM::Role, DependsOn: Topik}".into(), "DependsOn of R names no resource: 'Topik'; did you mean 'Topic'?"),
        ("  B: {Type: AWS::SQS::Queue, Properties: {VisiblityTimeout: 3}}".into(), "Resources/B/Properties/VisiblityTimeout is no property of AWS::SQS::Queue known here; did you mean 'VisibilityTimeout'?; skipped"),
        ("  S: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref Topic, Protocol: email, Endpoint: a@b.c}}".into(), "Resources/S/Properties has protocol 'email'; only sqs and lambda are delivered to here; skipped"),
        ("  S: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: 'arn:x'}}".into(), "Resources/S/Properties/Endpoint is 'arn:x', no queue of this template; skipped"),
        ("  P: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!GetAtt Jobs.Arn], PolicyDocument: {}}}".into(), "Resources/P/Properties/Queues/0 is 'arn:aws:sqs:eu-central-1:012345678901:shop-Jobs', no queue of this template (Ref gives a queue's URL); skipped"),
        ("  F: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13, CodeUri: f}}".into(), "F has runtime 'python3.13'; only provided.* (a binary) runs here; skipped"),
        ("  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, InlineCode: x}}".into(), "F has no local folder in CodeUri, so it cannot be built here; skipped"),
        (format!("  F: {{Type: AWS::Serverless::Function, Properties: {{{function}, Timout: 3}}}}"), "Resources/F/Properties/Timout is no property known here; did you mean 'Timeout'?; skipped"),
        (format!("  F: {{Type: AWS::Serverless::Function, Properties: {{{function}, Role: !GetAtt Nobody.Arn}}}}"), "GetAtt 'Nobody.Arn' in Resources/F/Properties/Role matches no resource"),
        (format!("  F: {{Type: AWS::Serverless::Function, Properties: {{{function}, Events: {{A: {{Type: HttpApi}}}}}}}}"), "Resources/F/Properties/Events/A is an event of type 'HttpApi', which is not interpreted; skipped"),
        (format!("  F: {{Type: AWS::Serverless::Function, Properties: {{{function}, Events: {{A: {{Type: SNS, Properties: {{Topic: 'arn:aws:sns:eu-west-1:1:other'}}}}}}}}}}"), "Resources/F/Properties/Events/A subscribes to 'arn:aws:sns:eu-west-1:1:other', no topic of this template; skipped"),
        (format!("  F: {{Type: AWS::Serverless::Function, Properties: {{{function}, Events: {{A: {{Type: SQS, Properties: {{Queue: 'arn:aws:sqs:x'}}}}}}}}}}"), "Resources/F/Properties/Events/A/Properties/Queue is 'arn:aws:sqs:x', no queue or stream of this template; skipped"),
        (format!("  F: {{Type: AWS::Serverless::Function, Properties: {{{function}, Environment: {{Variables: {{X: !ImportValue y}}}}}}}}"), "Fn::ImportValue in Resources/F/Properties/Environment/Variables/X: values of other stacks are not known here; make it a parameter; the variable is not set"),
        (format!("  F: {{Type: AWS::Serverless::Function, Properties: {{{function}, Events: {{A: {{Type: SQS, Properties: {{Queue: !GetAtt Jobs.Arn, TumblingWindowInSeconds: 30}}}}}}}}}}"), "Resources/F/Properties/Events/A/Properties/TumblingWindowInSeconds is not imitated: each batch is invoked without a window's state; skipped"),
        ("  Fn::Transform: {Name: Mine}".into(), "Fn::Transform 'Mine' is not interpreted; skipped"),
        ("  Fn::ForEach::X: [a, [b], {}]".into(), "Fn::ForEach::X is not interpreted; skipped"),
    ];
    for (line, expected) in cases {
        let text = format!(
            "Resources:\n  Topic: {{Type: AWS::SNS::Topic}}\n  Jobs: {{Type: AWS::SQS::Queue}}\n{line}\n"
        );
        assert_eq!(
            findings_of(&text),
            [format!("template.yaml:4: {expected}")],
            "for {line}"
        );
    }
}

#[test]
fn sections_and_transforms() {
    let text = "Resource: {}\nTransform: [AWS::Serverless-2016-10-31, Mine]\nResources:\n  Q: {Type: AWS::SQS::Queue}\n";
    let expected = [
        "template.yaml:1: 'Resource' is no section of a template; did you mean 'Resources'?; skipped",
        "template.yaml:2: Transform 'Mine' is not interpreted; skipped",
    ];
    assert_eq!(findings_of(text), expected);
}

#[test]
fn a_circle_through_what_is_ignored_stops_nothing() {
    let text = "Resources:\n  R: {Type: AWS::IAM::Role, Properties: {A: !GetAtt F.Arn}}\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: f, Role: !GetAtt R.Arn}}\n";
    let expected = "template.yaml:3: circular reference, which CloudFormation refuses: F -> R -> F; write one of the names out instead";
    assert_eq!(findings_of(text), [expected]);
}

#[test]
fn values_of_other_types_do_not_stop_a_role() {
    let text = "Resources:\n  Api: {Type: AWS::IAM::Policy}\n  R: {Type: AWS::IAM::Role, Properties: {A: !GetAtt Api.Id, B: !Ref Api, C: !ImportValue x}}\n";
    assert_eq!(findings_of(text), Vec::<String>::new());
}

#[test]
fn parameters_nobody_declared_or_only_aws_knows() {
    let text = "Parameters:\n  Stage: {Type: String, Default: dev}\n  Secret: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a/b}\nResources:\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: f, Environment: {Variables: {S: !Ref Secret}}}}\n";
    let stack = resolve_with(text, &[("Stge", "x")]).unwrap();
    let findings: Vec<_> = stack.findings.iter().map(ToString::to_string).collect();
    let expected = [
        "template.yaml:2: a value is given for parameter 'Stge', which the template does not have; did you mean 'Stage'?",
        "template.yaml:5: Ref 'Secret' in Resources/F/Properties/Environment/Variables/S is the SSM parameter '/a/b', which is not read here; give parameter 'Secret' a value; the variable is not set",
    ];
    assert_eq!(findings, expected);
    let stack = resolve_with(text, &[("Secret", "x")]).unwrap();
    assert_eq!(stack.functions[0].environment["S"], "x");
}

#[test]
fn a_pattern_only_java_reads_is_not_checked() {
    let text = "Parameters:\n  P: {Type: String, Default: a, AllowedPattern: '(?=a)a'}\nResources:\n  Q: {Type: AWS::SQS::Queue}\n";
    let expected =
        "template.yaml:2: AllowedPattern of parameter 'P' cannot be read here; not checked";
    assert_eq!(findings_of(text), [expected]);
}

#[test]
fn mappings_of_a_skipped_function_are_left_out_without_another_word() {
    let text = "Resources:\n  Q: {Type: AWS::SQS::Queue}\n  F: {Type: AWS::Lambda::Function, Properties: {Runtime: python3.13, Code: f}}\n  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref F, EventSourceArn: !GetAtt Q.Arn}}\n";
    let stack = resolve(text).unwrap();
    assert_eq!(
        (stack.findings.len(), stack.event_source_mappings.len()),
        (1, 0)
    );
}

#[test]
fn one_mistake_in_a_function_is_said_once() {
    let text = "Resources:\n  Q: {Type: AWS::SQS::Queue}\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: f, Timeout: no}}\n  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref F, EventSourceArn: !GetAtt Q.Arn}}\n";
    let expected =
        "template.yaml:3: Resources/F/Properties/Timeout is 'no'; expected a whole number";
    assert_eq!(super::errors_of(text), expected);
}

#[test]
fn events_of_a_function_are_no_part_of_a_circle() {
    let text = "Resources:\n  T: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt F.Arn}}\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: f, Events: {E: {Type: SNS, Properties: {Topic: !Ref T, SqsSubscription: true}}}}}\n";
    assert_eq!(findings_of(text), Vec::<String>::new());
}

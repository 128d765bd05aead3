//! Whatever the text: an answer, no panic, and soon.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::resolve;
use crate::template::stage;

/// Generous, since the test runs unoptimised beside others; a runaway takes minutes.
const LONGEST: Duration = Duration::from_secs(10);

fn check(text: &str) {
    let started = Instant::now();
    match resolve(text) {
        Ok(stack) => assert!(stack.queues_in_creation_order().len() == stack.queues.len()),
        Err(errors) => {
            for error in errors.iter() {
                assert_eq!(error.to_string().lines().count(), 1, "{error}");
            }
        }
    }
    let _ = stage::read(text, "samconfig.yaml", "dev");
    let taken = started.elapsed();
    let shown: String = text.chars().take(200).collect();
    assert!(taken < LONGEST, "{taken:?} for {shown:?}");
}

/// Pieces that make deep into the interpreter likely.
fn yaml_ish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("Resources:\n"),
        Just("  Q:\n"),
        Just("    Type: AWS::SQS::Queue\n"),
        Just("    Properties:\n"),
        Just("      QueueName: "),
        Just("      RedrivePolicy: "),
        Just("!Ref "),
        Just("!Sub "),
        Just("!GetAtt "),
        Just("!If "),
        Just("!Join "),
        Just("!Select "),
        Just("!FindInMap "),
        Just("!Cidr "),
        Just("Fn::Split: "),
        Just("Fn::Transform: "),
        Just("Q"),
        Just("Q.Arn"),
        Just("${Q}"),
        Just("${Q.QueueName}"),
        Just("${"),
        Just("\""),
        Just("'"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(", "),
        Just(": "),
        Just("- "),
        Just("? "),
        Just("&a "),
        Just("*a "),
        Just("|\n"),
        Just(">-\n"),
        Just("---\n"),
        Just("...\n"),
        Just("\n"),
        Just("  "),
        Just("\t"),
        Just("%TAG ! x\n"),
        Just("!!str "),
        Just("!<x> "),
        Just("# c\n"),
        Just("Conditions: {C: !Equals [a, b]}\n"),
        Just("Parameters: {P: {Type: String, Default: x}}\n"),
        Just("    Condition: C\n"),
        Just("dev: {deploy: {parameters: {parameter_overrides: "),
        Just("\u{feff}"),
        Just("\u{85}"),
        Just("é"),
        Just("1e999"),
        Just("~"),
        Just("<<: "),
        Just("=\\"),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A resource whose properties are values in nonsense places.
fn template_ish() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("A"),
        Just("B"),
        Just("''"),
        Just("0"),
        Just("-1"),
        Just("4294967296"),
        Just("true"),
        Just("~"),
        Just("arn:x"),
        Just("!Ref A"),
        Just("!Ref AWS::NoValue"),
        Just("!GetAtt B.Arn"),
        Just("!GetAtt A.B.C"),
        Just("!Sub '${A}${B.QueueName}'"),
        Just("!Select [0, !GetAZs '']"),
        Just("'{}'"),
        Just("'{{resolve:x}}'"),
    ];
    let value = leaf
        .prop_map(str::to_owned)
        .prop_recursive(3, 12, 4, |inner| {
            let key = prop_oneof![
                Just("Fn::Join"),
                Just("Fn::If"),
                Just("Fn::Sub"),
                Just("Fn::FindInMap"),
                Just("Fn::Cidr"),
                Just("Type"),
                Just("Properties"),
                Just("Queue"),
                Just("Topic"),
                Just("SqsSubscription"),
                Just("Variables"),
                Just("deadLetterTargetArn"),
                Just("maxReceiveCount"),
                Just("AttributeName"),
                Just("KeyType"),
                Just("Filters"),
                Just("Pattern"),
                Just("Protocol"),
                Just("Endpoint"),
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[{}]", items.join(", "))),
                prop::collection::btree_map(key, inner, 0..4).prop_map(|entries| {
                    let entries: Vec<_> = entries
                        .into_iter()
                        .map(|(key, value)| format!("'{key}': {value}"))
                        .collect();
                    format!("{{{}}}", entries.join(", "))
                }),
            ]
        });
    let kind = prop_oneof![
        Just("AWS::SQS::Queue"),
        Just("AWS::SNS::Topic"),
        Just("AWS::SNS::Subscription"),
        Just("AWS::SQS::QueuePolicy"),
        Just("AWS::DynamoDB::Table"),
        Just("AWS::Serverless::SimpleTable"),
        Just("AWS::Serverless::Function"),
        Just("AWS::Lambda::EventSourceMapping"),
        Just("AWS::IAM::Role"),
        Just("AWS::SSM::Parameter"),
        Just("Custom::X"),
    ];
    let property = prop_oneof![
        Just("QueueName"),
        Just("FifoQueue"),
        Just("RedrivePolicy"),
        Just("RedriveAllowPolicy"),
        Just("TopicName"),
        Just("Subscription"),
        Just("TopicArn"),
        Just("Endpoint"),
        Just("FilterPolicy"),
        Just("Queues"),
        Just("PolicyDocument"),
        Just("KeySchema"),
        Just("AttributeDefinitions"),
        Just("GlobalSecondaryIndexes"),
        Just("PrimaryKey"),
        Just("Runtime"),
        Just("CodeUri"),
        Just("Environment"),
        Just("Events"),
        Just("Architectures"),
        Just("FunctionName"),
        Just("EventSourceArn"),
        Just("FilterCriteria"),
        Just("StreamSpecification"),
        Just("Value"),
    ];
    let properties = prop::collection::btree_map(property, value.clone(), 0..6);
    prop::collection::vec((kind, properties, prop::option::of(value)), 1..4).prop_map(|resources| {
        let mut text = String::from("Resources:\n");
        for (index, (kind, properties, depends)) in resources.into_iter().enumerate() {
            let name = ["A", "B", "C"][index];
            text += &format!("  {name}:\n    Type: {kind}\n");
            if let Some(depends) = depends {
                text += &format!("    DependsOn: {depends}\n");
            }
            text += "    Properties:\n      Timeout: 3\n";
            for (key, value) in properties {
                text += &format!("      {key}: {value}\n");
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn arbitrary_text(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn yaml_like_text(text in yaml_ish()) {
        check(&text);
    }

    #[test]
    fn template_like_text(text in template_ish()) {
        check(&text);
    }

    #[test]
    fn a_template_with_holes(start in 0_usize..6000, length in 0_usize..200) {
        let text = include_str!("signups.yaml");
        let end = (start + length).min(text.len());
        if let (Some(head), Some(tail)) = (text.get(..start), text.get(end..)) {
            check(&format!("{head}{tail}"));
        }
    }
}

#[test]
fn large_nonsense_is_answered_soon() {
    let many = 200_000;
    for piece in [
        "[", "{", "- ", "? ", "a: ", "&a ", "!Ref ", "\"", "'", "|\n", "*a ", "- - ", "\t",
        "a: b\n", "[a,", "%", "# \n", "a\n",
    ] {
        let count = many / piece.len();
        check(&piece.repeat(count));
        check(&format!("Resources:\n  A: {}", piece.repeat(count)));
    }
    let mut keys = String::from("Resources:\n");
    for index in 0..500 {
        keys += &format!(
            "  Q{index}: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !Ref X{index}}}}}\n"
        );
    }
    check(&keys);
    let mut variables =
        String::from("Resources:\n  F:\n    Type: AWS::Serverless::Function\n    DependsOn: [");
    variables += &"X, ".repeat(20_000);
    variables += "]\n    Properties:\n      Runtime: provided\n      CodeUri: f\n";
    variables += "      Environment:\n        Variables:\n";
    for index in 0..10_000 {
        variables += &format!("          V{index}: !Ref Missing{index}\n");
    }
    check(&variables);
    check(&variables.replace("          V", "      V"));
}

use super::value_of;

#[test]
fn each_function_in_short_and_long_form() {
    let sections = "Parameters:
  Name: {Type: String, Default: web}
  List: {Type: CommaDelimitedList, Default: 'a, b'}
Conditions:
  Yes: !Equals [1, '1']
  No: {'Fn::Not': [{Condition: 'Yes'}]}
  Same: !Equals [True, 'true']
  Either: !Or [!Condition No, !Condition Yes]
Mappings:
  Sizes: {web: {Small: 1}}";
    let cases = [
        ("!Ref Name", "web"),
        ("{Ref: Name}", "web"),
        ("!Sub '${Name}-${AWS::Region}'", "web-eu-central-1"),
        ("!Sub ['${A}${!B}', {A: !Ref Name}]", "web${B}"),
        ("{'Fn::Sub': 'a${Jobs.QueueName}b'}", "ashop-Jobsb"),
        (
            "!GetAtt Jobs.Arn",
            "arn:aws:sqs:eu-central-1:012345678901:shop-Jobs",
        ),
        (
            "{'Fn::GetAtt': [Jobs, QueueUrl]}",
            "http://127.0.0.1:4566/012345678901/shop-Jobs",
        ),
        ("!Join ['-', [x, !Ref Name, 3]]", "x-web-3"),
        ("!Join ['+', !Ref List]", "a+b"),
        ("!Select [1, !Ref List]", "b"),
        ("!Select [0, !Split ['@', 'me@example.com']]", "me"),
        ("!If [Either, one, two]", "one"),
        ("!If [No, !Ref Missing, two]", "two"),
        ("!FindInMap [Sizes, !Ref Name, Small]", "1"),
        (
            "{'Fn::FindInMap': [Sizes, api, Small, {DefaultValue: 7}]}",
            "7",
        ),
        ("!Base64 hello", "aGVsbG8="),
        ("!Select [2, !GetAZs '']", "eu-central-1c"),
        ("!Select [1, !Cidr [10.0.0.0/16, 2, 8]]", "10.0.1.0/24"),
        (
            "!ToJsonString {a: [1, 'b', true, 012]}",
            r#"{"a":[1,"b",true,"012"]}"#,
        ),
        ("!Length [a, b, !Ref AWS::NoValue]", "2"),
        (
            "!Ref AWS::StackId",
            "arn:aws:cloudformation:eu-central-1:012345678901:stack/shop/00000000-0000-0000-0000-000000000000",
        ),
        ("!Sub 'costs $5 {x}'", "costs $5 {x}"),
        ("!Join [' ', [yes, 'yes']]", "true yes"),
        ("!If [Same, equal, different]", "equal"),
        ("012345678901", "012345678901"),
    ];
    for (expression, expected) in cases {
        assert_eq!(value_of(expression, sections), expected, "{expression}");
    }
}

#[test]
fn each_misuse_says_what_was_expected() {
    let cases = [
        (
            "!Join [a, b]",
            "Fn::Join in Outputs/It/Value is given 'b'; expected a list",
        ),
        (
            "!Join a",
            "Fn::Join in Outputs/It/Value is given 'a'; expected [separator, [parts]]",
        ),
        (
            "!Select [9, [a]]",
            "Fn::Select in Outputs/It/Value: no item '9' in a list of 1",
        ),
        (
            "!Split ['', abc]",
            "Fn::Split in Outputs/It/Value is given a list of 2; expected a separator that is not empty",
        ),
        (
            "!FindInMap [Sizes, a, b]",
            "Fn::FindInMap in Outputs/It/Value: the template has no Mappings",
        ),
        (
            "!If [Nope, a, b]",
            "condition 'Nope' in Outputs/It/Value is not among the Conditions",
        ),
        (
            "!Sub 'a${b'",
            "Fn::Sub in Outputs/It/Value: '${b' has no closing brace",
        ),
        (
            "!Sub '${a b}'",
            "Fn::Sub in Outputs/It/Value: '${a b}' is no name; expected letters, digits, '_', '.' and ':', or '${!' for a dollar as it is",
        ),
        (
            "!Sub '${Jobz}'",
            "Sub 'Jobz' in Outputs/It/Value matches no parameter or resource; did you mean 'Jobs'?",
        ),
        (
            "!Sub {a: b}",
            "Fn::Sub in Outputs/It/Value is given a map; expected text, or a list of text and variables",
        ),
        (
            "!GetAtt Jobs",
            "Fn::GetAtt in Outputs/It/Value is given 'Jobs'; expected Resource.Attribute",
        ),
        (
            "!GetAtt Jobs.Arm",
            "GetAtt 'Jobs.Arm' in Outputs/It/Value: AWS::SQS::Queue has no such attribute, only Arn, QueueName, QueueUrl; did you mean 'Arn'?",
        ),
        (
            "!Ref [a]",
            "Ref in Outputs/It/Value is given a list of 1; expected a name",
        ),
        (
            "{'Fn::Sup': a}",
            "Fn::Sup in Outputs/It/Value is no function of CloudFormation for a value; did you mean 'Fn::Sub'?",
        ),
        (
            "{'Fn::Sub': a, b: c}",
            "Outputs/It/Value is a map; expected text",
        ),
        (
            "!ImportValue other",
            "Fn::ImportValue in Outputs/It/Value: values of other stacks are not known here; make it a parameter",
        ),
        (
            "!Cidr [10.0.0.0/30, 9, 8]",
            "Fn::Cidr in Outputs/It/Value: expected [IPv4 block, count up to 256, bits] with room for them",
        ),
        (
            "'{{resolve:ssm:x}}'",
            "Outputs/It/Value is a dynamic reference, which only AWS resolves",
        ),
    ];
    for (expression, expected) in cases {
        assert_eq!(
            value_of(expression, ""),
            format!("template.yaml:5: {expected}"),
            "{expression}"
        );
    }
}

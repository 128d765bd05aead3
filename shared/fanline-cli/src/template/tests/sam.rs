use super::{errors_of, findings_of, resolve};
use crate::template::{EventSource, FunctionUrl, ScheduleService, UrlAuth};

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

fn with_url(config: &str) -> String {
    format!(
        "Resources:
  Shop:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: shop
      FunctionUrlConfig: {config}
Outputs:
  Address: {{Value: !GetAtt ShopUrl.FunctionUrl}}
  Owner: {{Value: !Sub '${{ShopUrl.FunctionArn}}'}}
"
    )
}

#[test]
fn a_function_url_is_known_by_its_address() {
    for (config, auth) in [
        ("{AuthType: NONE}", UrlAuth::None),
        ("{AuthType: AWS_IAM, InvokeMode: BUFFERED}", UrlAuth::Iam),
    ] {
        let stack = resolve(&with_url(config)).unwrap();
        assert_eq!(stack.findings, []);
        assert_eq!(stack.functions[0].url, Some(FunctionUrl { line: 7, auth }));
        assert_eq!(stack.outputs["Address"], "http://127.0.0.1:5001/");
        assert_eq!(stack.outputs["Owner"], stack.functions[0].arn);
    }
}

#[test]
fn before_a_port_is_chosen_a_url_looks_like_one_of_aws() {
    let text = with_url("{AuthType: NONE}").replace("Shop", "Other");
    let stack = resolve(&text).unwrap();
    assert_eq!(
        stack.outputs["Address"],
        "https://other.lambda-url.eu-central-1.on.aws/"
    );
}

#[test]
fn what_a_function_url_cannot_do_here_is_said() {
    let findings = findings_of(&with_url("{AuthType: NONE, InvokeMode: RESPONSE_STREAM}"));
    let place = "template.yaml:7: Resources/Shop/Properties/FunctionUrlConfig";
    let expected = format!(
        "{place}/InvokeMode is RESPONSE_STREAM, which is not imitated, only BUFFERED; the function URL is skipped"
    );
    assert_eq!(findings, [expected]);
    let findings = findings_of(&with_url("{AuthType: NONE, Cors: {AllowOrigins: ['*']}}"));
    let expected = format!(
        "{place}/Cors is not imitated: answers have the headers that the function gives them; skipped"
    );
    assert_eq!(findings, [expected]);
    assert_eq!(
        errors_of(&with_url("{AuthType: SOME}")),
        format!("{place}/AuthType is 'SOME'; expected AWS_IAM, NONE")
    );
}

#[test]
fn schedules_know_who_keeps_their_time() {
    let text = "Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: f
      Events:
        Often: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}
        Nightly:
          Type: ScheduleV2
          Properties: {ScheduleExpression: 'cron(0 3 * * ? *)', ScheduleExpressionTimezone: Europe/Berlin, State: DISABLED, EndDate: '2030-01-01T00:00:00Z'}
";
    let stack = resolve(text).unwrap();
    let [often, nightly] = stack.schedules.as_slice() else {
        panic!("expected two schedules")
    };
    assert_eq!(
        (&*often.logical_id, often.service, often.enabled),
        ("FOften", ScheduleService::Rule, true)
    );
    assert_eq!(
        (
            nightly.service,
            nightly.timezone.as_deref(),
            nightly.enabled
        ),
        (ScheduleService::Scheduler, Some("Europe/Berlin"), false)
    );
    let expected = "template.yaml:11: Resources/F/Properties/Events/Nightly/Properties/EndDate is not imitated: the schedule runs as long as the functions do; skipped";
    assert_eq!(findings_of(text), [expected]);
}

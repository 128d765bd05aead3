//! The event that a schedule gives its function.
//!
//! The one thing to get wrong: the two services send it differently. Of a rule `detail` is an empty
//! object (the fixture `example-eventbridge-schedule.json` of aws-lambda-rust-runtime), of Scheduler
//! it is a text that holds one. AWS calls the latter "a default notification"
//! (<https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html>) and shows none; this
//! is what functions have logged.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Plan;
use crate::{lambda::FunctionSpec, template::ScheduleService};

/// The event of `plan` for one moment, as JSON; its input, if it has one.
pub(super) fn event(plan: &Plan, function: &FunctionSpec, id: &str, at: Timestamp) -> String {
    if let Some(input) = &plan.input {
        return input.clone();
    }
    let (region, account, name) = (&function.region, &function.account, &plan.name);
    let (source, resource, detail) = match plan.service {
        ScheduleService::Rule => ("events", format!("rule/{name}"), json!({})),
        ScheduleService::Scheduler => (
            "scheduler",
            format!("schedule/default/{name}"),
            Value::from("{}"),
        ),
    };
    let time = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": format!("aws.{source}"),
        "account": account,
        "time": time.to_string(),
        "region": region,
        "resources": [format!("arn:aws:{source}:{region}:{account}:{resource}")],
        "detail": detail,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Expression;
    use std::{path::PathBuf, time::Duration};

    fn event_of(service: ScheduleService, input: Option<&str>) -> Value {
        let plan = Plan {
            name: "SweeperEvery".to_owned(),
            function: "Sweeper".to_owned(),
            service,
            expression: Expression::every(Duration::from_secs(60)),
            input: input.map(str::to_owned),
        };
        let function = FunctionSpec {
            name: "sweeper".to_owned(),
            binary: PathBuf::new(),
            environment: [].into(),
            timeout: Duration::ZERO,
            memory_mb: 128,
            concurrency: 1,
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
        };
        let at = "2026-11-26T16:53:06.25Z".parse().unwrap();
        serde_json::from_str(&event(&plan, &function, "some-id", at)).unwrap()
    }

    #[test]
    fn a_rules_event() {
        let expected = json!({
            "version": "0",
            "id": "some-id",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "time": "2026-11-26T16:53:06Z",
            "region": "eu-central-1",
            "resources": ["arn:aws:events:eu-central-1:123456789012:rule/SweeperEvery"],
            "detail": {},
        });
        assert_eq!(event_of(ScheduleService::Rule, None), expected);
    }

    #[test]
    fn the_schedulers_event() {
        let event = event_of(ScheduleService::Scheduler, None);
        assert_eq!(event["source"], "aws.scheduler");
        let resource = "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/SweeperEvery";
        assert_eq!(event["resources"], json!([resource]));
        assert_eq!(event["detail"], "{}");
    }

    #[test]
    fn an_input_replaces_the_event() {
        let event = event_of(ScheduleService::Rule, Some(r#"{"older": 5}"#));
        assert_eq!(event, json!({ "older": 5 }));
    }
}

//! A schedule of the template, checked: what AWS would refuse at the deployment is an error here.

use std::time::Duration;

use super::Expression;
use crate::{
    Error,
    lambda::now,
    template::{Schedule, ScheduleService, Stack},
};

/// One schedule that is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What reports and events call it: the function's and the event's name together.
    pub name: String,
    /// The function's name in the template.
    pub function: String,
    /// What keeps its time on AWS.
    pub service: ScheduleService,
    /// When it fires.
    pub expression: Expression,
    /// The event (JSON) if it is not the service's own.
    pub input: Option<String>,
}

/// The schedules of a template that are switched on. With `every` all of them fire at this interval
/// instead of their own.
///
/// # Errors
/// An expression that AWS would refuse, or an input that is no JSON.
pub fn plans(stack: &Stack, every: Option<Duration>) -> Result<Vec<Plan>, Error> {
    let enabled = stack.schedules.iter().filter(|schedule| schedule.enabled);
    enabled.map(|schedule| plan(schedule, every)).collect()
}

/// Says when schedules fire first: until then nothing is to be seen of them.
pub(crate) fn announce(plans: &[Plan], are_hurried: bool) {
    let now = now();
    let advice = match are_hurried {
        true => "",
        false => "; sooner with --schedules-every SECONDS",
    };
    for plan in plans {
        let first = match plan.expression.fires_at_once(plan.service) {
            true => "fires at once".to_owned(),
            false => match plan.expression.next(now, now) {
                Some(first) => format!("fires first at {first:.0}{advice}"),
                None => "does not fire any more".to_owned(),
            },
        };
        eprintln!("fanline: {} {first}", plan.name);
    }
}

fn plan(schedule: &Schedule, every: Option<Duration>) -> Result<Plan, Error> {
    let (id, line) = (&schedule.logical_id, schedule.line);
    let refused = |problem: String| Error::new(format!("{id} (template line {line}): {problem}"));
    let zone = schedule.timezone.as_deref();
    // Read in any case: whoever hurries a schedule wants to know that it cannot be deployed.
    let own = Expression::parse(schedule.service, &schedule.expression, zone);
    let own = own.map_err(|problem| refused(format!("expression {problem}")))?;
    if let Some(input) = &schedule.input {
        let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_str(input);
        parsed.map_err(|error| refused(format!("Input is no JSON: {error}")))?;
    }
    Ok(Plan {
        name: id.clone(),
        function: schedule.function.clone(),
        service: schedule.service,
        expression: every.map_or(own, Expression::every),
        input: schedule.input.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(expression: &str, input: Option<&str>, enabled: bool) -> Stack {
        let schedule = Schedule {
            logical_id: "SweeperEvery".to_owned(),
            line: 12,
            function: "Sweeper".to_owned(),
            service: ScheduleService::Rule,
            expression: expression.to_owned(),
            timezone: None,
            input: input.map(str::to_owned),
            enabled,
        };
        Stack {
            schedules: vec![schedule],
            ..Stack::default()
        }
    }

    #[test]
    fn what_aws_would_refuse_is_said_with_its_line() {
        let error = |expression, input| {
            let plans = plans(
                &stack(expression, input, true),
                Some(Duration::from_secs(1)),
            );
            plans.unwrap_err().to_string()
        };
        assert_eq!(
            error("rate(1 minutes)", None),
            "SweeperEvery (template line 12): expression 'rate(1 minutes)' has '1 minutes'; expected 1 minute"
        );
        let of_input = error("rate(1 minute)", Some("{"));
        let expected = "SweeperEvery (template line 12): Input is no JSON: ";
        assert!(of_input.starts_with(expected), "{of_input}");
    }

    #[test]
    fn one_that_is_switched_off_is_left_out() {
        assert_eq!(
            plans(&stack("rate(1 minute)", None, false), None),
            Ok(Vec::new())
        );
    }

    #[test]
    fn an_interval_wins_over_the_expression() {
        let hurried = plans(
            &stack("rate(1 day)", None, true),
            Some(Duration::from_secs(2)),
        );
        let expected = Expression::every(Duration::from_secs(2));
        assert_eq!(hurried.unwrap()[0].expression, expected);
    }
}

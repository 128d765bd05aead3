//! When a schedule fires: `rate(...)`, `cron(...)` or `at(...)`, and the next time by it.
//!
//! The one thing to get wrong: after a pause (a laptop that slept) what was missed is not made up
//! for, and the rhythm of a rate stays what it was.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

use super::cron::Cron;
use crate::template::ScheduleService;

/// A schedule's expression, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Rate(SignedDuration),
    Cron(Box<Cron>, TimeZone),
    Once(Timestamp),
}

impl Expression {
    /// Reads an expression as `service` would.
    ///
    /// # Errors
    /// What is wrong with it, to be put behind its name.
    pub fn parse(service: ScheduleService, text: &str, zone: Option<&str>) -> Result<Self, String> {
        let inner = |name: &str| {
            let rest = text.trim().strip_prefix(name)?.trim_start();
            rest.strip_prefix('(')?.strip_suffix(')')
        };
        let kind = if let Some(rate) = inner("rate") {
            rate_of(service, rate).map(Kind::Rate)
        } else if let Some(fields) = inner("cron") {
            zone_named(zone).and_then(|zone| Ok(Kind::Cron(Box::new(Cron::parse(fields)?), zone)))
        } else if let Some(moment) = inner("at").filter(|_| service == ScheduleService::Scheduler) {
            zone_named(zone).and_then(|zone| once_at(moment, &zone))
        } else {
            let at = match service {
                ScheduleService::Rule => "",
                ScheduleService::Scheduler => ", or at(yyyy-mm-ddThh:mm:ss)",
            };
            Err(format!(
                "is neither rate(value unit) nor cron(six fields){at}"
            ))
        };
        kind.map(Self)
            .map_err(|problem| format!("'{text}' {problem}"))
    }

    /// Fires again and again after this time.
    pub fn every(period: Duration) -> Self {
        let period = SignedDuration::try_from(period).unwrap_or(SignedDuration::MAX);
        Self(Kind::Rate(period.max(SignedDuration::from_millis(1))))
    }

    /// The next time after `now`. `previous` is when it fired last, or was switched on.
    pub fn next(&self, previous: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::Rate(period) => {
                let waited = now.duration_since(previous).as_nanos().max(0);
                let passed = waited / period.as_nanos().max(1) + 1;
                let passed = i32::try_from(passed).ok()?;
                previous.checked_add(period.checked_mul(passed)?).ok()
            }
            Kind::Cron(cron, zone) => cron.next(now.max(previous), zone),
            Kind::Once(moment) => Some(*moment).filter(|moment| *moment > now.max(previous)),
        }
    }

    /// Whether a schedule of `service` fires when it is switched on, before it ever waited.
    /// EventBridge Scheduler's rates do: "If you do not provide a StartDate for a rate-based schedule,
    /// your schedule starts invoking the target immediately",
    /// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>.
    pub fn fires_at_once(&self, service: ScheduleService) -> bool {
        matches!(self.0, Kind::Rate(_)) && service == ScheduleService::Scheduler
    }
}

fn rate_of(service: ScheduleService, text: &str) -> Result<SignedDuration, String> {
    let wrong =
        || format!("has '{text}' for its rate; expected a number and minutes, hours or days");
    let mut parts = text.split_whitespace();
    let (Some(value), Some(unit), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let value: i32 = value.parse().ok().filter(|_| is_digits).ok_or_else(wrong)?;
    let (singular, seconds) = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => ("minute", 60),
        "hour" => ("hour", 3_600),
        "day" => ("day", 86_400),
        _ => return Err(wrong()),
    };
    if value == 0 {
        return Err("has a rate of 0; expected 1 or more".to_owned());
    }
    // "rate(1 hours) and rate(5 hour) aren't valid", says EventBridge of its rules; of Scheduler it
    // is not said.
    if service == ScheduleService::Rule && (value == 1) != (unit == singular) {
        let plural = if value == 1 { "" } else { "s" };
        return Err(format!(
            "has '{value} {unit}'; expected {value} {singular}{plural}"
        ));
    }
    SignedDuration::from_secs(seconds)
        .checked_mul(value)
        .ok_or_else(wrong)
}

fn zone_named(name: Option<&str>) -> Result<TimeZone, String> {
    match name {
        None | Some("UTC") => Ok(TimeZone::UTC),
        Some(name) => TimeZone::get(name).map_err(|_| {
            format!("has the time zone '{name}', which this machine does not know; expected a name such as Europe/Berlin (package tzdata)")
        }),
    }
}

fn once_at(text: &str, zone: &TimeZone) -> Result<Kind, String> {
    let moment = text.trim().parse::<DateTime>().ok();
    let moment = moment.and_then(|moment| zone.to_ambiguous_timestamp(moment).compatible().ok());
    let wrong = || format!("has '{text}' for its time; expected yyyy-mm-ddThh:mm:ss");
    moment.map(Kind::Once).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ScheduleService::{Rule, Scheduler};
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn rates_keep_their_rhythm() {
        let rate = Expression::parse(Rule, "rate(5 minutes)", None).unwrap();
        let previous = at("2026-11-26T16:00:30Z");
        let cases = [
            ("2026-11-26T16:00:30Z", "2026-11-26T16:05:30Z"),
            ("2026-11-26T16:05:29Z", "2026-11-26T16:05:30Z"),
            ("2026-11-26T16:05:30Z", "2026-11-26T16:10:30Z"),
            // Slept over some of them.
            ("2026-11-26T17:01:00Z", "2026-11-26T17:05:30Z"),
            // The clock was set back.
            ("2026-11-26T15:00:00Z", "2026-11-26T16:05:30Z"),
        ];
        for (now, expected) in cases {
            assert_eq!(rate.next(previous, at(now)), Some(at(expected)), "{now}");
        }
    }

    #[test]
    fn an_at_fires_once() {
        let once = Expression::parse(Scheduler, "at(2026-12-24T18:00:00)", Some("Europe/Berlin"));
        let once = once.unwrap();
        let moment = at("2026-12-24T17:00:00Z");
        assert_eq!(
            once.next(at("2026-11-26T16:00:00Z"), at("2026-11-26T16:00:00Z")),
            Some(moment)
        );
        assert_eq!(once.next(moment, moment), None);
    }

    #[test]
    fn only_rates_of_the_scheduler_fire_at_once() {
        let fires = |service, text| {
            let expression = Expression::parse(service, text, None).unwrap();
            expression.fires_at_once(service)
        };
        assert!(fires(Scheduler, "rate(1 hour)"));
        assert!(!fires(Rule, "rate(1 hour)"));
        assert!(!fires(Scheduler, "cron(0 0 * * ? *)"));
    }

    #[test]
    fn what_is_no_expression_is_said() {
        let cases = [
            (
                Rule,
                "5 minutes",
                None,
                "is neither rate(value unit) nor cron(six fields)",
            ),
            (
                Rule,
                "at(2026-12-24T18:00:00)",
                None,
                "is neither rate(value unit) nor cron(six fields)",
            ),
            (
                Scheduler,
                "at(soon)",
                None,
                "has 'soon' for its time; expected yyyy-mm-ddThh:mm:ss",
            ),
            (
                Rule,
                "rate(1 minutes)",
                None,
                "has '1 minutes'; expected 1 minute",
            ),
            (
                Rule,
                "rate(5 minute)",
                None,
                "has '5 minute'; expected 5 minutes",
            ),
            (
                Rule,
                "rate(0 minutes)",
                None,
                "has a rate of 0; expected 1 or more",
            ),
            (
                Rule,
                "rate(5 weeks)",
                None,
                "has '5 weeks' for its rate; expected a number and minutes, hours or days",
            ),
            (
                Scheduler,
                "cron(0 0 * * ? *)",
                Some("Mars/Olympus"),
                "has the time zone 'Mars/Olympus', which this machine does not know; expected a name such as Europe/Berlin (package tzdata)",
            ),
        ];
        for (service, text, zone, expected) in cases {
            let error = Expression::parse(service, text, zone).unwrap_err();
            assert_eq!(error, format!("'{text}' {expected}"));
        }
        assert!(Expression::parse(Scheduler, "rate(1 minutes)", None).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,30}", inner in "[0-9a-z ]{0,20}") {
            for text in [text, format!("rate({inner})"), format!("cron({inner})"), format!("at({inner})")] {
                let _read = Expression::parse(Scheduler, &text, Some(&inner));
            }
        }

        #[test]
        fn the_next_time_is_the_first_after_now(
            seconds in 1_i64..100_000,
            previous in 0_i64..2_000_000_000,
            later in 0_i64..10_000_000,
        ) {
            let rate = Expression::every(Duration::from_secs(seconds.unsigned_abs()));
            let start = Timestamp::from_second(previous).unwrap();
            let now = Timestamp::from_second(previous + later).unwrap();
            let next = rate.next(start, now).unwrap();
            let passed = next.as_second() - previous;
            prop_assert!(next > now && passed % seconds == 0 && next.as_second() - seconds <= now.as_second());
        }
    }
}

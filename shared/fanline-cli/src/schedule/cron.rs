//! EventBridge's cron expressions: six fields, and the next minute at which they hold.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>. The
//! one thing to get wrong: in a time zone an hour may be missing or come twice. What falls into a
//! missing hour is skipped, what falls into a repeated one happens once:
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>.

use std::collections::BTreeSet;

use jiff::{
    Timestamp,
    civil::Date,
    tz::{AmbiguousOffset, TimeZone},
};

use super::{days::Days, values::Field};

const MINUTES: Field = Field {
    name: "minutes",
    least: 0,
    most: 59,
    words: &[],
};
const HOURS: Field = Field {
    name: "hours",
    least: 0,
    most: 23,
    words: &[],
};
const MONTHS: Field = Field {
    name: "months",
    least: 1,
    most: 12,
    words: &[
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ],
};
const YEARS: Field = Field {
    name: "years",
    least: 1970,
    most: 2199,
    words: &[],
};

/// The fields between the brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

impl Cron {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, of_month, month, of_week, year] = fields.as_slice() else {
            return Err(format!(
                "has {} fields; expected six: minutes, hours, day of the month, month, day of the week, year",
                fields.len()
            ));
        };
        Ok(Self {
            minutes: MINUTES.values(minutes)?,
            hours: HOURS.values(hours)?,
            days: Days::parse(of_month, of_week)?,
            months: MONTHS.values(month)?,
            years: YEARS.values(year)?,
        })
    }

    /// The first moment after `after` at which all fields hold; `None` if there is none any more.
    pub(super) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = zone.to_datetime(after).date();
        let dates = self.years.range(today.year()..).flat_map(|year| {
            let months = self
                .months
                .iter()
                .filter_map(|month| i8::try_from(*month).ok());
            months.filter_map(|month| Date::new(*year, month, 1).ok())
        });
        // The day that has begun may have moments left.
        let dates = dates
            .flat_map(|first| {
                first
                    .series(jiff::Span::new().days(1))
                    .take_while(move |date| date.month() == first.month())
            })
            .filter(|date| *date >= today && self.days.contain(*date));
        dates
            .flat_map(|date| self.moments(date, zone))
            .find(|moment| *moment > after)
    }

    /// The moments of a day, in order.
    fn moments(&self, date: Date, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
        let hours = self.hours.iter();
        let times = hours.flat_map(|hour| self.minutes.iter().map(move |minute| (*hour, *minute)));
        times.filter_map(move |(hour, minute)| {
            let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
            let moment = zone.to_ambiguous_timestamp(date.at(hour, minute, 0, 0));
            match moment.offset() {
                AmbiguousOffset::Gap { .. } => None,
                _ => moment.earlier().ok(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn next(text: &str, after: &str, zone: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        let next = Cron::parse(text)
            .unwrap()
            .next(after.parse().unwrap(), &zone);
        next.map_or_else(|| "never".to_owned(), |moment| moment.to_string())
    }

    #[test]
    fn the_documented_examples() {
        // A Thursday.
        let after = "2026-11-26T16:30:00Z";
        let cases = [
            ("0 10 * * ? *", "2026-11-27T10:00:00Z"),
            ("15 12 * * ? *", "2026-11-27T12:15:00Z"),
            ("0 18 ? * MON-FRI *", "2026-11-26T18:00:00Z"),
            ("0 8 1 * ? *", "2026-12-01T08:00:00Z"),
            ("0/15 * * * ? *", "2026-11-26T16:45:00Z"),
            ("0/10 * ? * MON-FRI *", "2026-11-26T16:40:00Z"),
            ("0/5 8-17 ? * MON-FRI *", "2026-11-26T16:35:00Z"),
            ("0/30 20-2 ? * MON-FRI *", "2026-11-26T20:00:00Z"),
            ("5,35 14 * * ? *", "2026-11-27T14:05:00Z"),
            ("15 10 ? * 6L 2026-2027", "2026-11-27T10:15:00Z"),
            ("15 10 ? * 6L 2019-2022", "never"),
            ("0 0 31 2 ? *", "never"),
            ("0 0 29 FEB ? *", "2028-02-29T00:00:00Z"),
            ("30 16 26 11 ? 2026", "never"),
        ];
        for (text, expected) in cases {
            assert_eq!(next(text, after, "UTC"), expected, "{text}");
        }
    }

    #[test]
    fn hours_that_are_missing_or_come_twice() {
        let berlin = "Europe/Berlin";
        // Clocks went from 2:00 to 3:00 on 29 March 2026.
        assert_eq!(
            next("30 2 * * ? *", "2026-03-28T12:00:00Z", berlin),
            "2026-03-30T00:30:00Z"
        );
        // And from 3:00 back to 2:00 on 25 October.
        assert_eq!(
            next("30 2 * * ? *", "2026-10-24T12:00:00Z", berlin),
            "2026-10-25T00:30:00Z"
        );
        assert_eq!(
            next("30 2 * * ? *", "2026-10-25T00:30:00Z", berlin),
            "2026-10-26T01:30:00Z"
        );
        assert_eq!(
            next("0 9 * * ? *", "2026-07-01T00:00:00Z", berlin),
            "2026-07-01T07:00:00Z"
        );
    }

    #[test]
    fn what_is_no_cron_expression_is_said() {
        assert_eq!(
            Cron::parse("0 10 * * ?").unwrap_err(),
            "has 5 fields; expected six: minutes, hours, day of the month, month, day of the week, year"
        );
        assert_eq!(
            Cron::parse("0 10 * * * *").unwrap_err(),
            "has days of the month (*) and of the week (*); expected ? for one of them"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9A-Z*?/#,LW -]{0,40}", second in -2_000_000_000_i64..7_000_000_000) {
            if let Ok(cron) = Cron::parse(&text) {
                cron.next(Timestamp::from_second(second).unwrap(), &TimeZone::UTC);
            }
        }

        #[test]
        fn no_moment_is_left_out(minute in 0_u8..60, step in 1_u8..30, hour in 0_u8..24, second in 0_i64..4_000_000_000) {
            let after = Timestamp::from_second(second).unwrap();
            let cron = Cron::parse(&format!("{minute}/{step} {hour}-{} * * ? *", (hour + 3) % 24)).unwrap();
            let next = cron.next(after, &TimeZone::UTC).unwrap();
            let holds = |second: i64| {
                let time = TimeZone::UTC.to_datetime(Timestamp::from_second(second).unwrap());
                cron.minutes.contains(&i16::from(time.minute())) && cron.hours.contains(&i16::from(time.hour()))
            };
            prop_assert!(next > after && next.as_second() % 60 == 0 && holds(next.as_second()));
            let minutes = (second / 60 + 1)..(next.as_second() / 60);
            prop_assert!(minutes.into_iter().all(|minute| !holds(minute * 60)));
        }
    }
}

//! The days of a cron expression: those of a month (`1,15`, `L`, `3W`) or those of a week
//! (`MON-FRI`, `6L`, `3#2`), never both.
//!
//! The one thing to get wrong: weeks begin on Sunday, which is 1, and not on Monday.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::values::Field;

const OF_MONTH: Field = Field {
    name: "day of the month",
    least: 1,
    most: 31,
    words: &[],
};
const OF_WEEK: Field = Field {
    name: "day of the week",
    least: 1,
    most: 7,
    words: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};

/// Saturday, the last day of the week.
const LAST_OF_WEEK: i16 = 7;

/// Which days are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Days(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    OfMonth(BTreeSet<i16>),
    LastOfMonth,
    /// The working day closest to this day, within the month.
    Weekday(i16),
    OfWeek(BTreeSet<i16>),
    /// The last of this day of the week in the month.
    LastOfWeek(i16),
    /// This day of the week for the so-manieth time in the month.
    Occurrence(i16, i16),
}

impl Days {
    /// From the two fields, one of which must be `?`.
    pub(super) fn parse(of_month: &str, of_week: &str) -> Result<Self, String> {
        let rules = match (of_month, of_week) {
            ("?", "?") => Err("has ? for both kinds of days; expected it for one of them".into()),
            (of_month, "?") => of_month.split(',').map(of_month_rule).collect(),
            ("?", of_week) if of_week.contains('#') => of_week_rule(of_week).map(|rule| vec![rule]),
            ("?", of_week) => of_week.split(',').map(of_week_rule).collect(),
            (of_month, of_week) => Err(format!(
                "has days of the month ({of_month}) and of the week ({of_week}); expected ? for one of them"
            )),
        };
        rules.map(Self)
    }

    pub(super) fn contain(&self, date: Date) -> bool {
        self.0.iter().any(|rule| rule.contains(date))
    }
}

fn of_month_rule(item: &str) -> Result<Rule, String> {
    if item == "L" {
        return Ok(Rule::LastOfMonth);
    }
    match item.strip_suffix('W') {
        Some(day) => OF_MONTH.value(day).map(Rule::Weekday),
        None => OF_MONTH.values(item).map(Rule::OfMonth),
    }
    .map_err(|error| format!("{error}, or L, or a day with W"))
}

fn of_week_rule(item: &str) -> Result<Rule, String> {
    if item == "L" {
        return Ok(Rule::OfWeek([LAST_OF_WEEK].into()));
    }
    let rule = match (item.split_once('#'), item.strip_suffix('L')) {
        (Some((day, number)), _) => {
            let number = number
                .parse()
                .ok()
                .filter(|number| (1..=5).contains(number));
            let number = number.ok_or_else(|| {
                format!("has '{item}' for its day of the week; expected one day, # and 1 to 5")
            })?;
            OF_WEEK.value(day).map(|day| Rule::Occurrence(day, number))
        }
        (None, Some(day)) => OF_WEEK.value(day).map(Rule::LastOfWeek),
        (None, None) => OF_WEEK.values(item).map(Rule::OfWeek),
    };
    rule.map_err(|error| format!("{error}, or L, or a day with L or #"))
}

impl Rule {
    fn contains(&self, date: Date) -> bool {
        let day = i16::from(date.day());
        let last = i16::from(date.days_in_month());
        let weekday = weekday(date);
        match self {
            Self::OfMonth(days) => days.contains(&day),
            Self::LastOfMonth => day == last,
            Self::Weekday(wanted) => {
                let wanted = (*wanted).min(last);
                let closest = |wanted: i16| {
                    // Both are days of this month, so the week of one follows from the other's.
                    match (weekday + wanted - day - 1).rem_euclid(7) + 1 {
                        1 if wanted == last => wanted - 2,
                        1 => wanted + 1,
                        7 if wanted == 1 => 3,
                        7 => wanted - 1,
                        _ => wanted,
                    }
                };
                day == closest(wanted)
            }
            Self::OfWeek(days) => days.contains(&weekday),
            Self::LastOfWeek(wanted) => weekday == *wanted && day > last - 7,
            Self::Occurrence(wanted, number) => weekday == *wanted && (day - 1) / 7 + 1 == *number,
        }
    }
}

/// 1 for Sunday to 7 for Saturday.
fn weekday(date: Date) -> i16 {
    i16::from(date.weekday().to_sunday_one_offset())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    /// The days of a month that are meant.
    fn days(of_month: &str, of_week: &str, year: i16, month: i8) -> Vec<i8> {
        let days = Days::parse(of_month, of_week).unwrap();
        let first = date(year, month, 1);
        let all = (1..=first.days_in_month()).map(|day| date(year, month, day));
        all.filter(|date| days.contain(*date))
            .map(|date| date.day())
            .collect()
    }

    #[test]
    fn days_of_a_month_and_of_a_week() {
        // November 2026 begins on a Sunday and ends on a Monday.
        assert_eq!(days("*", "?", 2026, 11).len(), 30);
        assert_eq!(days("1,15-17", "?", 2026, 11), [1, 15, 16, 17]);
        assert_eq!(days("31", "?", 2026, 11), Vec::<i8>::new());
        assert_eq!(days("L", "?", 2026, 11), [30]);
        assert_eq!(days("L", "?", 2028, 2), [29]);
        assert_eq!(days("?", "1", 2026, 11), [1, 8, 15, 22, 29]);
        assert_eq!(
            days("?", "SAT-SUN", 2026, 11),
            [1, 7, 8, 14, 15, 21, 22, 28, 29]
        );
        assert_eq!(days("?", "6L", 2026, 11), [27]);
        assert_eq!(days("?", "L", 2026, 11), [7, 14, 21, 28]);
        // The documented example: the second Tuesday.
        assert_eq!(days("?", "3#2", 2026, 11), [10]);
        assert_eq!(days("?", "TUE#5", 2026, 11), Vec::<i8>::new());
    }

    #[test]
    fn closest_working_days_stay_in_their_month() {
        assert_eq!(days("3W", "?", 2026, 11), [3]);
        assert_eq!(days("7W", "?", 2026, 11), [6], "a Saturday");
        assert_eq!(days("8W", "?", 2026, 11), [9], "a Sunday");
        assert_eq!(days("1W", "?", 2026, 8), [3], "the first is a Saturday");
        assert_eq!(days("31W", "?", 2026, 5), [29], "the last is a Sunday");
    }

    #[test]
    fn what_is_no_day_is_said() {
        let wrong = [
            ("*", "*"),
            ("?", "?"),
            ("1", "MON"),
            ("?", "3#1,6#3"),
            ("?", "3#6"),
            ("?", "8"),
            ("0", "?"),
            ("W", "?"),
            ("LW", "?"),
            ("32W", "?"),
            ("?", "#"),
            ("", "?"),
            ("?", ""),
        ];
        for (of_month, of_week) in wrong {
            let parsed = Days::parse(of_month, of_week);
            assert!(parsed.is_err(), "{of_month} {of_week}: {parsed:?}");
        }
    }
}

//! Which dead letters are meant. All conditions must hold; of one that is given several times, any.

use clap::Args;
use fanline::Timestamp;
use jiff::SignedDuration;

use super::letter::Letter;

/// Chooses dead letters; without any of these, all.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Which dead letters (all conditions must hold; a repeated one: any)")]
pub struct Filter {
    /// Event type; * at its end stands for any rest, as in "user.*". May be repeated.
    #[arg(long = "type", value_name = "TYPE")]
    event_types: Vec<String>,
    /// Why they failed, as `list` shows it, for example rejected. May be repeated.
    #[arg(long = "reason", value_name = "REASON")]
    reasons: Vec<String>,
    /// Event id or message id. May be repeated.
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
    /// Failed longer ago than this: 30s, 10m, 2h, 3d, 1h30m.
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<SignedDuration>,
    /// Failed within this time.
    #[arg(long, value_name = "AGE", value_parser = age)]
    newer_than: Option<SignedDuration>,
    /// Text in the body or the error.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

impl Filter {
    /// Whether a letter is meant, at this time. One of unknown age is neither older nor newer.
    pub(super) fn takes(&self, letter: &Letter, now: Timestamp) -> bool {
        let age = letter.failed_at().map(|at| now.duration_since(at));
        let any = |wanted: &[String], fits: &dyn Fn(&String) -> bool| {
            wanted.is_empty() || wanted.iter().any(fits)
        };
        any(&self.event_types, &|wanted| {
            type_fits(wanted, letter.type_name())
        }) && any(&self.reasons, &|wanted| *wanted == letter.reason())
            && any(&self.ids, &|wanted| letter.is_called(wanted))
            && self
                .older_than
                .is_none_or(|least| age.is_some_and(|age| age > least))
            && self
                .newer_than
                .is_none_or(|most| age.is_some_and(|age| age < most))
            && self.text.as_ref().is_none_or(|text| has_text(letter, text))
    }
}

fn type_fits(wanted: &str, found: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => found.starts_with(beginning),
        None => found == wanted,
    }
}

fn has_text(letter: &Letter, text: &str) -> bool {
    let error = letter.note.as_ref().map(|note| note.error.as_str());
    letter.body.contains(text) || error.is_some_and(|error| error.contains(text))
}

/// Numbers with units, largest first or not: 1h30m.
fn age(text: &str) -> Result<SignedDuration, String> {
    let expected = || format!("{text:?} is no age; expected for example 30s, 10m, 2h, 3d or 1h30m");
    let mut seconds = 0_i64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit());
        let (number, tail) = rest.split_at(digits.ok_or_else(expected)?);
        let number: i64 = number.parse().map_err(|_| expected())?;
        let unit = match tail.chars().next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            _ => return Err(expected()),
        };
        let part = number.checked_mul(unit).ok_or_else(expected)?;
        seconds = seconds.checked_add(part).ok_or_else(expected)?;
        rest = &tail[1..];
    }
    match text.is_empty() {
        true => Err(expected()),
        false => Ok(SignedDuration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use fanline::dead_letter::{FailureNote, Reason};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        filter: Filter,
    }

    fn letter() -> Letter {
        Letter {
            message_id: "m-1".to_owned(),
            body: r#"{"email":"ann@example.com"}"#.to_owned(),
            event_id: Some("e-1".to_owned()),
            event_type: Some("user.signed_up".to_owned()),
            note: Some(FailureNote {
                reason: Reason::Rejected,
                error: "address is blocked".to_owned(),
                handler: "email-service".to_owned(),
                event_type: None,
                event_id: None,
                correlation_id: None,
                attempts: 1,
                first_seen: None,
                failed_at: Timestamp::UNIX_EPOCH,
                source: "email-service-queue".to_owned(),
                message_id: "m-0".to_owned(),
                request_id: "r-1".to_owned(),
            }),
            ..Letter::default()
        }
    }

    /// Whether the letter, two hours after it failed, is taken.
    fn takes(arguments: &str) -> bool {
        let line = std::iter::once("test").chain(arguments.split_whitespace());
        let line = Line::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
        let now = Timestamp::from_second(2 * 60 * 60).expect("in range");
        line.filter.takes(&letter(), now)
    }

    #[test]
    fn conditions_are_anded_and_repeated_ones_ored() {
        for taken in [
            "",
            "--type user.signed_up",
            "--type user.* --reason rejected",
            "--type other --type user.signed_up",
            "--id m-1",
            "--id e-1",
            "--older-than 1h --newer-than 3h",
            "--older-than 1h59m59s",
            "--text blocked",
            "--text ann@",
        ] {
            assert!(takes(taken), "{taken}");
        }
        for left in [
            "--type user",
            "--type *.signed_up",
            "--reason conflict",
            "--type user.signed_up --reason conflict",
            "--id e-2",
            "--older-than 2h",
            "--newer-than 1h",
            "--text Blocked",
        ] {
            assert!(!takes(left), "{left}");
        }
    }

    #[test]
    fn letter_of_unknown_age_is_neither_older_nor_newer() {
        let ageless = Letter::default();
        for filter in [
            Filter {
                older_than: Some(SignedDuration::ZERO),
                ..Filter::default()
            },
            Filter {
                newer_than: Some(SignedDuration::MAX),
                ..Filter::default()
            },
        ] {
            assert!(!filter.takes(&ageless, Timestamp::MAX));
        }
    }

    #[test]
    fn ages_are_read_or_refused_with_examples() {
        assert_eq!(age("1h30m"), Ok(SignedDuration::from_secs(5400)));
        assert_eq!(age("2d"), Ok(SignedDuration::from_secs(172_800)));
        for text in [
            "",
            "1",
            "h",
            "1 h",
            "-1h",
            "1w",
            "1hé",
            "99999999999999999999d",
            "9999999999999999d",
        ] {
            let refused = age(text).expect_err(text);
            assert!(
                refused.starts_with(&format!("{text:?} is no age; expected")),
                "{refused}"
            );
        }
    }
}

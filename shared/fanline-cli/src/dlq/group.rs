//! Dead letters by what they have in common: why they failed, and what they are.

use std::collections::BTreeMap;

use fanline::Timestamp;
use serde::Serialize;

use super::letter::Letter;
use crate::table::{Align, table};

/// Kinds that are named when nothing fits a filter.
const MOST_TALLIED: usize = 5;

/// Of an error text, as much as fits a line.
const MOST_ERROR_LETTERS: usize = 120;

/// Dead letters of one reason and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Group {
    pub(super) reason: String,
    /// None if it could not be told.
    #[serde(rename = "type")]
    pub(super) event_type: Option<String>,
    pub(super) count: u64,
    pub(super) first_seen: Option<Timestamp>,
    /// The last failure.
    pub(super) last_seen: Option<Timestamp>,
    /// The one that failed last.
    pub(super) sample: String,
    /// Why that one failed.
    pub(super) error: Option<String>,
}

/// The largest group first.
pub(super) fn groups<'letter>(letters: impl IntoIterator<Item = &'letter Letter>) -> Vec<Group> {
    let mut groups: BTreeMap<(String, Option<String>), Group> = BTreeMap::new();
    for letter in letters {
        let (reason, event_type) = (letter.reason(), letter.event_type.clone());
        let group = groups
            .entry((reason.clone(), event_type.clone()))
            .or_insert_with(|| Group {
                reason,
                event_type,
                count: 0,
                first_seen: None,
                last_seen: None,
                sample: String::new(),
                error: None,
            });
        group.add(letter);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

impl Group {
    fn add(&mut self, letter: &Letter) {
        self.count += 1;
        let first_seen = letter.first_seen().or(letter.failed_at());
        self.first_seen = [self.first_seen, first_seen].into_iter().flatten().min();
        if self.count == 1 || letter.failed_at() > self.last_seen {
            letter.id().clone_into(&mut self.sample);
            self.error = letter.note.as_ref().map(|note| note.error.clone());
        }
        self.last_seen = self.last_seen.max(letter.failed_at());
    }
}

/// How many there are of each reason and type, for those that are not kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(BTreeMap<(String, Option<String>), u64>);

impl Tally {
    pub(super) fn add(&mut self, letter: &Letter) {
        let key = (letter.reason(), letter.event_type.clone());
        *self.0.entry(key).or_default() += 1;
    }

    /// What there is, for a filter that took nothing; none if there is nothing.
    pub(super) fn nothing_fits(&self) -> Option<String> {
        let mut counts: Vec<_> = self.0.iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let shown = counts.iter().take(MOST_TALLIED);
        let shown = shown.map(|((reason, event_type), count)| {
            let event_type = event_type.as_deref().unwrap_or("without type");
            format!("{count} {reason} {event_type}")
        });
        let mut shown: Vec<String> = shown.collect();
        if counts.len() > shown.len() {
            shown.push("and others".to_owned());
        }
        let shown = shown.join(", ");
        (!shown.is_empty()).then(|| format!("none fits the filter; there are {shown}"))
    }
}

/// The groups for people, an error below each that has one.
pub(super) fn show(groups: &[Group]) -> String {
    let head = [
        ("reason", Align::Left),
        ("count", Align::Right),
        ("type", Align::Left),
        ("first seen", Align::Left),
        ("last seen", Align::Left),
        ("for example", Align::Left),
    ];
    let rows: Vec<_> = groups
        .iter()
        .map(|group| {
            [
                group.reason.clone(),
                group.count.to_string(),
                group.event_type.clone().unwrap_or_else(|| "-".to_owned()),
                moment(group.first_seen),
                moment(group.last_seen),
                group.sample.clone(),
            ]
        })
        .collect();
    let table = table(head, &rows);
    let mut lines = table.lines();
    let mut shown: Vec<String> = lines.next().map(str::to_owned).into_iter().collect();
    for (line, group) in lines.zip(groups) {
        shown.push(line.to_owned());
        shown.extend(
            group
                .error
                .as_ref()
                .map(|error| format!("  {}", brief(error))),
        );
    }
    shown.join("\n")
}

/// To the second, in UTC.
pub(super) fn moment(at: Option<Timestamp>) -> String {
    let text = at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    text.unwrap_or_else(|| "-".to_owned())
}

/// The first line of an error, shortened.
pub(super) fn brief(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    let is_whole = line == error && line.chars().count() <= MOST_ERROR_LETTERS;
    let letters: String = line.chars().take(MOST_ERROR_LETTERS).collect();
    match is_whole {
        true => letters,
        false => format!("{letters}…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(event_type: &str, id: &str, second: i64) -> Letter {
        Letter {
            event_type: Some(event_type.to_owned()),
            event_id: Some(id.to_owned()),
            sent_at: Timestamp::from_second(second).ok(),
            ..Letter::default()
        }
    }

    #[test]
    fn largest_group_first_with_its_times_and_its_latest_sample() {
        let letters = [
            letter("a.b", "e-1", 50),
            letter("c.d", "e-2", 10),
            letter("c.d", "e-3", 30),
            letter("c.d", "e-4", 20),
        ];
        let groups = groups(&letters);
        assert_eq!(
            show(&groups),
            "reason   count  type  first seen            last seen             for example\n\
             unknown      3  c.d   1970-01-01T00:00:10Z  1970-01-01T00:00:30Z  e-3\n\
             unknown      1  a.b   1970-01-01T00:00:50Z  1970-01-01T00:00:50Z  e-1"
        );
    }

    #[test]
    fn errors_stand_below_their_group_in_one_line() {
        let error = format!("{}\nat line 7", "x".repeat(200));
        let group = Group {
            error: Some(error),
            ..groups(&[letter("a.b", "e-1", 0)]).remove(0)
        };
        let shown = show(&[group]);
        let last = shown.lines().last().unwrap_or_default();
        assert_eq!(last, format!("  {}…", "x".repeat(MOST_ERROR_LETTERS)));
    }
}

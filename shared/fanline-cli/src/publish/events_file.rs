//! The events file: JSON Lines, each an event or a raw body to publish.
//!
//! A line that cannot be read is a problem with its place in the file; the others are
//! published all the same.

use std::{collections::BTreeMap, fs, path::Path};

use fanline::publish::Outgoing;
use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// Most copies one line may ask for: a typing error must not publish for hours.
const MOST_TIMES: u32 = 100_000;

/// The lines of an events file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventsFile {
    name: String,
    /// What can be published, in the file's order.
    pub lines: Vec<Line>,
    /// `file:line: what is wrong`, one for each other line.
    pub problems: Vec<String>,
}

/// One line: what to publish, where, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its number in the file.
    pub number: usize,
    /// The topic's name or ARN, if the line says.
    pub topic: Option<String>,
    /// The message.
    pub outgoing: Outgoing,
    /// How many copies.
    pub times: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    topic: Option<String>,
    event: Option<Value>,
    body: Option<String>,
    entity: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    times: Option<u32>,
}

impl EventsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read at all.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path)
            .map_err(|error| Error::new(format!("cannot read {}: {error}", path.display())))?;
        Ok(Self::parse(&path.display().to_string(), &text))
    }

    /// Reads text; `name` is the file's name in problems. Empty lines and lines that start with
    /// `#` are passed over.
    pub fn parse(name: &str, text: &str) -> Self {
        let mut file = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index + 1;
            match parse_line(line, number) {
                Ok(line) => file.lines.push(line),
                Err(problem) => file.problems.push(format!("{name}:{number}: {problem}")),
            }
        }
        file
    }

    /// Adds what another file holds.
    pub fn append(&mut self, mut other: Self) {
        self.lines.append(&mut other.lines);
        self.problems.append(&mut other.problems);
    }

    /// Gives lines without a topic this one; without one to give, they become problems.
    #[must_use]
    pub fn with_default_topic(mut self, default_topic: Option<&str>) -> Self {
        let (name, problems) = (&self.name, &mut self.problems);
        self.lines.retain_mut(|line| {
            if line.topic.is_none() {
                line.topic = default_topic.map(str::to_owned);
            }
            if line.topic.is_none() {
                problems.push(format!("{name}:{}: names no topic", line.number));
            }
            line.topic.is_some()
        });
        self
    }

    /// Every message with its topic, copies written out.
    pub fn expanded(self) -> Vec<(String, Outgoing)> {
        let copies = self.lines.into_iter().flat_map(|line| {
            let topic = line.topic.unwrap_or_default();
            (0..line.times).map(move |_| (topic.clone(), line.outgoing.clone()))
        });
        copies.collect()
    }
}

fn parse_line(line: &str, number: usize) -> Result<Line, String> {
    let wire: Wire = serde_json::from_str(line).map_err(|error| {
        format!("{error}; expected {{\"topic\": …, \"event\": {{…}}}} or {{\"topic\": …, \"body\": \"…\"}}")
    })?;
    let times = wire.times.unwrap_or(1);
    if !(1..=MOST_TIMES).contains(&times) {
        return Err(format!("times is {times}, expected 1 to {MOST_TIMES}"));
    }
    let mut message = match (wire.event, wire.body) {
        (Some(event), None) => outgoing(&event),
        (None, Some(body)) => Outgoing {
            event_id: format!("line {number}"),
            entity: format!("line {number}"),
            body,
            attributes: Vec::new(),
        },
        (Some(_), Some(_)) => return Err("has both event and body, expected one".to_owned()),
        (None, None) => return Err("has neither event nor body, expected one".to_owned()),
    };
    if let Some(entity) = wire.entity {
        message.entity = entity;
    }
    for (name, value) in wire.attributes {
        message.attributes.retain(|(known, _)| *known != name);
        message.attributes.push((name, value));
    }
    Ok(Line {
        number,
        topic: wire.topic,
        outgoing: message,
        times,
    })
}

/// An envelope as a message: its JSON, and attributes from the fields that carry them.
pub fn outgoing(event: &Value) -> Outgoing {
    let at = |path: &str| match event.pointer(path) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let attributes = [
        ("type", "/type"),
        ("version", "/metadata/version"),
        ("source", "/metadata/source"),
    ];
    let event_id = at("/metadata/eventId").unwrap_or_else(|| "event without eventId".to_owned());
    Outgoing {
        entity: event_id.clone(),
        event_id,
        body: event.to_string(),
        attributes: attributes
            .into_iter()
            .filter_map(|(name, path)| Some((name.to_owned(), at(path)?)))
            .filter(|(_, value)| !value.is_empty())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_problems_located() {
        let text = r#"
# a comment
{"topic": "t", "event": {"type": "a.b", "data": 1, "metadata": {"eventId": "e-1", "version": 2, "source": "s"}}, "times": 2}
{"body": "any text", "attributes": {"type": "a.b"}}
not json
{"topic": "t"}
{"topic": "t", "body": "x", "event": {}}
{"topic": "t", "body": "x", "times": 0}
{"topic": "t", "bodi": "x"}
"#;
        let file = EventsFile::parse("events.jsonl", text);
        let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let event = &file.lines[0].outgoing;
        assert_eq!(event.event_id, "e-1");
        assert_eq!(
            event.attributes,
            [
                attribute("type", "a.b"),
                attribute("version", "2"),
                attribute("source", "s")
            ]
        );
        let body = &file.lines[1].outgoing;
        assert_eq!(
            (body.event_id.as_str(), body.body.as_str()),
            ("line 4", "any text")
        );
        assert_eq!(body.attributes, [attribute("type", "a.b")]);
        let expected = [
            "events.jsonl:5: expected ident at line 1 column 2; expected",
            "events.jsonl:6: has neither event nor body, expected one",
            "events.jsonl:7: has both event and body, expected one",
            "events.jsonl:8: times is 0, expected 1 to 100000",
            "events.jsonl:9: unknown field `bodi`",
        ];
        assert_eq!(file.problems.len(), expected.len());
        for (problem, expected) in file.problems.iter().zip(expected) {
            assert!(problem.starts_with(expected), "{problem}");
        }
        let homeless = file.clone().with_default_topic(None);
        assert_eq!(
            homeless.problems.last().unwrap(),
            "events.jsonl:4: names no topic"
        );
        assert_eq!(homeless.expanded().len(), 2);
        assert_eq!(file.with_default_topic(Some("other")).expanded().len(), 3);
    }
}

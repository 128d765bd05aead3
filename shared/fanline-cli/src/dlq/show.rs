//! `fanline dlq show`: all about one dead letter.

use std::{fmt::Write, process::ExitCode};

use base64::{Engine, prelude::BASE64_STANDARD};
use clap::Args;
use fanline::{Attribute, AttributeValue};
use serde_json::{Map, Value, json};

use super::{
    group::moment,
    letter::Letter,
    look::{self, behind_others},
    reader::{Reader, Received},
    session::{Place, Session},
};
use crate::{Error, output::say};

/// Looks until it is found: a few seconds in a queue of thousands.
const HOLD_SECONDS: i32 = 60;

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// Its event id or message id, as `list` shows it.
    id: String,
    /// One JSON object on stdout; the body is a string in it, as it was received.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Error> {
    let session = Session::open(&options.place).await?;
    let mut reader = session.reader(HOLD_SECONDS);
    let found = find(&session, &mut reader, &options.id).await;
    reader.give_back().await;
    let letter = found?.letter;
    match options.json {
        true => say(document(&letter)),
        false => say(text(&letter)),
    }
    Ok(ExitCode::SUCCESS)
}

/// The first message of this event or message id. The reader holds it and those before it.
pub(super) async fn find(
    session: &Session,
    reader: &mut Reader<'_>,
    id: &str,
) -> Result<Received, Error> {
    loop {
        let new = reader.next(usize::MAX).await?;
        if new.is_empty() {
            let (looked_at, queue) = (reader.looked_at(), &session.queue);
            if session.stop.is_set() {
                return Err(Error::new(format!(
                    "interrupted: {id} is not among the {looked_at} looked at"
                )));
            }
            let unseen = queue.waiting.saturating_sub(looked_at);
            let mut text = format!(
                "no message with event id or message id {id} in {}; looked at {looked_at}",
                queue.name
            );
            let hidden = (queue.fifo && unseen > 0).then(|| behind_others(unseen));
            let hidden = hidden.into_iter().chain(look::in_flight(queue.in_flight));
            hidden.for_each(|remark| text = format!("{text}; {remark}"));
            return Err(Error::new(text));
        }
        let found = new.into_iter().find(|new| new.letter.is_called(id));
        if let Some(found) = found {
            return Ok(found);
        }
    }
}

/// A dead letter for programs.
pub(super) fn document(letter: &Letter) -> Value {
    let attributes: Map<String, Value> = letter
        .attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), attribute_document(attribute)))
        .collect();
    json!({
        "message_id": letter.message_id,
        "event_id": letter.event_id,
        "type": letter.event_type,
        "reason": letter.reason(),
        "first_seen": letter.first_seen(),
        "failed_at": letter.failed_at(),
        "source": letter.source(),
        "group": letter.group,
        "receives": letter.receives,
        "note": letter.note,
        "attributes": attributes,
        "body": letter.body,
    })
}

fn attribute_document(attribute: &Attribute) -> Value {
    match &attribute.value {
        AttributeValue::Text(text) => json!({"type": attribute.data_type, "value": text}),
        AttributeValue::Binary(bytes) => {
            json!({"type": attribute.data_type, "base64": BASE64_STANDARD.encode(bytes)})
        }
    }
}

/// A dead letter for people.
fn text(letter: &Letter) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("reason", &letter.reason());
    let note = letter.note.as_ref();
    if let Some(note) = note {
        line("error", &note.error);
        line("handler", &note.handler);
        line("attempts", &note.attempts.to_string());
        line("request", &note.request_id);
        line("logged as", &note.message_id);
    }
    line("type", letter.type_name());
    line("event", letter.event_id.as_deref().unwrap_or("-"));
    line("message", &letter.message_id);
    if let Some(correlation_id) = note.and_then(|note| note.correlation_id.as_ref()) {
        line("correlation", correlation_id);
    }
    line("source", letter.source().unwrap_or("-"));
    line("first seen", &moment(letter.first_seen()));
    line("failed", &moment(letter.failed_at()));
    if let Some(group) = &letter.group {
        line("group", group);
    }
    if !letter.attributes.is_empty() {
        text.push_str("\nattributes\n");
    }
    for (name, attribute) in &letter.attributes {
        let value = match &attribute.value {
            AttributeValue::Text(value) => value.clone(),
            AttributeValue::Binary(bytes) => format!("{} bytes", bytes.len()),
        };
        let _ = writeln!(text, "  {name} ({}): {value}", attribute.data_type);
    }
    let _ = write!(text, "\nbody\n{}", crate::json_text::pretty(&letter.body));
    text
}

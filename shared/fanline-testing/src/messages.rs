//! Messages as a queue would hand them over.

use fanline::{Message, Timestamp};
use serde_json::{Value, json};

/// An envelope as JSON, version 1, at a fixed time.
pub fn envelope(event_type: &str, event_id: &str, data: Value) -> Value {
    json!({
        "type": event_type,
        "data": data,
        "metadata": {
            "eventId": event_id,
            "timestamp": "2026-02-14T10:30:00Z",
            "source": "test",
            "version": 1,
        },
    })
}

/// A message at its first delivery.
pub fn message(id: &str, body: impl ToString) -> Message {
    Message {
        id: id.to_owned(),
        body: body.to_string(),
        receive_count: 1,
        sent_at: Timestamp::from_second(1_771_065_000).ok(),
        ..Message::default()
    }
}

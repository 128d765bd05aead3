use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Attribute;

fn message(body: impl ToString) -> Message {
    Message {
        id: "m-1".to_owned(),
        body: body.to_string(),
        receive_count: 1,
        sent_at: Some("2026-02-14T10:30:01Z".parse().unwrap()),
        ..Message::default()
    }
}

fn envelope() -> Value {
    json!({
        "type": "user.signed_up",
        "data": {"userId": "u-1"},
        "metadata": {
            "eventId": "e-1",
            "timestamp": "2026-02-14T10:30:00Z",
            "source": "accounts",
            "version": 2,
            "correlationId": "c-1",
            "tenant": "t-1"
        },
        "added later": true
    })
}

fn wrapped(inner: impl ToString, attributes: Value) -> Message {
    message(json!({
        "Type": "Notification",
        "MessageId": "n-1",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:user-events",
        "Message": inner.to_string(),
        "MessageAttributes": attributes
    }))
}

fn assert_is_the_event(event: &RawEvent) {
    assert_eq!(event.event_type, "user.signed_up");
    assert_eq!(
        serde_json::from_str::<Value>(event.data.get()).unwrap(),
        json!({"userId": "u-1"})
    );
    let metadata = &event.metadata;
    assert_eq!(metadata.event_id, "e-1");
    assert_eq!(metadata.timestamp, "2026-02-14T10:30:00Z".parse().unwrap());
    assert_eq!(metadata.source, "accounts");
    assert_eq!(metadata.version, 2);
    assert_eq!(metadata.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(
        metadata.other,
        json!({"tenant": "t-1"}).as_object().unwrap().clone()
    );
}

#[test]
fn every_form_is_the_same_event() {
    let structured = json!({
        "specversion": "1.0", "id": "e-1", "source": "accounts", "type": "user.signed_up",
        "time": "2026-02-14T10:30:00Z", "version": 2, "correlationid": "c-1", "tenant": "t-1",
        "datacontenttype": "application/json", "data": {"userId": "u-1"}
    });
    let mut forms = vec![
        message(envelope()),
        wrapped(envelope(), json!({})),
        message(&structured),
        wrapped(&structured, json!({})),
    ];
    for prefix in ["ce-", "ce_", "cloudEvents_"] {
        let values = [
            ("specversion", "1.0"),
            ("id", "e-1"),
            ("source", "accounts"),
            ("type", "user.signed_up"),
            ("time", "2026-02-14T10:30:00Z"),
            ("version", "2"),
            ("correlationid", "c-1"),
            ("tenant", "t-1"),
        ];
        let attributes: BTreeMap<_, _> = values
            .map(|(name, value)| (format!("{prefix}{name}"), value.to_owned()))
            .into();
        let typed: serde_json::Map<_, _> = attributes
            .iter()
            .map(|(name, value)| (name.clone(), json!({"Type": "String", "Value": value})))
            .collect();
        let data = json!({"userId": "u-1"});
        let attributes = attributes.into_iter();
        forms.push(Message {
            attributes: attributes
                .map(|(name, value)| (name, Attribute::text(value)))
                .collect(),
            ..message(&data)
        });
        forms.push(wrapped(data, Value::Object(typed)));
    }
    for form in forms {
        assert_is_the_event(&RawEvent::decode(&form).unwrap());
    }
}

#[test]
fn cloudevent_without_time_and_version_takes_sent_time_and_one() {
    let event = json!({"specversion": "1.0", "id": "e", "source": "s", "type": "a.b"});
    let event = RawEvent::decode(&message(event)).unwrap();
    assert_eq!(
        event.metadata.timestamp,
        "2026-02-14T10:30:01Z".parse().unwrap()
    );
    assert_eq!((event.metadata.version, event.data.get()), (1, "null"));
}

#[test]
fn each_problem_names_the_field_and_what_was_found() {
    let without = |path: &str| {
        let mut envelope = envelope();
        let (parent, field) = path.rsplit_once('/').unwrap();
        envelope
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(field);
        envelope.to_string()
    };
    let with = |path: &str, value: Value| {
        let mut envelope = envelope();
        *envelope.pointer_mut(path).unwrap() = value;
        envelope.to_string()
    };
    let text = "a non-empty string";
    let time = "an RFC 3339 timestamp such as 2026-02-14T10:30:00Z";
    let version = "a whole number from 1 to 4294967295";
    let cases = [
        ("hello".to_owned(), "body: expected a JSON object, found text that is not JSON at line 1 column 1 (5 bytes)".to_owned()),
        (String::new(), "body: expected a JSON object, found text that is not JSON at line 1 column 0 (0 bytes)".to_owned()),
        ("[1]".to_owned(), "body: expected a JSON object, found an array".to_owned()),
        (without("/type"), format!("type: expected {text}, found nothing")),
        (with("/type", json!("")), format!("type: expected {text}, found an empty one")),
        (with("/type", json!(["secret"])), format!("type: expected {text}, found an array")),
        (without("/data"), "data: expected a value, found nothing".to_owned()),
        (without("/metadata"), "metadata: expected an object, found nothing".to_owned()),
        (with("/metadata", json!("x")), "metadata: expected an object, found a string".to_owned()),
        (without("/metadata/eventId"), format!("metadata.eventId: expected {text}, found nothing")),
        (with("/metadata/eventId", json!("x".repeat(1025))), "metadata.eventId: expected at most 1024 bytes, found 1025 bytes".to_owned()),
        (with("/metadata/timestamp", json!("yesterday")), format!("metadata.timestamp: expected {time}, found another string")),
        (with("/metadata/timestamp", json!(true)), format!("metadata.timestamp: expected {time}, found a boolean")),
        (without("/metadata/source"), format!("metadata.source: expected {text}, found nothing")),
        (with("/metadata/version", json!(0)), format!("metadata.version: expected {version}, found a number out of range")),
        (with("/metadata/version", json!(1.5)), format!("metadata.version: expected {version}, found a number with a fraction")),
        (with("/metadata/version", json!("1")), format!("metadata.version: expected {version}, found a string")),
        (with("/metadata/correlationId", json!(-1)), "metadata.correlationId: expected a string, found a negative number".to_owned()),
        (r#"{"specversion": "0.3"}"#.to_owned(), "specversion: expected 1.0, found another version".to_owned()),
        (r#"{"Type": "Notification", "TopicArn": "a"}"#.to_owned(), "Message: expected a string, found nothing".to_owned()),
        (wrapped("hello", json!({})).body, "Message of the SNS notification: expected a JSON object, found text that is not JSON at line 1 column 1 (5 bytes)".to_owned()),
    ];
    for (body, expected) in cases {
        let found = RawEvent::decode(&message(&body)).unwrap_err().to_string();
        assert_eq!(found, expected, "{body}");
        assert!(!found.contains("secret"), "payload in {found}");
    }
}

/// An envelope with a reference in place of its data, changed by this.
fn referring(change: impl FnOnce(&mut Value)) -> String {
    let mut envelope = envelope();
    let data = envelope.as_object_mut().unwrap().remove("data").unwrap();
    envelope["dataRef"] = json!(DataRef::new("e-1", &data.to_string()));
    change(&mut envelope);
    envelope.to_string()
}

#[test]
fn reference_stands_for_data_raw_and_wrapped() {
    let body = referring(|_| {});
    for form in [message(&body), wrapped(&body, json!({}))] {
        let event = RawEvent::decode(&form).unwrap();
        let expected = DataRef::new("e-1", r#"{"userId":"u-1"}"#);
        assert_eq!(event.data_ref.as_deref(), Some(&expected));
        assert_eq!(event.data.get(), "null");
        assert_eq!(event.metadata.event_id, "e-1");
    }
}

#[test]
fn reference_to_anything_but_the_events_own_data_is_refused() {
    let digits = "64 lower-case hexadecimal digits";
    let own = "the key of this event id and hash";
    let cases = [
        (
            referring(|event| event["data"] = json!(1)),
            "dataRef: expected none beside data, found both".to_owned(),
        ),
        (
            referring(|event| event["dataRef"] = json!("s3://x")),
            "dataRef: expected an object, found a string".to_owned(),
        ),
        (
            referring(|event| event["dataRef"]["bytes"] = json!(-1)),
            "dataRef.bytes: expected a whole number, found a negative number".to_owned(),
        ),
        (
            referring(|event| event["dataRef"]["sha256"] = json!("9F")),
            format!("dataRef.sha256: expected {digits}, found another string"),
        ),
        (
            referring(|event| event["dataRef"]["sha256"] = json!("0".repeat(64))),
            format!("dataRef.key: expected {own}, found another one"),
        ),
        (
            referring(|event| event["dataRef"]["key"] = json!("secret")),
            format!("dataRef.key: expected {own}, found another one"),
        ),
        (
            referring(|event| event["metadata"]["eventId"] = json!("e-2")),
            format!("dataRef.key: expected {own}, found another one"),
        ),
    ];
    for (body, expected) in cases {
        let found = RawEvent::decode(&message(&body)).unwrap_err().to_string();
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn written_cloudevent_is_read_back() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Data {
        #[serde(rename = "userId")]
        user_id: String,
    }
    impl crate::Event for Data {
        const TYPE: &'static str = "user.signed_up";
    }
    let mut metadata = RawEvent::decode(&message(envelope())).unwrap().metadata;
    metadata.other.clear();
    let event = crate::Envelope {
        data: Data {
            user_id: "u-1".to_owned(),
        },
        metadata,
    };
    let read = RawEvent::decode(&message(event.to_cloudevent().unwrap())).unwrap();
    assert_eq!(read.metadata, event.metadata);
    assert_eq!(read.event_type, "user.signed_up");
}

proptest! {
    #[test]
    fn no_body_panics(body in ".{0,200}", attribute in "[a-zA-Z_-]{1,20}", value in ".{0,20}") {
        let attributes = [(attribute, value), ("ce-specversion".to_owned(), "1.0".to_owned())];
        let attributes = attributes.map(|(name, value)| (name, Attribute::text(value)));
        let _undecodable = RawEvent::decode(&message(&body));
        let _undecodable = RawEvent::decode(&wrapped(&body, json!({})));
        let _undecodable = RawEvent::decode(&Message { attributes: attributes.into(), ..message(&body) });
    }

    #[test]
    fn no_mutilated_envelope_panics(position in 0_usize..200, byte in "[\\x00-\\x7f]") {
        let mut body = envelope().to_string();
        let position = position % body.len();
        body.replace_range(position..=position, &byte);
        let _either = RawEvent::decode(&message(body));
    }
}

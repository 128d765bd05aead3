//! What is changed in a body, and whether it may be.

use serde_json::Value;

use crate::{
    Error,
    dlq::letter::{EventNames, Letter},
    json_text,
};

/// A field and its new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    path: String,
    /// As JSON.
    value: String,
}

/// PATH=VALUE; a value that is not JSON is text.
pub(super) fn parse_change(text: &str) -> Result<Change, String> {
    let expected = || format!("{text:?} has no =; expected for example data.email=ann@example.com");
    let (path, value) = text.split_once('=').ok_or_else(expected)?;
    let value = match json_text::compact(value) {
        Some(json) => json,
        None => Value::from(value).to_string(),
    };
    Ok(Change {
        path: path.to_owned(),
        value,
    })
}

/// The body with all of the changes.
pub(super) fn apply(body: &str, changes: &[Change]) -> Result<String, Error> {
    changes.iter().try_fold(body.to_owned(), |body, change| {
        json_text::with(&body, &change.path, &change.value)
    })
}

/// The body to send, without the layout of an editor. Refused are another event id, and what
/// was JSON and no longer is.
pub(super) fn check(letter: &Letter, edited: &str) -> Result<String, Error> {
    let was_json = json_text::compact(&letter.body).is_some();
    let body = match json_text::compact(edited) {
        Some(compact) => compact,
        None if was_json => {
            let reason = serde_json::from_str::<serde::de::IgnoredAny>(edited).err();
            let reason = reason.map(|reason| reason.to_string()).unwrap_or_default();
            return Err(Error::new(format!("the body is no longer JSON: {reason}")));
        }
        None => edited.to_owned(),
    };
    let id = |body: &str| EventNames::of(body, &letter.attributes).id;
    let (before, after) = (id(&letter.body), id(&body));
    match before {
        Some(before) if after.as_deref() != Some(before.as_str()) => Err(Error::new(format!(
            "the event id was {before} and would be {}; it is what recognises the event as done before, so it has to stay",
            after.as_deref().unwrap_or("gone")
        ))),
        _ => Ok(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"type":"a.b","data":{"n":1},"metadata":{"eventId":"e-1"}}"#;

    fn letter(body: &str) -> Letter {
        Letter {
            body: body.to_owned(),
            ..Letter::default()
        }
    }

    fn change(text: &str) -> Change {
        parse_change(text).expect(text)
    }

    #[test]
    fn values_are_json_or_text() {
        assert_eq!(change("a.b=7").value, "7");
        assert_eq!(change("a=x=y").value, "\"x=y\"");
        assert_eq!(change("a={\"b\": [1, true]}").value, "{\"b\":[1,true]}");
        assert_eq!(change("a=\"7\"").value, "\"7\"");
        assert_eq!(change("a=").value, "\"\"");
        let refused = parse_change("data.email").expect_err("no =");
        assert!(
            refused.starts_with("\"data.email\" has no =; expected"),
            "{refused}"
        );
    }

    #[test]
    fn all_changes_are_made_in_order() {
        let changes = [
            change("data.n=2"),
            change("data.m={}"),
            change("data.m.x=y"),
        ];
        let changed = apply(BODY, &changes).expect("paths lead somewhere");
        assert_eq!(
            changed,
            BODY.replace("{\"n\":1}", r#"{"n":2,"m":{"x":"y"}}"#)
        );
    }

    #[test]
    fn event_id_stays_in_every_wire_form() {
        let wrapped =
            |body: &str| serde_json::json!({"Type": "Notification", "Message": body}).to_string();
        let other = BODY.replace("e-1", "e-2");
        let cloud = r#"{"specversion":"1.0","id":"e-1","type":"a.b"}"#.to_owned();
        for (before, after) in [
            (BODY.to_owned(), other.clone()),
            (BODY.to_owned(), BODY.replace("eventId", "eventID")),
            (wrapped(BODY), wrapped(&other)),
            (cloud.clone(), cloud.replace("e-1", "e-2")),
        ] {
            let refused = check(&letter(&before), &after)
                .expect_err(&after)
                .to_string();
            assert!(
                refused.starts_with("the event id was e-1 and would be "),
                "{refused}"
            );
        }
        assert_eq!(
            check(&letter(BODY), &json_text::pretty(BODY)).as_deref(),
            Ok(BODY)
        );
    }

    #[test]
    fn json_stays_json_and_other_text_is_free() {
        let refused = check(&letter(BODY), "{\"type\": }")
            .expect_err("not JSON")
            .to_string();
        assert!(
            refused.starts_with("the body is no longer JSON: expected value at line 1"),
            "{refused}"
        );
        assert_eq!(
            check(&letter("plain"), "other text").as_deref(),
            Ok("other text")
        );
        // Malformed before, and mended by hand.
        assert_eq!(
            check(&letter("{\"type\": "), "{\"type\": \"a.b\"}\n").as_deref(),
            Ok("{\"type\":\"a.b\"}")
        );
    }
}

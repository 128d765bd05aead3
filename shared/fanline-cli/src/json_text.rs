//! JSON as text: set out, packed, and changed in one place, everything else as it stands.
//!
//! Reading it into a value and writing that again would change it: large numbers lose digits,
//! fields their order.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::{Error, suggest};

const INDENT: &str = "  ";

/// With a line for each field; text that is not JSON as it is.
pub(crate) fn pretty(text: &str) -> String {
    let Some(compact) = compact(text) else {
        return text.to_owned();
    };
    let mut set_out = String::with_capacity(compact.len() * 2);
    let mut depth = 0_usize;
    let mut before = ' ';
    for (letter, in_text) in letters(&compact) {
        let opens = matches!(before, '{' | '[');
        let closes = matches!(letter, '}' | ']');
        match letter {
            _ if in_text => {
                if opens {
                    break_line(&mut set_out, depth);
                }
                set_out.push(letter);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if !opens {
                    break_line(&mut set_out, depth);
                }
                set_out.push(letter);
            }
            ',' => {
                set_out.push(',');
                break_line(&mut set_out, depth);
            }
            ':' => set_out.push_str(": "),
            _ => {
                if opens {
                    break_line(&mut set_out, depth);
                }
                set_out.push(letter);
            }
        }
        if matches!(letter, '{' | '[') && !in_text {
            depth += 1;
        }
        // Inside of a text no letter opens or closes anything.
        before = if in_text || closes { ' ' } else { letter };
    }
    set_out
}

fn break_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&INDENT.repeat(depth));
}

/// Without blanks between tokens; none if it is not JSON.
pub(crate) fn compact(text: &str) -> Option<String> {
    serde_json::from_str::<&RawValue>(text).ok()?;
    let letters = letters(text);
    let kept = letters.filter(|(letter, in_text)| *in_text || !letter.is_ascii_whitespace());
    Some(kept.map(|(letter, _)| letter).collect())
}

/// Each letter, and whether it belongs to a string, quotes included.
fn letters(text: &str) -> impl Iterator<Item = (char, bool)> {
    let (mut in_text, mut is_escaped) = (false, false);
    text.chars().map(move |letter| {
        let was_in_text = in_text;
        if is_escaped {
            is_escaped = false;
        } else if letter == '\\' && in_text {
            is_escaped = true;
        } else if letter == '"' {
            in_text = !in_text;
        }
        (letter, was_in_text || in_text)
    })
}

/// The text with another value at a path such as `data.items.0.name`. The last field may be new.
///
/// # Errors
/// If the path leads nowhere; it names the fields there are.
pub(crate) fn with(text: &str, path: &str, value: &str) -> Result<String, Error> {
    let refuse = |reason: String| Error::new(format!("{path}: {reason}"));
    let whole: &RawValue = serde_json::from_str(text)
        .map_err(|error| refuse(format!("the body is not JSON ({error})")))?;
    let mut here = whole.get();
    let keys: Vec<&str> = path.split('.').collect();
    for (index, key) in keys.iter().enumerate() {
        let parent = match index {
            0 => "the body".to_owned(),
            _ => keys[..index].join("."),
        };
        let is_last = index + 1 == keys.len();
        if let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(here) {
            here = match fields.get(*key) {
                Some(field) => field.get(),
                None if is_last && !key.is_empty() => {
                    return Ok(insert(text, here, fields.is_empty(), key, value));
                }
                None => {
                    let known = fields.keys().map(String::as_str);
                    let hint = suggest::hint(key, known.clone());
                    let known: Vec<&str> = known.collect();
                    return Err(refuse(format!(
                        "{parent} has no field {key:?}{hint}; there are: {}",
                        known.join(", ")
                    )));
                }
            };
        } else if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(here) {
            let item = key.parse().ok().and_then(|index: usize| items.get(index));
            here = item
                .ok_or_else(|| {
                    refuse(format!(
                        "{parent} is a list of {}, found {key:?} as the place in it, counted from 0",
                        items.len()
                    ))
                })?
                .get();
        } else {
            return Err(refuse(format!("{parent} is {here}, which has no fields")));
        }
    }
    let start = place(text, here);
    let (before, after) = (&text[..start], &text[start + here.len()..]);
    Ok(format!("{before}{value}{after}"))
}

/// Puts a new field at the end of an object.
fn insert(text: &str, object: &str, is_empty: bool, key: &str, value: &str) -> String {
    let end = place(text, object) + object.len() - 1;
    let comma = if is_empty { "" } else { "," };
    let key = serde_json::Value::from(key);
    format!("{}{comma}{key}:{value}{}", &text[..end], &text[end..])
}

/// Where a part of a text begins in it.
fn place(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const BODY: &str = r#"{ "type": "a.b", "data": {"n": 18446744073709551999, "p": 1.10, "items": [{"x": "y, {:}"}], "none": {}} }"#;

    #[test]
    fn layout_changes_nothing_but_blanks() {
        assert_eq!(
            pretty(r#"{"a":{},"b":[],"c":[1,{"d":"x: [\"y\"]"}],"e":1.10}"#),
            "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    1,\n    {\n      \"d\": \"x: [\\\"y\\\"]\"\n    }\n  ],\n  \"e\": 1.10\n}"
        );
        assert_eq!(pretty("not {json"), "not {json");
        assert_eq!(pretty("\"a\""), "\"a\"");
        assert_eq!(compact(&pretty(BODY)), compact(BODY));
    }

    #[test]
    fn one_value_changes_and_the_rest_stands_as_it_was() {
        let changed = with(BODY, "data.items.0.x", "true").unwrap();
        assert_eq!(changed, BODY.replace("\"y, {:}\"", "true"));
        let changed = with(BODY, "data.new", "1").unwrap();
        assert_eq!(
            changed,
            BODY.replace("\"none\": {}}", "\"none\": {},\"new\":1}")
        );
        let changed = with(BODY, "data.none.new", "1").unwrap();
        assert_eq!(changed, BODY.replace("{}", "{\"new\":1}"));
    }

    #[test]
    fn paths_that_lead_nowhere_are_refused_with_what_there_is() {
        for (path, reason) in [
            (
                "dat.n",
                "the body has no field \"dat\"; did you mean 'data'?; there are: data, type",
            ),
            (
                "data.items.1.x",
                "data.items is a list of 1, found \"1\" as the place in it, counted from 0",
            ),
            (
                "data.n.x",
                "data.n is 18446744073709551999, which has no fields",
            ),
            ("", "the body has no field \"\"; there are: data, type"),
        ] {
            let refused = with(BODY, path, "1").unwrap_err().to_string();
            assert_eq!(refused, format!("{path}: {reason}"));
        }
        let refused = with("plain", "a", "1").unwrap_err().to_string();
        assert!(
            refused.starts_with("a: the body is not JSON ("),
            "{refused}"
        );
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn layout_is_as_serde_json_sets_it_and_back(value in value()) {
            let set_out = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(pretty(&value.to_string()), set_out.clone());
            prop_assert_eq!(compact(&set_out), Some(value.to_string()));
        }
    }
}

//! Records of a stream that dynoxide gives and AWS does not.
//!
//! A write that changes nothing leaves no record on AWS. It can only be told where a record has
//! both images; streams of other views keep such records.

use serde_json::Value;

/// The answer of GetRecords without records of writes that changed nothing.
pub(super) fn only_changes(answer: String) -> String {
    if !answer.contains("\"OldImage\"") {
        return answer;
    }
    let Ok(mut parsed) = serde_json::from_str::<Value>(&answer) else {
        return answer;
    };
    let Some(records) = parsed.get_mut("Records").and_then(Value::as_array_mut) else {
        return answer;
    };
    let before = records.len();
    records.retain(|record| {
        let image = |name: &str| record.get("dynamodb").and_then(|change| change.get(name));
        image("OldImage").is_none() || image("OldImage") != image("NewImage")
    });
    if records.len() == before {
        return answer;
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_records_whose_images_differ_are_left() {
        let record = |old: Option<&str>, new: Option<&str>| {
            let mut change = json!({});
            for (name, value) in [("OldImage", old), ("NewImage", new)] {
                if let Some(value) = value {
                    change[name] = json!({"id": {"S": value}});
                }
            }
            json!({ "dynamodb": change })
        };
        let (same, changed) = (record(Some("a"), Some("a")), record(Some("a"), Some("b")));
        let (new, gone, keys) = (
            record(None, Some("a")),
            record(Some("a"), None),
            record(None, None),
        );
        let answer = json!({"Records": [same, changed, new, gone, keys], "NextShardIterator": "i"});
        let expected = json!({"Records": [changed, new, gone, keys], "NextShardIterator": "i"});
        let found: Value =
            serde_json::from_str(&only_changes(answer.to_string())).expect("is JSON");
        assert_eq!(found, expected);
    }
}

//! Records of a stream, where dynoxide's differ from AWS's.
//!
//! A write that changes nothing leaves no record on AWS. It can only be told where a record has
//! both images; streams of other views keep such records. SDKs read who deleted an expired item
//! under names that begin with capitals. And a shard that has an ending sequence number is closed,
//! which dynoxide's never are: a reader would pass over it.

use serde_json::Value;

/// The answer of DescribeStream as AWS would give it.
pub(super) fn with_open_shards(answer: String) -> String {
    const ENDING: &str = "EndingSequenceNumber";
    if !answer.contains(ENDING) {
        return answer;
    }
    let Ok(mut parsed) = serde_json::from_str::<Value>(&answer) else {
        return answer;
    };
    let shards = parsed.pointer_mut("/StreamDescription/Shards");
    for shard in shards.and_then(Value::as_array_mut).into_iter().flatten() {
        let range = shard.get_mut("SequenceNumberRange");
        if let Some(range) = range.and_then(Value::as_object_mut) {
            range.remove(ENDING);
        }
    }
    parsed.to_string()
}

/// The answer of GetRecords as AWS would give it.
pub(super) fn of_changes(answer: String) -> String {
    if !answer.contains("\"OldImage\"") && !answer.contains("\"userIdentity\"") {
        return answer;
    }
    let Ok(mut parsed) = serde_json::from_str::<Value>(&answer) else {
        return answer;
    };
    let Some(records) = parsed.get_mut("Records").and_then(Value::as_array_mut) else {
        return answer;
    };
    records.retain(is_change);
    for record in records {
        let Some(Value::Object(identity)) = record.get_mut("userIdentity") else {
            continue;
        };
        for (inner, outer) in [("principalId", "PrincipalId"), ("type", "Type")] {
            if let Some(value) = identity.remove(inner) {
                identity.insert(outer.to_owned(), value);
            }
        }
    }
    parsed.to_string()
}

fn is_change(record: &Value) -> bool {
    let image = |name: &str| record.get("dynamodb").and_then(|change| change.get(name));
    image("OldImage").is_none() || image("OldImage") != image("NewImage")
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
        let found: Value = serde_json::from_str(&of_changes(answer.to_string())).expect("is JSON");
        assert_eq!(found, expected);
    }

    #[test]
    fn who_deleted_is_told_under_awss_names() {
        let identity = json!({"principalId": "dynamodb.amazonaws.com", "type": "Service"});
        let answer = json!({"Records": [{"userIdentity": identity}]}).to_string();
        let found: Value = serde_json::from_str(&of_changes(answer)).expect("is JSON");
        let expected = json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"});
        assert_eq!(found["Records"][0]["userIdentity"], expected);
    }

    #[test]
    fn a_shard_is_open() {
        let shard = |range: Value| json!({"ShardId": "s", "SequenceNumberRange": range});
        let described = |shard: Value| json!({"StreamDescription": {"Shards": [shard]}});
        let range = json!({"StartingSequenceNumber": "1", "EndingSequenceNumber": "2"});
        let found = with_open_shards(described(shard(range)).to_string());
        let found: Value = serde_json::from_str(&found).expect("is JSON");
        assert_eq!(
            found,
            described(shard(json!({"StartingSequenceNumber": "1"})))
        );
    }
}

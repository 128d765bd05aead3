//! Shard iterators as AWS writes them: the stream's ARN, a number, and a place in the stream, with
//! `|` in between (the example of
//! [GetRecords](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html)).
//!
//! dynoxide's are the place alone. Whoever reads the ARN out of an iterator, as LocalStack does,
//! needs the whole.

use serde_json::Value;
use std::borrow::Cow;

/// What stands before the place in the iterators of one stream.
pub(super) struct Prefix(String);

/// The call as dynoxide takes it, and the prefix for the iterators in its answer.
pub(super) fn inwards<'a>(operation: &str, body: &'a str) -> (Cow<'a, str>, Option<Prefix>) {
    let as_it_is = (Cow::Borrowed(body), None);
    if !matches!(operation, "GetShardIterator" | "GetRecords") {
        return as_it_is;
    }
    let Ok(mut call) = serde_json::from_str::<Value>(body) else {
        return as_it_is;
    };
    if operation == "GetShardIterator" {
        let arn = call["StreamArn"].as_str();
        return (
            Cow::Borrowed(body),
            arn.map(|arn| Prefix(format!("{arn}|1|"))),
        );
    }
    // One without an ARN is no iterator of ours; dynoxide says so.
    let Some((prefix, place)) = call["ShardIterator"]
        .as_str()
        .and_then(|iterator| iterator.rsplit_once('|'))
    else {
        return as_it_is;
    };
    let prefix = Prefix(format!("{prefix}|"));
    call["ShardIterator"] = Value::from(place);
    (Cow::Owned(call.to_string()), Some(prefix))
}

/// The answer with whole iterators.
pub(super) fn outwards(prefix: Prefix, answer: String) -> String {
    let Ok(mut parsed) = serde_json::from_str::<Value>(&answer) else {
        return answer;
    };
    for name in ["ShardIterator", "NextShardIterator"] {
        if let Some(Value::String(place)) = parsed.get_mut(name) {
            place.insert_str(0, &prefix.0);
        }
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:dynamodb:eu-west-1:000000000000:table/t/stream/2026-11-26T06:14:08";

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("is JSON")
    }

    #[test]
    fn an_iterator_names_its_stream_from_the_first_to_the_next() {
        let call = json!({ "StreamArn": ARN }).to_string();
        let (inner, prefix) = inwards("GetShardIterator", &call);
        assert_eq!(inner, call);
        let first = outwards(
            prefix.expect("a prefix"),
            json!({"ShardIterator": "a="}).to_string(),
        );
        let first = parsed(&first);
        assert_eq!(first["ShardIterator"], format!("{ARN}|1|a="));

        let call = first.to_string();
        let (inner, prefix) = inwards("GetRecords", &call);
        assert_eq!(parsed(&inner), json!({"ShardIterator": "a="}));
        let answer = json!({"Records": [], "NextShardIterator": "b="}).to_string();
        let next = parsed(&outwards(prefix.expect("a prefix"), answer));
        assert_eq!(next["NextShardIterator"], format!("{ARN}|1|b="));
    }

    #[test]
    fn anything_else_is_left_as_it_is() {
        let strange = json!({"ShardIterator": "no ARN", "StreamArn": 7}).to_string();
        for operation in ["GetRecords", "GetShardIterator", "PutItem"] {
            let (inner, prefix) = inwards(operation, &strange);
            assert_eq!(inner, strange, "{operation}");
            assert!(prefix.is_none(), "{operation}");
        }
    }
}

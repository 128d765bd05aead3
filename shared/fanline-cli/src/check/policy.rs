//! Whether two filter policies are one, and what the template's keeps from the worker if not.
//!
//! Compared as written, but for what SNS reads alike: the order of keys and of conditions, one text
//! and a list of it in `anything-but`, 5 and 5.0.

use fanline::{HandlerDescription, filter::FilterPolicyScope};
use fanline_engine::{
    attribute::{AttributeValue, Attributes},
    sns::filter::{FilterPolicy, FilterScope},
};
use serde_json::{Map, Value, json};

/// A filter policy with its scope; without keys it lets everything through.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) scope: FilterPolicyScope,
    pub(super) keys: Value,
}

impl Policy {
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let lets_all_through = |policy: &Self| policy.keys == json!({});
        let (ours, theirs) = (normal(&self.keys), normal(&other.keys));
        ours == theirs && (self.scope == other.scope || lets_all_through(self))
    }

    /// As a person reads it.
    pub(super) fn shown(&self) -> String {
        match (self.scope, self.keys == json!({})) {
            (_, true) => "{} (every message)".to_owned(),
            (FilterPolicyScope::MessageAttributes, _) => self.keys.to_string(),
            (FilterPolicyScope::MessageBody, _) => format!("{} on the body", self.keys),
        }
    }

    /// The handled types that this policy surely keeps out: by its key `type`, whatever the others say.
    pub(super) fn keeps_out<'a>(&self, handlers: &'a [HandlerDescription]) -> Vec<&'a str> {
        let Some(conditions) = self.keys.get("type") else {
            return Vec::new();
        };
        let scope = match self.scope {
            FilterPolicyScope::MessageAttributes => FilterScope::MessageAttributes,
            FilterPolicyScope::MessageBody => FilterScope::MessageBody,
        };
        // One that SNS would refuse is shown, and has no consequence that could be told.
        let Ok(policy) = FilterPolicy::parse(&json!({ "type": conditions }), scope) else {
            return Vec::new();
        };
        let types = handlers.iter().map(|handler| handler.event_type.as_str());
        let mut kept_out: Vec<&str> = types
            .filter(|event_type| {
                let attribute = ("type".to_owned(), AttributeValue::string(event_type));
                let attributes = Attributes::new([attribute]).unwrap_or_default();
                !policy.matches(&attributes, &json!({ "type": event_type }).to_string())
            })
            .collect();
        kept_out.dedup();
        kept_out
    }
}

/// The same for all that SNS reads alike.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(keys) => {
            let keys = keys.iter().map(|(name, value)| {
                let value = match (name.as_str(), normal(value)) {
                    ("anything-but", single @ (Value::String(_) | Value::Number(_))) => {
                        json!([single])
                    }
                    (_, value) => value,
                };
                (name.clone(), value)
            });
            Value::Object(keys.collect::<Map<_, _>>())
        }
        Value::Array(items) if is_comparison(items) => items.iter().map(normal).collect(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normal).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

/// `[">", 0, "<=", 5]`, whose order has a meaning.
fn is_comparison(items: &[Value]) -> bool {
    let sign = items.first().and_then(Value::as_str);
    sign.is_some_and(|sign| matches!(sign, "=" | "<" | "<=" | ">" | ">="))
        && items.get(1).is_some_and(Value::is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_attributes(keys: Value) -> Policy {
        let scope = FilterPolicyScope::MessageAttributes;
        Policy { scope, keys }
    }

    #[test]
    fn what_sns_reads_alike_is_the_same() {
        for (one, other, same) in [
            (
                json!({"a": ["1", "2"], "b": [{"exists": true}]}),
                json!({"b": [{"exists": true}], "a": ["2", "1"]}),
                true,
            ),
            (
                json!({"a": [{"anything-but": "x"}]}),
                json!({"a": [{"anything-but": ["x"]}]}),
                true,
            ),
            (
                json!({"a": [{"numeric": [">", 0, "<", 5]}]}),
                json!({"a": [{"numeric": [">", 0.0, "<", 5.0]}]}),
                true,
            ),
            (
                json!({"a": [{"numeric": ["=", 5]}]}),
                json!({"a": [{"numeric": ["=", 6]}]}),
                false,
            ),
            (json!({"a": ["1"]}), json!({"a": ["1", "2"]}), false),
            (json!({"a": ["1"]}), json!({}), false),
            (json!({"a": ["1"]}), json!({"a": [1]}), false),
        ] {
            let shown = format!("{one} {other}");
            assert_eq!(
                on_attributes(one).is_same_as(&on_attributes(other)),
                same,
                "{shown}"
            );
        }
        let (scope, keys) = (FilterPolicyScope::MessageBody, json!({"type": ["a"]}));
        let on_body = Policy {
            scope,
            keys: keys.clone(),
        };
        assert!(!on_body.is_same_as(&on_attributes(keys)));
        let everything = Policy {
            scope,
            keys: json!({}),
        };
        assert!(everything.is_same_as(&on_attributes(json!({}))));
    }

    #[test]
    fn types_that_are_kept_out_are_told() {
        let handler = |event_type: &str| {
            let handler =
                json!({ "type": event_type, "version": 1, "mode": "at-least-once", "attempts": 5 });
            serde_json::from_value::<HandlerDescription>(handler).unwrap()
        };
        let handlers = [handler("order.placed"), handler("user.signed_up")];
        for (keys, expected) in [
            (
                json!({"type": [{"prefix": "user."}], "region": ["eu"]}),
                vec!["order.placed"],
            ),
            (json!({"type": [{"wildcard": "*.*"}]}), vec![]),
            (json!({"region": ["eu"]}), vec![]),
            (json!({"type": "no list"}), vec![]),
        ] {
            assert_eq!(
                on_attributes(keys.clone()).keeps_out(&handlers),
                expected,
                "{keys}"
            );
        }
    }
}

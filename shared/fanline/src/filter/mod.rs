//! Which messages of a topic a worker wants: SNS's filter policy as a typed value.
//!
//! A policy has keys, each with conditions of which one must hold; all keys must match. It is written as
//! the JSON that SNS takes, and matched here as SNS does. What could be got wrong is to offer a
//! condition that is not matched here exactly as there: then a test passes and the queue stays empty. So
//! there are fewer operators than SNS has, and a property test holds them against the local SNS
//! (`tests/flows/filters.rs`).
//!
//! A message without the attribute that a policy names does not pass. Fanline's publisher sends `type`,
//! `version`, `source` and the event's [`routing_keys`](crate::Event::routing_keys), all of them as text.

mod condition;
mod limits;
mod reach;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::publish::Outgoing;
use condition::{Fact, any_holds};
pub use condition::{
    FilterCondition, absent, anything_but, anything_but_prefix, equals_ignore_case, exactly,
    exists, numeric, prefix, suffix,
};

/// What a policy looks at: SNS's `FilterPolicyScope`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FilterPolicyScope {
    /// The message attributes.
    #[default]
    MessageAttributes,
    /// The message itself, as JSON.
    MessageBody,
}

impl FilterPolicyScope {
    /// The name that SNS and CloudFormation know.
    pub fn name(self) -> &'static str {
        match self {
            Self::MessageAttributes => "MessageAttributes",
            Self::MessageBody => "MessageBody",
        }
    }
}

/// The filter policy of an SNS subscription, given to [`Worker::filter_policy`](crate::Worker::filter_policy).
///
/// ```
/// use fanline::filter::{FilterPolicy, anything_but, exactly, numeric, prefix};
///
/// let policy = FilterPolicy::on_attributes()
///     .key("type", [exactly("order.placed"), prefix("user.")])
///     .key("region", ["eu", "us"])
///     .key("source", [anything_but(["load-test"])]);
/// assert_eq!(
///     policy.to_json().to_string(),
///     r#"{"region":["eu","us"],"source":[{"anything-but":["load-test"]}],"type":["order.placed",{"prefix":"user."}]}"#
/// );
///
/// // In a body, dots lead to nested keys, and numbers are numbers.
/// let policy = FilterPolicy::on_body().key("data.total", [numeric(100.0..)]);
/// assert_eq!(policy.to_json().to_string(), r#"{"data":{"total":[{"numeric":[">=",100]}]}}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct FilterPolicy {
    scope: FilterPolicyScope,
    keys: Vec<Key>,
    /// Whether the handlers' types are added unless `type` is among the keys.
    lets_all_types_through: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Key {
    /// As it was given.
    name: String,
    conditions: Vec<FilterCondition>,
}

impl FilterPolicy {
    /// A policy on message attributes, which is SNS's default and needs no look into the body.
    pub fn on_attributes() -> Self {
        Self::default()
    }

    /// A policy on the message's JSON. The event's `type` is a key of it, as are `metadata.source`, or
    /// `data.total`; a body that is no JSON object does not pass.
    pub fn on_body() -> Self {
        Self {
            scope: FilterPolicyScope::MessageBody,
            ..Self::default()
        }
    }

    /// The policy that lets every message through, as a subscription without one does. With keys, those
    /// alone decide: the handlers' types are not added.
    pub fn everything() -> Self {
        Self {
            lets_all_types_through: true,
            ..Self::default()
        }
    }

    /// Adds a key: one of the conditions must hold for its value. On the body, dots separate levels;
    /// attributes have dots in their names.
    ///
    /// Texts are conditions: `["eu", "us"]`.
    pub fn key<C>(
        mut self,
        name: impl Into<String>,
        conditions: impl IntoIterator<Item = C>,
    ) -> Self
    where
        C: Into<FilterCondition>,
    {
        self.keys.push(Key {
            name: name.into(),
            conditions: conditions.into_iter().map(Into::into).collect(),
        });
        self
    }

    /// What it looks at.
    pub fn scope(&self) -> FilterPolicyScope {
        self.scope
    }

    /// The policy as SNS takes it.
    pub fn to_json(&self) -> Value {
        let mut policy = Map::new();
        for key in &self.keys {
            let conditions = key.conditions.iter().map(FilterCondition::to_json);
            let path = self.path(key);
            insert(&mut policy, &path, conditions.collect());
        }
        Value::Object(policy)
    }

    /// Whether SNS would deliver this message.
    ///
    /// ```
    /// # use fanline::{Envelope, Metadata, publish::Outgoing};
    /// use fanline::filter::{FilterPolicy, prefix};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)] struct UserSignedUp {}
    /// # impl fanline::Event for UserSignedUp { const TYPE: &'static str = "user.signed_up"; }
    /// # let metadata: Metadata = serde_json::from_value(serde_json::json!({
    /// #     "eventId": "e-1", "timestamp": "2026-02-14T10:30:00Z", "source": "accounts", "version": 1
    /// # }))?;
    /// let event = Envelope { data: UserSignedUp {}, metadata };
    /// let message = Outgoing::new(&event)?;
    /// assert!(FilterPolicy::on_attributes().key("type", [prefix("user.")]).matches(&message));
    /// assert!(FilterPolicy::on_body().key("metadata.source", ["accounts"]).matches(&message));
    /// assert!(!FilterPolicy::on_attributes().key("region", ["eu"]).matches(&message));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn matches(&self, message: &Outgoing) -> bool {
        if self.keys.is_empty() {
            return true;
        }
        match self.scope {
            FilterPolicyScope::MessageAttributes => {
                // SNS looks for what is absent only among attributes that are there.
                let has_attributes = !message.attributes.is_empty();
                has_attributes && self.keys.iter().all(|key| key.matches_attributes(message))
            }
            FilterPolicyScope::MessageBody => {
                let body: Option<Value> = serde_json::from_str(&message.body).ok();
                let body = body.filter(Value::is_object);
                body.is_some_and(|body| {
                    let mut keys = self.keys.iter();
                    keys.all(|key| {
                        let mut facts = Vec::new();
                        find(&body, &self.path(key), &mut facts);
                        any_holds(&key.conditions, &facts)
                    })
                })
            }
        }
    }

    fn path<'a>(&self, key: &'a Key) -> Vec<&'a str> {
        match self.scope {
            FilterPolicyScope::MessageAttributes => vec![&key.name],
            FilterPolicyScope::MessageBody => key.name.split('.').collect(),
        }
    }
}

impl Serialize for FilterPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl Key {
    fn matches_attributes(&self, message: &Outgoing) -> bool {
        let mut attributes = message.attributes.iter();
        let value = attributes.find(|(name, _)| *name == self.name);
        let facts: Vec<_> = value.iter().map(|(_, value)| Fact::Text(value)).collect();
        any_holds(&self.conditions, &facts)
    }
}

/// A key that stands where another one already leads is a problem that `limits` names.
fn insert(policy: &mut Map<String, Value>, path: &[&str], conditions: Vec<Value>) {
    match path {
        [] => {}
        [name] => {
            policy.insert((*name).to_owned(), Value::Array(conditions));
        }
        [name, rest @ ..] => {
            let nested = policy.entry(*name).or_insert_with(|| Map::new().into());
            if let Value::Object(nested) = nested {
                insert(nested, rest, conditions);
            }
        }
    }
}

/// All that stands at the path: more than one value where it crosses a list.
fn find<'a>(value: &'a Value, path: &[&str], facts: &mut Vec<Fact<'a>>) {
    match (value, path) {
        (Value::Array(items), path) => items.iter().for_each(|item| find(item, path, facts)),
        (Value::Object(members), [name, rest @ ..]) => {
            if let Some(member) = members.get(*name) {
                find(member, rest, facts);
            }
        }
        (leaf, []) => facts.extend(Fact::of(leaf)),
        (_, _) => {}
    }
}

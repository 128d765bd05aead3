//! A policy and the handlers it is for: what they add to it, and whether it keeps any of them idle.
//!
//! The latter is said only where it is sure: of a handled event, as Fanline writes it, it is known what `type` and
//! `version` are, and that some keys are text. What routing keys and data hold is the publisher's
//! business.

use serde_json::{Value, json};

use super::{
    FilterPolicy, FilterPolicyScope, Key,
    condition::{Fact, any_holds},
    find,
};
use crate::{Worker, publish::Outgoing, worker::Routes};

const TEXTS_OF_A_BODY: [&str; 3] = ["metadata.eventId", "metadata.timestamp", "metadata.source"];

impl<S: Clone + Send + Sync + 'static> Worker<S> {
    /// Whether its filter policy lets this message through, for tests of who gets what.
    pub fn wants(&self, message: &Outgoing) -> bool {
        let policy = self.settings.filter_policy.clone();
        policy.of_worker(&self.settings.routes).matches(message)
    }
}

impl FilterPolicy {
    /// The policy of a worker with these handlers: their types, unless it says itself which types it wants.
    pub(crate) fn of_worker(self, routes: &Routes) -> Self {
        let says_types = self.keys.iter().any(|key| key.name == "type");
        match says_types || self.lets_all_types_through {
            true => self,
            false => self.key("type", routes.keys().copied()),
        }
    }

    /// One sentence for each reason for which a worker with these handlers cannot have it.
    pub(crate) fn problems(&self, routes: &Routes) -> Vec<String> {
        let mut problems = self.refusals();
        for (event_type, versions) in routes {
            for version in versions.keys() {
                if let Some(key) = self.keeps_out(event_type, *version) {
                    problems.push(format!(
                        "filter policy: key {key:?} never lets through {event_type} version {version}, which has a handler"
                    ));
                }
            }
        }
        problems
    }

    /// The key that keeps out every event of this type and version.
    fn keeps_out(&self, event_type: &str, version: u32) -> Option<&str> {
        let event = match self.scope {
            FilterPolicyScope::MessageAttributes => {
                json!({ "type": event_type, "version": version.to_string() })
            }
            FilterPolicyScope::MessageBody => {
                json!({ "type": event_type, "metadata": { "version": version } })
            }
        };
        let mut keys = self.keys.iter();
        let key = keys.find(|key| self.never_meets(key, &event));
        key.map(|key| key.name.as_str())
    }

    fn never_meets(&self, key: &Key, event: &Value) -> bool {
        let mut known: Vec<Fact<'_>> = Vec::new();
        find(event, &self.path(key), &mut known);
        if !known.is_empty() {
            return !any_holds(&key.conditions, &known);
        }
        let is_text = match self.scope {
            FilterPolicyScope::MessageAttributes => key.name == "source",
            FilterPolicyScope::MessageBody => TEXTS_OF_A_BODY.contains(&key.name.as_str()),
        };
        let mut conditions = key.conditions.iter();
        is_text && !conditions.any(|condition| condition.may_hold_for_text())
    }
}

//! AddPermission and RemovePermission: shorthands for statements of the queue's policy.
//!
//! They change the policy's text and nothing else, so what GetQueueAttributes shows and what SNS
//! is admitted by stay one thing.

use super::error::{invalid, missing};
use super::request::{AddPermission, RemovePermission};
use super::{Sqs, SqsError, SqsResponse};
use crate::EpochMillis;
use crate::identity::is_plain_name;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// AWS's limit for the actions of one permission.
const MOST_ACTIONS: usize = 7;

impl Sqs {
    pub(super) fn add_permission(
        &mut self,
        now: EpochMillis,
        call: AddPermission,
    ) -> Result<SqsResponse, SqsError> {
        if !is_plain_name(&call.label, 80) {
            let reason = "1 to 80 letters, digits, hyphens or underscores.";
            return Err(invalid("Label", &call.label, reason));
        }
        if call.account_ids.is_empty() {
            return Err(missing("AWSAccountIds"));
        }
        if call.actions.is_empty() {
            return Err(missing("Actions"));
        }
        if call.actions.len() > MOST_ACTIONS {
            let reason = format!("At most {MOST_ACTIONS} actions are possible.");
            return Err(invalid("Actions", call.actions.len(), &reason));
        }
        self.change_policy(now, &call.queue_url, |statements, arn| {
            if statements
                .iter()
                .any(|statement| statement["Sid"] == *call.label)
            {
                return Err(invalid("Label", &call.label, "Already exists."));
            }
            let accounts = call.account_ids.iter();
            let accounts: Vec<String> = accounts
                .map(|account| format!("arn:aws:iam::{account}:root"))
                .collect();
            let actions = call.actions.iter();
            let actions: Vec<String> = actions.map(|action| format!("SQS:{action}")).collect();
            statements.push(json!({
                "Sid": call.label,
                "Effect": "Allow",
                "Principal": { "AWS": accounts },
                "Action": actions,
                "Resource": arn,
            }));
            Ok(())
        })
    }

    pub(super) fn remove_permission(
        &mut self,
        now: EpochMillis,
        call: &RemovePermission,
    ) -> Result<SqsResponse, SqsError> {
        self.change_policy(now, &call.queue_url, |statements, _| {
            let before = statements.len();
            statements.retain(|statement| statement["Sid"] != *call.label);
            if statements.len() == before {
                let reason = "can't find label on existing policy.";
                return Err(invalid("Label", &call.label, reason));
            }
            Ok(())
        })
    }

    fn change_policy(
        &mut self,
        now: EpochMillis,
        url: &str,
        change: impl FnOnce(&mut Vec<Value>, &str) -> Result<(), SqsError>,
    ) -> Result<SqsResponse, SqsError> {
        let queue = self.queue_at(now, url)?;
        let text = queue.attributes.policy.as_ref().map(|(text, _)| text);
        let policy = text.and_then(|text| serde_json::from_str(text).ok());
        let mut policy: Value = policy.unwrap_or_else(|| {
            json!({
                "Version": "2012-10-17",
                "Id": format!("{}/SQSDefaultPolicy", queue.arn),
            })
        });
        let mut statements = match policy["Statement"].take() {
            Value::Array(statements) => statements,
            Value::Null => Vec::new(),
            only => vec![only],
        };
        change(&mut statements, &queue.arn)?;
        let is_empty = statements.is_empty();
        policy["Statement"] = statements.into();
        // Without a statement there is no policy.
        let text = if is_empty {
            String::new()
        } else {
            policy.to_string()
        };
        let changed = BTreeMap::from([("Policy".to_owned(), text)]);
        queue.attributes = queue.attributes.with(&changed)?;
        queue.modified = now;
        Ok(SqsResponse::Empty {})
    }
}

//! Does a queue's access policy let a topic send to it?
//!
//! SNS may deliver only where a statement allows it and none denies it; a queue without
//! a policy takes nothing. Forgetting the policy is the commonest reason why messages
//! "vanish" on AWS, so the engine does not forgive it either.

use serde_json::Value;

/// The statements of a queue policy that matter to SNS.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessPolicy {
    statements: Vec<Value>,
}

impl AccessPolicy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text)
            .map_err(|error| format!("the policy is not JSON: {error}"))?;
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.clone(),
            Some(statement @ Value::Object(_)) => vec![statement.clone()],
            _ => return Err("the policy has no \"Statement\" list".into()),
        };
        match statements
            .iter()
            .position(|statement| !matches!(text_of(statement, "Effect"), Some("Allow" | "Deny")))
        {
            Some(index) => Err(format!(
                "statement {} of the policy needs \"Effect\": \"Allow\" or \"Deny\"",
                index + 1
            )),
            None => Ok(Self { statements }),
        }
    }

    /// Whether `topic` may send to `queue`; both are ARNs.
    pub fn admits_topic(&self, topic: &str, queue: &str, account: &str) -> bool {
        let applies = |statement: &&Value| {
            names_sns(statement.get("Principal"))
                && one_of(statement.get("Action"), |action| {
                    matches_ignoring_case(action, "sqs:SendMessage")
                })
                && one_of(statement.get("Resource"), |pattern| matches(pattern, queue))
                && conditions_hold(statement.get("Condition"), topic, account)
        };
        let mut allowed = false;
        for statement in self.statements.iter().filter(applies) {
            if text_of(statement, "Effect") == Some("Deny") {
                return false;
            }
            allowed = true;
        }
        allowed
    }
}

fn text_of<'a>(statement: &'a Value, field: &str) -> Option<&'a str> {
    statement.get(field).and_then(Value::as_str)
}

fn names_sns(principal: Option<&Value>) -> bool {
    match principal {
        Some(Value::String(text)) => text == "*",
        Some(Value::Object(kinds)) => {
            one_of(kinds.get("Service"), |name| {
                name == "sns.amazonaws.com" || name == "*"
            }) || one_of(kinds.get("AWS"), |name| name == "*")
        }
        _ => false,
    }
}

/// A text or a list of texts, one of which passes.
fn one_of(value: Option<&Value>, passes: impl Fn(&str) -> bool) -> bool {
    match value {
        Some(Value::String(text)) => passes(text),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).any(passes),
        _ => false,
    }
}

/// Conditions on keys this engine does not know never hold, as an absent key does on AWS.
fn conditions_hold(conditions: Option<&Value>, topic: &str, account: &str) -> bool {
    let Some(Value::Object(operators)) = conditions else {
        return conditions.is_none();
    };
    operators.iter().all(|(operator, keys)| {
        let Value::Object(keys) = keys else {
            return false;
        };
        keys.iter().all(|(key, expected)| {
            let found = match key.to_ascii_lowercase().as_str() {
                "aws:sourcearn" => topic,
                "aws:sourceaccount" => account,
                "aws:securetransport" => "true",
                _ => return operator.ends_with("IfExists"),
            };
            let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
            let operator = operator.strip_prefix("ForAnyValue:").unwrap_or(operator);
            match operator {
                "ArnEquals" | "ArnLike" | "StringLike" => {
                    one_of(Some(expected), |pattern| matches(pattern, found))
                }
                "ArnNotEquals" | "ArnNotLike" | "StringNotLike" => {
                    !one_of(Some(expected), |pattern| matches(pattern, found))
                }
                "StringEquals" => one_of(Some(expected), |text| text == found),
                "StringNotEquals" => !one_of(Some(expected), |text| text == found),
                "StringEqualsIgnoreCase" => {
                    one_of(Some(expected), |text| text.eq_ignore_ascii_case(found))
                }
                "Bool" => match expected {
                    Value::Bool(flag) => flag.to_string() == found,
                    other => one_of(Some(other), |text| text.eq_ignore_ascii_case(found)),
                },
                _ => false,
            }
        })
    })
}

fn matches_ignoring_case(pattern: &str, text: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

fn matches(pattern: &str, text: &str) -> bool {
    crate::wildcard::matches(pattern, text, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:orders";
    const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:mail";

    fn admits(statement: Value) -> bool {
        AccessPolicy::parse(&json!({ "Statement": [statement] }).to_string())
            .expect("parses")
            .admits_topic(TOPIC, QUEUE, "000000000000")
    }

    #[test]
    fn a_statement_must_fit_in_every_part() {
        let fits = json!({
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage", "Resource": QUEUE,
            "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}}
        });
        assert!(admits(fits.clone()));
        for (part, other) in [
            ("Principal", json!({"Service": "s3.amazonaws.com"})),
            ("Action", json!(["sqs:ReceiveMessage"])),
            (
                "Resource",
                json!("arn:aws:sqs:us-east-1:000000000000:other"),
            ),
            (
                "Condition",
                json!({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:000000000000:x"}}),
            ),
            (
                "Condition",
                json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
            ),
            ("Condition", json!("none")),
        ] {
            let mut statement = fits.clone();
            statement[part] = other;
            assert!(!admits(statement.clone()), "{statement}");
        }
    }

    #[test]
    fn patterns_lists_and_account_conditions_are_understood() {
        assert!(admits(json!({
            "Effect": "Allow", "Principal": "*", "Action": ["SQS:*"], "Resource": ["*"],
            "Condition": {"ArnLike": {"aws:SourceArn": ["arn:aws:sns:*:*:ord*"]},
                          "StringEquals": {"AWS:SourceAccount": "000000000000"}}
        })));
    }

    #[test]
    fn a_deny_wins() {
        let policy = AccessPolicy::parse(
            &json!({"Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"},
                {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"},
            ]})
            .to_string(),
        )
        .expect("parses");
        assert!(!policy.admits_topic(TOPIC, QUEUE, "000000000000"));
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for text in ["", "[]", "{}", r#"{"Statement":[{"Effect":"Maybe"}]}"#] {
            assert!(AccessPolicy::parse(text).is_err(), "{text}");
        }
    }
}

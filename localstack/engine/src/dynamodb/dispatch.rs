//! From an operation's name and JSON to dynoxide's typed methods.
//!
//! dynoxide marks some errors with a class that must never reach a client; [`as_sent`]
//! resolves it, the rest is its own answer unchanged.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

type Outcome = Result<String, DynoxideError>;

/// Carries out an operation; none if there is none of that name.
pub(super) fn run(db: &Database, operation: &str, body: &str) -> Option<Outcome> {
    let outcome = match operation {
        "CreateTable" => call(body, |request| db.create_table(request)),
        "DeleteTable" => call(body, |request| db.delete_table(request)),
        "DescribeTable" => call(body, |request| db.describe_table(request)),
        "ListTables" => call(body, |request| db.list_tables(request)),
        "UpdateTable" => call(body, |request| db.update_table(request)),
        "PutItem" => call(body, |request| db.put_item(request)),
        "GetItem" => call(body, |request| db.get_item(request)),
        "DeleteItem" => call(body, |request| db.delete_item(request)),
        "UpdateItem" => call(body, |request| db.update_item(request)),
        "Query" => call(body, |request| db.query(request)),
        "Scan" => call(body, |request| db.scan(request)),
        "BatchGetItem" => call(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => call(body, |request| db.batch_write_item(request)),
        "TransactWriteItems" => call(body, |request| db.transact_write_items(request)),
        "TransactGetItems" => call(body, |request| db.transact_get_items(request)),
        "ExecuteStatement" => call(body, |request| db.execute_statement(request)),
        "BatchExecuteStatement" => call(body, |request| db.batch_execute_statement(request)),
        "ExecuteTransaction" => call(body, |request| db.execute_transaction(request)),
        "UpdateTimeToLive" => call(body, |request| db.update_time_to_live(request)),
        "DescribeTimeToLive" => call(body, |request| db.describe_time_to_live(request)),
        "ListStreams" => call(body, |request| db.list_streams(request)),
        "DescribeStream" => call(body, |request| db.describe_stream(request)),
        "GetShardIterator" => call(body, |request| db.get_shard_iterator(request)),
        "GetRecords" => call(body, |request| db.get_records(request)),
        "TagResource" => call(body, |request| db.tag_resource(request)),
        "UntagResource" => call(body, |request| db.untag_resource(request)),
        "ListTagsOfResource" => call(body, |request| db.list_tags_of_resource(request)),
        // Deployment tools ask; the engine keeps no backups, and a table always answers so.
        "DescribeContinuousBackups" => Ok(NO_BACKUPS.to_owned()),
        "DescribeEndpoints" | "DescribeLimits" => Ok("{}".to_owned()),
        _ => return None,
    };
    Some(outcome)
}

const NO_BACKUPS: &str = r#"{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}"#;

fn call<Request: DeserializeOwned, Response: Serialize>(
    body: &str,
    operation: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Outcome {
    let request = serde_json::from_str(body).map_err(|error| unreadable(&error.to_string()))?;
    let response = operation(request)?;
    serde_json::to_string(&response)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The error as a client sees it.
pub(super) fn as_sent(operation: &str, error: DynoxideError) -> DynoxideError {
    let enveloped = matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem");
    match error {
        DynoxideError::EnvelopedValidation(message) if enveloped => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        DynoxideError::EnvelopedValidation(message) => DynoxideError::ValidationException(message),
        DynoxideError::ConditionalCheckFailedException(message, Some(item))
            if operation == "ExecuteStatement" =>
        {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        other => other,
    }
}

/// dynoxide's request types put the class of a refusal in front of serde's message.
fn unreadable(message: &str) -> DynoxideError {
    let without_position = |text: &str| match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text.to_owned(),
    };
    for (marker, error) in [
        (
            "VALIDATION_REQUEST:",
            DynoxideError::EnvelopedValidation as fn(String) -> DynoxideError,
        ),
        ("VALIDATION:", DynoxideError::ValidationException),
        ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
        ("SERIALIZATION:", DynoxideError::SerializationException),
        (
            "SERIALIZATION_AS_READ:",
            DynoxideError::SerializationException,
        ),
    ] {
        if let Some(reason) = message.strip_prefix(marker) {
            return error(without_position(reason));
        }
    }
    let names_a_missing_or_wrong_member = ["missing field", "unknown variant", "null"]
        .iter()
        .any(|sign| message.contains(sign));
    if names_a_missing_or_wrong_member || message.contains("AttributeValue") {
        DynoxideError::ValidationException(without_position(message))
    } else {
        DynoxideError::SerializationException(without_position(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_marker_reaches_a_client() {
        let db = Database::memory().expect("opens");
        for body in [
            r#"{"TableName":"t","Item":{"id":{"NULL":false}}}"#,
            r#"{"TableName":"t","Item":{"id":{}}}"#,
            r#"{"TableName":"t","Item":{"id":{"S":1}}}"#,
            r#"{"TableName":5}"#,
            "[]",
            "null",
            "7",
        ] {
            let outcome = run(&db, "PutItem", body).expect("is known");
            let error = outcome.expect_err(body);
            let sent = as_sent("PutItem", error).to_json();
            assert!(
                !sent.contains("VALIDATION") && !sent.contains("SERIALIZATION:"),
                "{sent}"
            );
            assert!(!sent.contains("at line"), "{sent}");
        }
    }
}

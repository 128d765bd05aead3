//! SQS's older query protocol, which clients from before 2024 speak.
//!
//! It is translated to and from the JSON protocol's shapes, so that both protocols run
//! the same operations. Lists lose their plural: `Entries` is
//! `SendMessageBatchRequestEntry.1`, `Messages` is a row of `<Message>`.

use super::answer::{XML, answer};
use super::xml::{self, Xml};
use super::{HttpResponse, State, sqs};
use crate::query::Form;
use crate::sqs::SqsRequest;
use serde_json::{Map, Value, json};

/// Members of structures and calls that are text.
const TEXTS: [&str; 17] = [
    "Id",
    "QueueUrl",
    "QueueName",
    "QueueNamePrefix",
    "NextToken",
    "MessageBody",
    "MessageGroupId",
    "MessageDeduplicationId",
    "ReceiptHandle",
    "SourceArn",
    "DestinationArn",
    "DataType",
    "StringValue",
    "BinaryValue",
    "Label",
    "TaskHandle",
    "ReceiveRequestAttemptId",
];
const NUMBERS: [&str; 6] = [
    "DelaySeconds",
    "VisibilityTimeout",
    "MaxNumberOfMessages",
    "WaitTimeSeconds",
    "MaxResults",
    "MaxNumberOfMessagesPerSecond",
];
const LISTS: [(&str, &str); 6] = [
    ("AttributeName", "AttributeNames"),
    ("MessageAttributeName", "MessageAttributeNames"),
    ("MessageSystemAttributeName", "MessageSystemAttributeNames"),
    ("TagKey", "TagKeys"),
    ("AWSAccountId", "AWSAccountIds"),
    ("ActionName", "Actions"),
];

pub(crate) async fn query(
    state: &State,
    form: &Form,
    path: &str,
    base_url: &str,
    request_id: &str,
) -> HttpResponse {
    let action = form.get("Action").unwrap_or_default();
    let body = read_call(form, action, path).to_string();
    let outcome = match SqsRequest::parse(action, body.as_bytes()) {
        Ok(request) => sqs::call(state, base_url, request).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(response) => {
            // Writing to a Value fails only for maps with keys that are no text.
            let result = serde_json::to_value(&response).unwrap_or_default();
            let text = xml::response(xml::SQS, action, request_id, |xml| {
                write(xml, action, &result)
            });
            answer(200, XML, text, request_id)
        }
        Err(error) => {
            let text = xml::error(
                xml::SQS,
                &error.query_code(),
                &error.to_string(),
                "Sender",
                request_id,
            );
            answer(error.status(), XML, text, request_id)
        }
    }
}

fn read_call(form: &Form, action: &str, path: &str) -> Value {
    let mut call = read_members(form, "");
    // Old clients post to the queue's URL instead of naming it.
    if !call.contains_key("QueueUrl") && path.len() > 1 {
        call.insert("QueueUrl".into(), path.into());
    }
    for (name, plural) in LISTS {
        call.insert(plural.into(), form.list(name).into());
    }
    call.insert(
        "Attributes".into(),
        json!(form.map("Attribute", "Name", "Value")),
    );
    let tags = if action == "CreateQueue" {
        "tags"
    } else {
        "Tags"
    };
    call.insert(tags.into(), json!(form.map("Tag", "Key", "Value")));
    if action.ends_with("Batch") {
        let entries = form
            .structures(&format!("{action}RequestEntry"))
            .into_iter();
        let entries = entries.map(|entry| Value::Object(read_members(form, &format!("{entry}."))));
        call.insert("Entries".into(), entries.collect());
    }
    Value::Object(call)
}

fn read_members(form: &Form, prefix: &str) -> Map<String, Value> {
    let get = |name: &str| form.get(&format!("{prefix}{name}"));
    let mut members = Map::new();
    for name in TEXTS {
        if let Some(text) = get(name) {
            members.insert(name.into(), text.into());
        }
    }
    for name in NUMBERS {
        if let Some(text) = get(name) {
            // What is no number stays text, and is refused as such.
            let number = text
                .parse::<i64>()
                .map_or_else(|_| text.into(), Value::from);
            members.insert(name.into(), number);
        }
    }
    for (name, plural) in [
        ("MessageAttribute", "MessageAttributes"),
        ("MessageSystemAttribute", "MessageSystemAttributes"),
    ] {
        let entries = form.structures(&format!("{prefix}{name}")).into_iter();
        let attributes: Map<String, Value> = entries
            .map(|entry| {
                let name = form.get(&format!("{entry}.Name")).unwrap_or_default();
                let value = read_members(form, &format!("{entry}.Value."));
                (name.to_owned(), Value::Object(value))
            })
            .collect();
        if !attributes.is_empty() {
            members.insert(plural.into(), Value::Object(attributes));
        }
    }
    members
}

/// Writes a JSON result in the query protocol's element names.
fn write(xml: &mut Xml, action: &str, result: &Value) {
    for (name, value) in result.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("Attributes", Value::Object(pairs)) => write_pairs(xml, "Attribute", "Name", pairs),
            ("Tags", Value::Object(pairs)) => write_pairs(xml, "Tag", "Key", pairs),
            ("MessageAttributes", Value::Object(attributes)) => {
                for (name, value) in attributes {
                    xml.element("MessageAttribute", |xml| {
                        xml.text("Name", name)
                            .element("Value", |xml| write(xml, action, value));
                    });
                }
            }
            (list, Value::Array(items)) => {
                let item_name = item_name(action, list);
                for item in items {
                    match item {
                        Value::String(text) => xml.text(&item_name, text),
                        item => xml.element(&item_name, |xml| write(xml, action, item)),
                    };
                }
            }
            (name, Value::String(text)) => {
                xml.text(name, text);
            }
            (name, other) => {
                xml.text(name, &other.to_string());
            }
        }
    }
}

fn item_name(action: &str, list: &str) -> String {
    match list {
        "QueueUrls" | "queueUrls" => "QueueUrl".into(),
        "Messages" => "Message".into(),
        "Failed" => "BatchResultErrorEntry".into(),
        "Successful" | "Results" => format!("{action}ResultEntry"),
        other => other.into(),
    }
}

fn write_pairs(xml: &mut Xml, item: &str, key: &str, pairs: &Map<String, Value>) {
    for (name, value) in pairs {
        xml.element(item, |xml| {
            xml.text(key, name)
                .text("Value", value.as_str().unwrap_or_default());
        });
    }
}

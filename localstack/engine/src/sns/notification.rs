//! The JSON a queue gets from a subscription without raw delivery, and a function's event.
//!
//! Written by hand to keep AWS's order of fields and layout: people compare these bodies
//! with captured ones.

use super::signature::Signature;
use crate::EpochMillis;
use crate::attribute::{AttributeData, Attributes};
use crate::clock::iso8601;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fmt::Write as _;

#[derive(Clone, Copy)]
pub(crate) struct Notification<'a> {
    pub(crate) message_id: &'a str,
    pub(crate) sequence: Option<&'a str>,
    pub(crate) topic_arn: &'a str,
    pub(crate) subject: Option<&'a str>,
    pub(crate) message: &'a str,
    pub(crate) at: EpochMillis,
    pub(crate) subscription_arn: &'a str,
    pub(crate) base_url: &'a str,
    pub(crate) attributes: &'a Attributes,
    /// None on FIFO topics, which do not sign.
    pub(super) signature: Option<&'a Signature>,
}

impl Notification<'_> {
    pub(super) fn timestamp(&self) -> String {
        iso8601(self.at)
    }

    pub(crate) fn to_json(self) -> String {
        let mut json = String::with_capacity(self.message.len() + 900);
        json.push_str("{\n  \"Type\" : \"Notification\"");
        let mut put = |name: &str, value: &str| {
            // Writing to a String cannot fail.
            let _ = write!(json, ",\n  \"{name}\" : {}", quoted(value));
        };
        put("MessageId", self.message_id);
        if let Some(sequence) = self.sequence {
            put("SequenceNumber", sequence);
        }
        put("TopicArn", self.topic_arn);
        if let Some(subject) = self.subject {
            put("Subject", subject);
        }
        put("Message", self.message);
        put("Timestamp", &self.timestamp());
        if let Some(signature) = self.signature {
            put("SignatureVersion", signature.version.as_str());
            put("Signature", &signature.text);
            put("SigningCertURL", &signature.certificate_url);
        }
        put("UnsubscribeURL", &self.unsubscribe_url());
        self.put_attributes(&mut json);
        json.push_str("\n}");
        json
    }

    fn unsubscribe_url(self) -> String {
        format!(
            "{}/?Action=Unsubscribe&SubscriptionArn={}",
            self.base_url, self.subscription_arn
        )
    }

    /// The event Lambda hands to a function: the same, under partly other names.
    pub(crate) fn to_lambda_event(self) -> String {
        let attributes = self.attributes.iter().map(|(name, value)| {
            let text = match &value.data {
                AttributeData::Text(text) => text.to_string(),
                AttributeData::Binary(bytes) => STANDARD.encode(bytes),
            };
            let attribute = json!({ "Type": value.data_type, "Value": text });
            (name.to_string(), attribute)
        });
        let attributes: serde_json::Map<String, Value> = attributes.collect();
        let mut sns = json!({
            "Type": "Notification",
            "MessageId": self.message_id,
            "TopicArn": self.topic_arn,
            "Subject": self.subject,
            "Message": self.message,
            "Timestamp": self.timestamp(),
            "UnsubscribeUrl": self.unsubscribe_url(),
            "MessageAttributes": attributes,
        });
        if let Some(signature) = self.signature {
            sns["SignatureVersion"] = signature.version.as_str().into();
            sns["Signature"] = signature.text.as_str().into();
            sns["SigningCertUrl"] = signature.certificate_url.as_str().into();
        }
        let record = json!({
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": self.subscription_arn,
            "Sns": sns,
        });
        json!({ "Records": [record] }).to_string()
    }

    fn put_attributes(&self, json: &mut String) {
        if self.attributes.is_empty() {
            return;
        }
        json.push_str(",\n  \"MessageAttributes\" : {");
        for (index, (name, value)) in self.attributes.iter().enumerate() {
            let text = match &value.data {
                AttributeData::Text(text) => quoted(text),
                AttributeData::Binary(bytes) => quoted(&STANDARD.encode(bytes)),
            };
            let _ = write!(
                json,
                "{}\n    {} : {{\"Type\":{},\"Value\":{text}}}",
                if index == 0 { "" } else { "," },
                quoted(name),
                quoted(&value.data_type),
            );
        }
        json.push_str("\n  }");
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::AttributeValue;
    use crate::sns::SignatureVersion;

    #[test]
    fn the_layout_is_awss() {
        let attributes =
            Attributes::new([("type".to_owned(), AttributeValue::string("user.signed_up"))])
                .expect("valid");
        let json = Notification {
            message_id: "id-1",
            sequence: None,
            topic_arn: "arn:aws:sns:us-east-1:000000000000:t",
            subject: Some("Hi \"you\""),
            message: "line\n",
            at: 0,
            subscription_arn: "arn:aws:sns:us-east-1:000000000000:t:s",
            base_url: "http://localhost:4566",
            attributes: &attributes,
            signature: Some(&Signature {
                version: SignatureVersion::One,
                text: "c2lnbmVk".into(),
                certificate_url: "http://localhost:4566/x.pem".into(),
            }),
        }
        .to_json();
        let names: Vec<&str> = json
            .lines()
            .filter_map(|line| line.strip_prefix("  \""))
            .filter_map(|line| line.split('"').next())
            .collect();
        assert_eq!(
            names,
            [
                "Type",
                "MessageId",
                "TopicArn",
                "Subject",
                "Message",
                "Timestamp",
                "SignatureVersion",
                "Signature",
                "SigningCertURL",
                "UnsubscribeURL",
                "MessageAttributes"
            ]
        );
        let value: Value = serde_json::from_str(&json).expect("is JSON");
        assert_eq!(
            value["MessageAttributes"]["type"]["Value"],
            "user.signed_up"
        );
        assert_eq!(value["Message"], "line\n");
    }
}

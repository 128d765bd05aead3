//! SNS over HTTP: the form in, XML out.
//!
//! The names of list members are AWS's and differ from list to list: a wrong one makes
//! SDKs see an empty list, not an error.

use super::answer::{XML, answer};
use super::xml::{self, Xml};
use super::{HttpResponse, State};
use crate::query::Form;
use crate::sns::{SnsError, SnsRequest, SnsResponse, SubscriptionSummary};
use std::collections::BTreeMap;

pub(crate) fn query(state: &State, form: &Form, base_url: &str, request_id: &str) -> HttpResponse {
    let outcome = SnsRequest::parse(form).and_then(|request| state.sns(base_url, request));
    match outcome {
        Ok(response) => {
            let action = form.get("Action").unwrap_or_default();
            let body = xml::response(xml::SNS, action, request_id, |xml| write(xml, &response));
            answer(200, XML, body, request_id)
        }
        Err(error) => failed(&error, request_id),
    }
}

fn failed(error: &SnsError, request_id: &str) -> HttpResponse {
    let body = xml::error(
        xml::SNS,
        &error.code(),
        &error.to_string(),
        "Sender",
        request_id,
    );
    answer(error.status(), XML, body, request_id)
}

fn write(xml: &mut Xml, response: &SnsResponse) {
    match response {
        SnsResponse::Empty => {}
        SnsResponse::TopicArn(arn) => {
            xml.text("TopicArn", arn);
        }
        SnsResponse::SubscriptionArn(arn) => {
            xml.text("SubscriptionArn", arn);
        }
        SnsResponse::Topics { arns, next_token } => {
            xml.element("Topics", |xml| {
                for arn in arns {
                    xml.element("member", |xml| {
                        xml.text("TopicArn", arn);
                    });
                }
            })
            .maybe("NextToken", next_token.as_deref());
        }
        SnsResponse::Subscriptions {
            members,
            next_token,
        } => {
            xml.element("Subscriptions", |xml| {
                members.iter().for_each(|member| summary(xml, member))
            })
            .maybe("NextToken", next_token.as_deref());
        }
        SnsResponse::Attributes(attributes) => {
            pairs(xml, "Attributes", "entry", ["key", "value"], attributes)
        }
        SnsResponse::Tags(tags) => pairs(xml, "Tags", "member", ["Key", "Value"], tags),
        SnsResponse::Published(published) => {
            xml.text("MessageId", &published.message_id)
                .maybe("SequenceNumber", published.sequence_number.as_deref());
        }
        SnsResponse::PublishedBatch { successful, failed } => {
            xml.element("Successful", |xml| {
                for (id, published) in successful {
                    xml.element("member", |xml| {
                        xml.text("Id", id)
                            .text("MessageId", &published.message_id)
                            .maybe("SequenceNumber", published.sequence_number.as_deref());
                    });
                }
            })
            .element("Failed", |xml| {
                for entry in failed {
                    xml.element("member", |xml| {
                        xml.text("Id", &entry.id)
                            .text("Code", &entry.code)
                            .text("Message", &entry.message)
                            .text("SenderFault", &entry.sender_fault.to_string());
                    });
                }
            });
        }
    }
}

fn summary(xml: &mut Xml, member: &SubscriptionSummary) {
    xml.element("member", |xml| {
        xml.text("SubscriptionArn", &member.subscription_arn)
            .text("TopicArn", &member.topic_arn)
            .text("Protocol", &member.protocol)
            .text("Endpoint", &member.endpoint)
            .text("Owner", &member.owner);
    });
}

fn pairs(
    xml: &mut Xml,
    list: &str,
    item: &str,
    [key_name, value_name]: [&str; 2],
    entries: &BTreeMap<String, String>,
) {
    xml.element(list, |xml| {
        for (key, value) in entries {
            xml.element(item, |xml| {
                xml.text(key_name, key).text(value_name, value);
            });
        }
    });
}

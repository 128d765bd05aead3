//! Captures mails as rows of a table, one row per mail sent.
//!
//! A row's key is unique per mail, not per event: if a mail were sent twice, two rows would
//! show it.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use fanline::{Failure, System};
use fanline_aws::{RealSystem, SdkConfig};

/// A mail to an address in this domain never gets through.
const UNREACHABLE: &str = "@fails.example";
/// A mail to an address in this domain makes the mailer panic.
const PANICS: &str = "@panics.example";

/// Writes mails into the table `sent-emails`.
#[derive(Clone)]
pub(crate) struct Capture {
    client: Client,
    table: String,
}

impl Capture {
    pub(super) fn new(config: &SdkConfig, table: String) -> Self {
        Self {
            client: Client::new(config),
            table,
        }
    }

    pub(super) async fn welcome(&self, address: &str, event_id: &str) -> Result<(), Failure> {
        if address.ends_with(UNREACHABLE) {
            return Err(Failure::retry("mail server does not answer"));
        }
        if address.ends_with(PANICS) {
            panic!("mailer has a bug");
        }
        let mail_id = format!("{event_id}#{}", RealSystem.fence());
        self.client
            .put_item()
            .table_name(&self.table)
            .item("id", AttributeValue::S(mail_id))
            .item("event_id", AttributeValue::S(event_id.to_owned()))
            .item("address", AttributeValue::S(address.to_owned()))
            .item("template", AttributeValue::S("welcome".to_owned()))
            .send()
            .await?;
        Ok(())
    }
}

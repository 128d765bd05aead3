//! Captures mails as rows of a table, as a mail service that takes an idempotency key would.
//!
//! The key is the event id, so there is one row per event; `sends` counts how often the mail
//! was handed over, which shows what deduplication does and does not prevent. A test that wants a
//! mail to be refused at first puts its row there before, with `refusals`.

use aws_sdk_dynamodb::{Client, operation::update_item::UpdateItemError, types::AttributeValue};
use fanline::Failure;
use fanline_aws::SdkConfig;

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
        let captured = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", AttributeValue::S(event_id.to_owned()))
            .update_expression("SET address = :address ADD sends :one")
            .condition_expression("attribute_not_exists(refusals) OR refusals < :one")
            .expression_attribute_values(":address", AttributeValue::S(address.to_owned()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .send()
            .await;
        match captured {
            Err(error) if is_refusal(error.as_service_error()) => self.refuse(event_id).await,
            captured => Ok(captured.map(drop)?),
        }
    }

    /// The next time it may be taken.
    async fn refuse(&self, event_id: &str) -> Result<(), Failure> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("id", AttributeValue::S(event_id.to_owned()))
            .update_expression("ADD refusals :less")
            .expression_attribute_values(":less", AttributeValue::N("-1".to_owned()))
            .send()
            .await?;
        Err(Failure::retry("mail server refuses it for now"))
    }
}

fn is_refusal(error: Option<&UpdateItemError>) -> bool {
    error.is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

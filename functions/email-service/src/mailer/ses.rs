//! Sends mails by Amazon SES.

use aws_sdk_sesv2::{
    Client,
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message, MessageTag},
};
use fanline::Failure;
use fanline_aws::SdkConfig;

/// One verified sender.
#[derive(Clone)]
pub(crate) struct Ses {
    client: Client,
    sender: String,
}

impl Ses {
    pub(super) fn new(config: &SdkConfig, sender: String) -> Self {
        Self {
            client: Client::new(config),
            sender,
        }
    }

    pub(super) async fn welcome(&self, address: &str, event_id: &str) -> Result<(), Failure> {
        let text = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let message = Message::builder()
            .subject(text("Welcome")?)
            .body(
                Body::builder()
                    .text(text("Good to have you here.")?)
                    .build(),
            )
            .build();
        let sent = self
            .client
            .send_email()
            .from_email_address(&self.sender)
            .destination(Destination::builder().to_addresses(address).build())
            .content(EmailContent::builder().simple(message).build())
            .email_tags(
                MessageTag::builder()
                    .name("event-id")
                    .value(event_id)
                    .build()?,
            )
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if is_hopeless(error.as_service_error()) => Err(Failure::reject(error)),
            Err(error) => Err(error.into()),
        }
    }
}

/// SES will refuse this mail however often it is sent.
fn is_hopeless(error: Option<&SendEmailError>) -> bool {
    matches!(
        error,
        Some(SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_))
    )
}

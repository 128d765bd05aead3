//! Sends mails by Amazon SES.

use aws_sdk_sesv2::{
    Client,
    error::ProvideErrorMetadata,
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
                    .value(tag(event_id))
                    .build()?,
            )
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            // SES's own text may quote addresses, which do not belong into logs.
            Err(error) if is_hopeless(error.as_service_error()) => {
                Err(Failure::reject("SES refuses this mail"))
            }
            Err(error) => {
                let code = error.code().unwrap_or("no answer");
                Err(Failure::retry(format!("SES did not take the mail: {code}")))
            }
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

/// What SES allows in a tag's value: letters, digits, `_` and `-`, 256 of them.
fn tag(event_id: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    let characters = event_id.chars().take(256);
    characters
        .map(|character| if allowed(character) { character } else { '_' })
        .collect()
}

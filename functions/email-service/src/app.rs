//! What the handler needs, made from the environment once.

use fanline_aws::{Environment, Error, sdk_config};

use crate::mailer::Mailer;

/// The handler's state.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) mailer: Mailer,
}

impl App {
    /// Reads `MAILER` (`capture`, the default, or `ses`) and what that mailer needs:
    /// `EMAILS_TABLE` or `MAIL_FROM`.
    pub(crate) async fn from_environment() -> Result<Self, Error> {
        let mut environment = Environment::read();
        let mailer = match environment.choice("MAILER", &["capture", "ses"]) {
            "ses" => Mailer::ses(sdk_config().await?, environment.required("MAIL_FROM"))?,
            _ => Mailer::capture(sdk_config().await?, environment.required("EMAILS_TABLE")),
        };
        environment.check()?;
        Ok(Self { mailer })
    }
}

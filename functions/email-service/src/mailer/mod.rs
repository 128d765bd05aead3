//! Ways to send a mail.

mod capture;
#[cfg(feature = "ses")]
mod ses;

use fanline::Failure;
use fanline_aws::{Error, SdkConfig};

/// A way to send a mail.
#[derive(Clone)]
pub(crate) enum Mailer {
    /// Writes it into a table, for local use and tests.
    Capture(capture::Capture),
    /// Sends it by Amazon SES.
    #[cfg(feature = "ses")]
    Ses(ses::Ses),
}

impl Mailer {
    pub(crate) fn capture(config: SdkConfig, table: String) -> Self {
        Self::Capture(capture::Capture::new(&config, table))
    }

    #[cfg(feature = "ses")]
    pub(crate) fn ses(config: SdkConfig, sender: String) -> Result<Self, Error> {
        Ok(Self::Ses(ses::Ses::new(&config, sender)))
    }

    #[cfg(not(feature = "ses"))]
    pub(crate) fn ses(_: SdkConfig, _: String) -> Result<Self, Error> {
        Err(Error::new(
            "MAILER is ses, but this binary was built without it: build with --features ses",
        ))
    }

    /// Sends the welcome mail. `event_id` lets the receiving side recognise a repetition.
    pub(crate) async fn welcome(&self, address: &str, event_id: &str) -> Result<(), Failure> {
        match self {
            Self::Capture(capture) => capture.welcome(address, event_id).await,
            #[cfg(feature = "ses")]
            Self::Ses(ses) => ses.welcome(address, event_id).await,
        }
    }
}

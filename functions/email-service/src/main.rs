//! Sends a welcome mail to everyone who signs up.
//!
//! A mail cannot be part of a transaction, so this worker runs at-least-once with a lease:
//! what a crash could do is send a mail twice, never lose one.

mod app;
mod mailer;

use app::App;
use events::UserSignedUp;
use fanline::{Envelope, Failure, State, Worker};

async fn send_welcome(
    event: Envelope<UserSignedUp>,
    State(app): State<App>,
) -> Result<(), Failure> {
    app.mailer.welcome(&event.data.email, event.id()).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), fanline_aws::Error> {
    let app = App::from_environment().await?;
    fanline_aws::run(Worker::new(app).on(send_welcome)).await
}

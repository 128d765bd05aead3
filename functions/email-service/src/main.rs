//! Sends a welcome mail to everyone who signs up.
//!
//! A mail cannot be part of a transaction, so this worker runs at-least-once with a lease:
//! what a crash could do is send a mail twice, never lose one.

mod app;
mod mailer;

use app::App;
use events::UserSignedUp;
use fanline::{
    Envelope, Failure, State, Worker,
    filter::{FilterPolicy, prefix},
};

async fn send_welcome(
    event: Envelope<UserSignedUp>,
    State(app): State<App>,
) -> Result<(), Failure> {
    app.mailer.welcome(&event.data.email, event.id()).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), fanline_aws::Error> {
    let app = App::from_environment().await?;
    // Wider than what is handled: an event about users that is not known ends in the DLQ, to be seen.
    let about_users = FilterPolicy::on_attributes().key("type", [prefix("user.")]);
    fanline_aws::run(Worker::new(app).on(send_welcome).filter_policy(about_users)).await
}

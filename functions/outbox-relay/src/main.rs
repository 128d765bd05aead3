//! Publishes each row of the outbox as soon as it is written; invoked by the table's stream.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), fanline_aws::Error> {
    fanline_aws::outbox::run_relay().await
}

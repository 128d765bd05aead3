//! Publishes what the relay did not get to; invoked on a schedule.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), fanline_aws::Error> {
    fanline_aws::outbox::run_sweeper().await
}

//! Counts sign-ups per UTC minute, effectively once: the counter moves in the transaction
//! that marks the event as handled, so that a crash at any point counts nobody twice.

mod counts;

use counts::Counts;
use events::UserSignedUp;
use fanline::{Envelope, Failure, State, Worker};
use fanline_aws::Tx;

async fn count_signup(
    event: Envelope<UserSignedUp>,
    State(counts): State<Counts>,
    tx: Tx,
) -> Result<(), Failure> {
    tx.update(counts.one_more(event.metadata.timestamp)?);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), fanline_aws::Error> {
    let counts = Counts::from_environment()?;
    fanline_aws::run(Worker::new(counts).on(count_signup)).await
}

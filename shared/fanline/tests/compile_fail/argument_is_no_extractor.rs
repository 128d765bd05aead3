use fanline::{Envelope, Event, Failure, Worker};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct UserSignedUp;

impl Event for UserSignedUp {
    const TYPE: &'static str = "user.signed_up";
}

async fn handler(_event: Envelope<UserSignedUp>, _table: String) -> Result<(), Failure> {
    Ok(())
}

fn main() {
    let _worker = Worker::new(()).on(handler);
}

use fanline::{Envelope, Event, Failure, State, Worker};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct UserSignedUp;

impl Event for UserSignedUp {
    const TYPE: &'static str = "user.signed_up";
}

#[derive(Clone)]
struct App;

async fn handler(_event: Envelope<UserSignedUp>, State(_app): State<App>) -> Result<(), Failure> {
    Ok(())
}

fn main() {
    let _worker = Worker::new(()).on(handler);
}

use fanline::{Envelope, Failure, Worker};

struct UserSignedUp;

async fn handler(_event: Envelope<UserSignedUp>) -> Result<(), Failure> {
    Ok(())
}

fn main() {
    let _worker = Worker::new(()).on(handler);
}

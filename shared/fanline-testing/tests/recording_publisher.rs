//! The recording publisher keeps the contract.

use std::sync::Mutex;

use fanline::publish::Publish;
use fanline_testing::{
    RecordingPublisher,
    contract::{PublisherUnderTest, publisher},
};
use futures_util::future::BoxFuture;

struct Subject {
    publisher: RecordingPublisher,
    seen: Mutex<usize>,
}

impl PublisherUnderTest for Subject {
    fn publisher(&self) -> &dyn Publish {
        &self.publisher
    }

    fn published(&self) -> BoxFuture<'_, Vec<String>> {
        let published = self.publisher.published();
        let seen = std::mem::replace(
            &mut *self
                .seen
                .lock()
                .expect("no test panics while it holds this"),
            published.len(),
        );
        let new = published.into_iter().skip(seen).map(|event| event.body);
        Box::pin(std::future::ready(new.collect()))
    }
}

#[tokio::test]
async fn recording_publisher_keeps_the_contract() {
    let publisher_under_test = Subject {
        publisher: RecordingPublisher::new("tests"),
        seen: Mutex::default(),
    };
    publisher(&publisher_under_test).await;
}

//! The in-memory queue keeps the contract.

use fanline::{DeadLetter, Message, SourceQueue};
use fanline_testing::{
    MemoryQueue,
    contract::{QueueUnderTest, source_queue},
    message,
};
use futures_util::future::BoxFuture;

struct Subject(MemoryQueue);

impl QueueUnderTest for Subject {
    fn queue(&self) -> &dyn SourceQueue {
        &self.0
    }

    fn put(&self, bodies: Vec<String>) -> BoxFuture<'_, ()> {
        self.0.put(bodies.iter().map(|body| message(body, body)));
        Box::pin(std::future::ready(()))
    }

    fn receive(&self) -> BoxFuture<'_, Vec<Message>> {
        Box::pin(std::future::ready(self.0.receive()))
    }

    fn dead_letters(&self) -> BoxFuture<'_, Vec<DeadLetter>> {
        Box::pin(std::future::ready(self.0.dead_letters()))
    }
}

#[tokio::test]
async fn memory_queue_keeps_the_contract() {
    source_queue(&Subject(MemoryQueue::new())).await;
}

//! What the seed decides on standard queues, and that it decides everything.

use crate::world::{World, bodies};
use fanline_engine::sqs::Liberties;
use std::collections::BTreeSet;
use std::time::Duration;

const ALL: Liberties = Liberties {
    any_order: true,
    partial_receives: true,
    duplicates: 0.2,
};

/// Sends 40 messages and receives and deletes until the queue is empty; what came, in order.
async fn drained(seed: u64, liberties: Liberties) -> Vec<String> {
    let world = World::with(|config| {
        config.seed = seed;
        config.liberties = liberties;
    });
    let url = world.queue("q", &[]).await;
    for number in 0..40 {
        world.send(&url, &format!("{number:02}")).await;
    }
    let mut came = Vec::new();
    while world.engine.queues()[0].counts.total() > 0 {
        for message in world.receive(&url, 20).await {
            came.push(message.body().unwrap_or_default().to_owned());
            world.delete(&url, &message).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    came
}

#[tokio::test(start_paused = true)]
async fn without_liberties_messages_come_once_and_in_order() {
    let expected: Vec<String> = (0..40).map(|number| format!("{number:02}")).collect();
    assert_eq!(drained(1, Liberties::default()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn with_liberties_everything_comes_but_not_once_nor_in_order() {
    let mut duplicates = 0;
    for seed in 1..=5 {
        let came = drained(seed, ALL).await;
        let different: BTreeSet<&String> = came.iter().collect();
        assert_eq!(different.len(), 40, "seed {seed}");
        assert!(!came.is_sorted(), "seed {seed}");
        duplicates += came.len() - different.len();
    }
    assert!(duplicates > 5, "{duplicates}");
}

#[tokio::test(start_paused = true)]
async fn the_seed_decides() {
    let first = drained(1, ALL).await;
    assert_eq!(drained(1, ALL).await, first);
    assert_ne!(drained(2, ALL).await, first);
}

#[tokio::test(start_paused = true)]
async fn fifo_queues_have_no_liberties() {
    let world = World::with(|config| {
        config.liberties = Liberties {
            duplicates: 1.0,
            ..ALL
        };
    });
    let url = world.queue("q.fifo", &[("FifoQueue", "true")]).await;
    for body in ["a", "b", "c"] {
        world.send(&url, body).await;
    }
    let received = world.receive(&url, 0).await;
    assert_eq!(bodies(&received), ["a", "b", "c"]);
    for message in &received {
        world.delete(&url, message).await;
    }
    assert_eq!(world.engine.queues()[0].counts.total(), 0);
}

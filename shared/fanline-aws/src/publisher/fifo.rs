//! Publishing to a FIFO topic: the events of an entity one after the other.
//!
//! What could be got wrong is a batch in which one event fails and a later one of its entity does not. So no
//! call has two of one entity, and behind one that failed its entity waits. One that SNS will never take
//! keeps nobody waiting: nothing could come before it.

use std::collections::{HashMap, VecDeque};

use futures_util::{StreamExt, stream::FuturesUnordered};

use super::{
    BEHIND_ANOTHER, CALLS_AT_ONCE, MOST_ENTRIES, Numbered, Publisher, RefusedEvent, refuse,
};

type Entity<'events> = VecDeque<Numbered<'events>>;

/// Returns what is not published.
pub(super) async fn send(publisher: &Publisher, events: &[Numbered<'_>]) -> Vec<RefusedEvent> {
    let mut lanes: Vec<Vec<Entity<'_>>> = vec![Vec::new(); CALLS_AT_ONCE];
    for (number, entity) in by_entity(events).into_iter().enumerate() {
        lanes[number / MOST_ENTRIES % CALLS_AT_ONCE].push(entity);
    }
    let lanes: FuturesUnordered<_> = lanes
        .into_iter()
        .map(|entities| send_lane(publisher, entities))
        .collect();
    let refused: Vec<Vec<RefusedEvent>> = lanes.collect().await;
    refused.into_iter().flatten().collect()
}

/// In the order in which they first come.
fn by_entity<'events>(events: &[Numbered<'events>]) -> Vec<Entity<'events>> {
    let mut entities: Vec<Entity<'events>> = Vec::new();
    let mut place: HashMap<&str, usize> = HashMap::new();
    for &(index, event) in events {
        let place = *place.entry(&event.entity).or_insert_with(|| {
            entities.push(VecDeque::new());
            entities.len() - 1
        });
        entities[place].push_back((index, event));
    }
    entities
}

async fn send_lane(publisher: &Publisher, mut entities: Vec<Entity<'_>>) -> Vec<RefusedEvent> {
    let mut all_refused = Vec::new();
    while !entities.is_empty() {
        let batch = heads(&entities, publisher.size_limit);
        let refused = publisher.send_batch(&batch).await;
        for entity in entities.iter_mut().take(batch.len()) {
            let Some((index, _)) = entity.pop_front() else {
                continue;
            };
            let failed = refused.iter().find(|event| event.index == index);
            if failed.is_some_and(|failed| !failed.is_final) {
                let behind = entity.drain(..);
                all_refused.extend(behind.map(|event| refuse(event, BEHIND_ANOTHER, false)));
            }
        }
        all_refused.extend(refused);
        // Those that had their turn go to the end.
        entities.rotate_left(batch.len());
        entities.retain(|entity| !entity.is_empty());
    }
    all_refused
}

/// The first event of as many entities as fit into a call; at least one.
fn heads<'events>(entities: &[Entity<'events>], most_bytes: usize) -> Vec<Numbered<'events>> {
    let mut bytes = 0;
    let heads = entities.iter().filter_map(|entity| entity.front().copied());
    let fitting = heads.take(MOST_ENTRIES).take_while(|(_, event)| {
        let is_first = bytes == 0;
        bytes += event.size();
        is_first || bytes <= most_bytes
    });
    fitting.collect()
}

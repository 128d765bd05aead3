//! What makes events: producers that publish again and again until the topic has it, and commands.
//!
//! The one thing to get wrong: events that differ from run to run. All are made before the first is published, also those
//! that are left out.

use std::{sync::Arc, time::Duration};

use fanline::{System, publish::Outgoing};
use futures_util::future::{BoxFuture, join_all};
use tokio::time::{sleep, timeout};

use super::{
    dice::Place,
    fault::Fault,
    fixed::Fixed,
    handle::Handle,
    network::{Call, Service},
    run::Course,
    simulation::Simulation,
    world::{ProcessSystem, World},
};

const PRODUCER: &str = "producer";

impl<App: Send + Sync + 'static> Simulation<App> {
    /// Publishes every event at its moment, again and again until the topic has it.
    pub(super) async fn publish(&self, world: &Arc<World>, course: &Course) {
        let system = ProcessSystem::new(Arc::clone(world), 0, 0);
        let numbered = self
            .events
            .iter()
            .flat_map(|(count, make)| (0..*count).map(move |number| (number, make)));
        let publishing = numbered.enumerate().filter_map(|(index, (number, make))| {
            let event = make(number, &system as &dyn System);
            let is_left_out = course
                .events
                .as_ref()
                .is_some_and(|events| !events.contains(&index));
            (!is_left_out).then(|| self.publish_one(world, index, event))
        });
        join_all(publishing.collect::<Vec<_>>()).await;
    }

    /// Carries out every command at its moment.
    pub(super) async fn command(
        &self,
        world: &World,
        course: &Course,
        app: &Arc<App>,
        handle: &Handle,
    ) {
        let numbered = self
            .commands
            .iter()
            .flat_map(|(count, command)| (0..*count).map(move |number| (number, command)));
        let commands = numbered
            .enumerate()
            .filter_map(|(index, (number, command))| {
                let index = self.event_count() + index;
                let only = course.events.as_ref();
                let is_left_out = only.is_some_and(|events| !events.contains(&index));
                let moment = self.moment(world, index);
                (!is_left_out).then_some(async move {
                    sleep(moment).await;
                    command(Arc::clone(app), number, handle.clone()).await;
                })
            });
        join_all(commands.collect::<Vec<_>>()).await;
    }

    fn moment(&self, world: &World, index: usize) -> Duration {
        let stretch = u64::try_from(self.stretch.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(
            world
                .dice
                .at(Place::of(&["event"]), index as u64)
                .u64(..stretch),
        )
    }

    async fn publish_one(&self, world: &Arc<World>, index: usize, event: Outgoing) {
        let moment = self.moment(world, index);
        let moment = self.fixed.map_or(moment, |_| Fixed::moment(index));
        let id = event.event_id.clone();
        let attributes = event.attributes.iter().find(|(name, _)| name == "type");
        let event_type = attributes.map_or("", |(_, event_type)| event_type.as_str());
        let consumers = self.consumers.iter().enumerate();
        let wanted_by = consumers
            .filter(|(_, consumer)| (consumer.wants)(&event))
            .map(|(index, _)| index)
            .collect();
        world
            .ledger()
            .announce(&id, event_type, &event.entity, wanted_by);
        sleep(moment).await;
        let mut body = event.body.clone();
        if let Some(mut chance) = world.strikes(Fault::Poison, Place::of(&[&id])) {
            if chance.bool() {
                world.note_fault(PRODUCER, PRODUCER, [id.as_str()], || {
                    "its body is no event".to_owned()
                });
                body.insert(0, '#');
            } else {
                world.note_fault(PRODUCER, PRODUCER, [id.as_str()], || {
                    "its handler always fails".to_owned()
                });
                world.add_poison(&id, chance.bool());
            }
        }
        let event = Arc::new(event);
        loop {
            let call = Call {
                from: PRODUCER,
                service: Service::Topic,
                what: "publish",
                events: vec![&id],
                trouble: None,
            };
            let (there, event, body) = (Arc::clone(world), Arc::clone(&event), body.clone());
            let effect = move || {
                Box::pin(async move { there.publish(&event, &body) }) as BoxFuture<'static, bool>
            };
            let answer =
                timeout(Duration::from_secs(10), world.call(call, effect, |_| false)).await;
            if answer == Ok(true) {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }
}

//! When commands come, and which of them if a run is made smaller.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::sleep;

use super::{handle::Handle, run::Course, simulation::Simulation, world::World};

impl<App: Send + Sync + 'static> Simulation<App> {
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

    /// When an event or a command comes.
    pub(super) fn moment(&self, world: &World, index: usize) -> Duration {
        let stretch = u64::try_from(self.stretch.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(world.dice.at("event", index as u64).u64(..stretch))
    }
}

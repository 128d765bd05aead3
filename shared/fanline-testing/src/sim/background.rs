//! Processes beside the workers: a relay, a sweeper. They are invoked again and again, and die as workers do.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::{sleep, timeout};

use super::{
    dice::Place,
    fault::Fault,
    handle::Handle,
    process::{End, Mortal},
    world::World,
};

/// An invocation may take so long.
const LIMIT: Duration = Duration::from_secs(60);

type Invoke<App> = dyn Fn(Arc<App>, Handle) -> BoxFuture<'static, ()> + Send + Sync;

pub(super) struct Background<App> {
    pub(super) name: Arc<str>,
    /// Between two invocations.
    pub(super) pause: Duration,
    pub(super) invoke: Arc<Invoke<App>>,
}

impl<App> Clone for Background<App> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            pause: self.pause,
            invoke: Arc::clone(&self.invoke),
        }
    }
}

impl<App> Background<App> {
    /// Runs for ever.
    pub(super) async fn run(self, world: Arc<World>, app: Arc<App>, handle: Handle) {
        let note = |text: &str| {
            world.note_fault(&self.name, &self.name, [], || text.to_owned());
        };
        let place = Place::of(&[&self.name]);
        loop {
            if let Some(mut chance) = world.strikes(Fault::SlowConsumer, place) {
                let pause = chance.u64(60..900);
                note(&format!("is not invoked for {pause} s"));
                sleep(Duration::from_secs(pause)).await;
            }
            let crash = world.strikes(Fault::Crash, place);
            let mortal = Mortal {
                work: (self.invoke)(Arc::clone(&app), handle.clone()),
                end: crash.map(|mut chance| (End::Crash, chance.u32(1..20))),
                pause: None,
                on_end: |_| note("crashes"),
            };
            match timeout(LIMIT, mortal).await {
                Ok(Some(())) => {}
                Ok(None) => sleep(Duration::from_secs(3)).await,
                Err(_) => note("timed out"),
            }
            sleep(self.pause).await;
        }
    }
}

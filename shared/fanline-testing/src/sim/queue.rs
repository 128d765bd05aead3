//! The source queue as a process sees it: at the other end of the network, and watched.

use std::{sync::Arc, time::Duration};

use fanline::{DeadLetter, SourceQueue, VisibilityChange};
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::{
    dice::Place,
    ledger::event_in,
    network::{Call, Service, Trouble},
    world::World,
};

/// As the SDK's client does, a call gives up: outside Lambda a dead letter on its way would hold up its group for ever.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A process's way to its queue.
#[derive(Clone)]
pub(super) struct RemoteQueue {
    pub(super) world: Arc<World>,
    /// Of the consumer, and of its queue.
    pub(super) name: Arc<str>,
    pub(super) consumer: usize,
    pub(super) process: Arc<str>,
    pub(super) trouble: Arc<Trouble>,
}

impl RemoteQueue {
    fn call<'a>(&'a self, what: &'static str, events: Vec<&'a str>) -> Call<'a> {
        Call {
            from: &self.process,
            service: Service::Queue,
            what,
            events,
            trouble: Some(&self.trouble),
        }
    }

    fn throttled(&self, entries: usize, place: Place) -> Vec<bool> {
        let throttled = self.world.throttled(entries, place);
        if throttled.contains(&true) {
            self.trouble.tell(Service::Queue);
            self.world.note_fault(&self.name, &self.process, [], || {
                "some entries throttled".to_owned()
            });
        }
        throttled
    }

    fn bury_now(&self, letters: &[DeadLetter]) -> Vec<Result<(), String>> {
        let throttled = self.throttled(
            letters.len(),
            Place::of(&[
                "letters",
                letters.first().map_or("", |letter| &letter.message_id),
            ]),
        );
        let answers = letters.iter().zip(throttled).map(|(letter, throttled)| {
            let event = event_in(&letter.body);
            if throttled
                || !self
                    .world
                    .cloud
                    .send_dead_letter(self.world.now(), &self.name, letter)
            {
                return Err("throttled".to_owned());
            }
            self.world
                .note(&self.process, &format!("{}-dlq", self.name), event, || {
                    "dead letter".to_owned()
                });
            self.world
                .ledger()
                .bury(self.consumer, &letter.message_id, event);
            Ok(())
        });
        answers.collect()
    }

    fn change_now(&self, changes: &[VisibilityChange]) -> Vec<Result<(), String>> {
        let throttled = self.throttled(
            changes.len(),
            Place::of(&[
                "changes",
                changes.first().map_or("", |change| &change.message_id),
            ]),
        );
        let answers = changes.iter().zip(throttled).map(|(change, throttled)| {
            let seconds = change.wait.as_secs() + u64::from(change.wait.subsec_nanos() > 0);
            if throttled
                || !self.world.cloud.change_visibility(
                    self.world.now(),
                    &self.name,
                    &change.receipt_handle,
                    seconds,
                )
            {
                return Err("not changed".to_owned());
            }
            Ok(())
        });
        answers.collect()
    }
}

impl SourceQueue for RemoteQueue {
    fn has_dead_letter_queue(&self) -> bool {
        true
    }

    fn send_dead_letters<'a>(
        &'a self,
        letters: &'a [DeadLetter],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        let (remote, owned, entries) = (self.clone(), letters.to_vec(), letters.len());
        let call = self.call(
            "send dead letters",
            letters
                .iter()
                .filter_map(|letter| event_in(&letter.body))
                .collect(),
        );
        let effect =
            move || Box::pin(async move { remote.bury_now(&owned) }) as BoxFuture<'static, _>;
        let call = self.world.call(call, effect, refused(entries));
        Box::pin(async move {
            let answer = timeout(TIMEOUT, call).await;
            answer.unwrap_or_else(|_| refused(entries)("no answer in time"))
        })
    }

    fn change_visibility<'a>(
        &'a self,
        changes: &'a [VisibilityChange],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        let (remote, owned, entries) = (self.clone(), changes.to_vec(), changes.len());
        let call = self.call("change visibility", Vec::new());
        let effect =
            move || Box::pin(async move { remote.change_now(&owned) }) as BoxFuture<'static, _>;
        let call = self.world.call(call, effect, refused(entries));
        Box::pin(async move {
            let answer = timeout(TIMEOUT, call).await;
            answer.unwrap_or_else(|_| refused(entries)("no answer in time"))
        })
    }
}

pub(super) fn refused(entries: usize) -> impl Fn(&str) -> Vec<Result<(), String>> + Send {
    move |problem| vec![Err(problem.to_owned()); entries]
}

//! Worlds that `cargo fanline simulate` runs: each mode of handling, on standard and on FIFO queues.
//!
//! Their handlers do nothing but write down that they ran; what they write is checked in the end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use fanline::{Delivery, Envelope, Event, Extract, Failure, State, Worker, at_most_once};
use serde::{Deserialize, Serialize};

use super::{End, Simulation, world::lock};
use crate::MemoryTransaction;

/// Events of a run: enough for batches and for things to meet, few enough that a story can be read.
const EVENTS: usize = 100;

/// Message groups of FIFO queues.
const ACCOUNTS: usize = 12;

/// What handlers did, by event id, in the order in which they did it first.
#[derive(Clone, Default)]
pub struct Effects(Arc<Mutex<Vec<(String, String)>>>);

impl Effects {
    fn add(&self, who: &str, event: &str) {
        lock(&self.0).push((who.to_owned(), event.to_owned()));
    }

    fn of(&self, who: &str) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for (_, event) in lock(&self.0).iter().filter(|(by, _)| by == who) {
            *counts.entry(event.clone()).or_default() += 1;
        }
        counts
    }
}

#[derive(Serialize, Deserialize)]
struct UserSignedUp {
    user: String,
}

impl Event for UserSignedUp {
    const TYPE: &'static str = "user.signed_up";
}

#[derive(Serialize, Deserialize)]
struct AccountChanged {
    account: String,
}

impl Event for AccountChanged {
    const TYPE: &'static str = "account.changed";

    fn entity(&self) -> Option<String> {
        Some(self.account.clone())
    }
}

async fn send_mail(
    event: Envelope<UserSignedUp>,
    State(effects): State<Effects>,
) -> Result<(), Failure> {
    work(event.id()).await;
    effects.add("mails", event.id());
    Ok(())
}

async fn text_code(
    event: Envelope<UserSignedUp>,
    State(effects): State<Effects>,
) -> Result<(), Failure> {
    work(event.id()).await;
    effects.add("codes", event.id());
    Ok(())
}

async fn count(
    event: Envelope<UserSignedUp>,
    State(effects): State<Effects>,
    write: Write,
) -> Result<(), Failure> {
    work(event.id()).await;
    let id = event.id().to_owned();
    write.0.add(move || effects.add("counts", &id));
    Ok(())
}

async fn project(
    event: Envelope<AccountChanged>,
    State(effects): State<Effects>,
) -> Result<(), Failure> {
    work(event.id()).await;
    effects.add("projection", event.id());
    Ok(())
}

async fn book(
    event: Envelope<AccountChanged>,
    State(effects): State<Effects>,
    write: Write,
) -> Result<(), Failure> {
    work(event.id()).await;
    let id = event.id().to_owned();
    write.0.add(move || effects.add("balance", &id));
    Ok(())
}

/// Up to a quarter of a second, in three awaits: a crash can come between any two.
async fn work(event: &str) {
    let milliseconds = event.bytes().map(u64::from).sum::<u64>() % 80;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// The transaction of [`MemoryStore`](crate::MemoryStore).
struct Write(Arc<MemoryTransaction>);

impl<S> Extract<S> for Write {
    const TRANSACTIONAL: bool = true;

    fn extract(_: &S, delivery: &Delivery) -> Result<Self, Failure> {
        let transaction = delivery.transaction().cloned();
        let transaction = transaction.and_then(|transaction| transaction.as_any().downcast().ok());
        transaction
            .map(Self)
            .ok_or_else(|| Failure::reject("the store of this run has no MemoryTransaction"))
    }
}

/// Standard queues: mails with a lease, counts in a transaction, codes at most once.
pub fn signups() -> Simulation<Effects> {
    Simulation::new(Effects::default)
        .events(EVENTS, |number| UserSignedUp {
            user: format!("user-{number}"),
        })
        .consumer("mails", |effects: &Effects| {
            Worker::new(effects.clone()).on(send_mail)
        })
        .consumer("counts", |effects: &Effects| {
            Worker::new(effects.clone()).on(count)
        })
        .consumer("codes", |effects: &Effects| {
            Worker::new(effects.clone()).on(at_most_once(text_code))
        })
        .check(|effects, end| {
            at_least_once(effects, end, "mails")?;
            exactly_once(effects, end, "counts")?;
            never_twice(effects, "codes")
        })
}

/// FIFO queues: a projection with a lease, a balance in a transaction.
pub fn accounts() -> Simulation<Effects> {
    Simulation::new(Effects::default)
        .fifo()
        .events(EVENTS, |number| AccountChanged {
            account: format!("account-{}", number % ACCOUNTS),
        })
        .consumer("projection", |effects: &Effects| {
            Worker::new(effects.clone()).on(project)
        })
        .consumer("balance", |effects: &Effects| {
            Worker::new(effects.clone()).on(book)
        })
        .check(|effects, end| {
            at_least_once(effects, end, "projection")?;
            exactly_once(effects, end, "balance")
        })
}

/// Mails alone, which need no transaction: for any store.
pub fn mails() -> Simulation<Effects> {
    Simulation::new(Effects::default)
        .events(EVENTS, |number| UserSignedUp {
            user: format!("user-{number}"),
        })
        .consumer("mails", |effects: &Effects| {
            Worker::new(effects.clone()).on(send_mail)
        })
        .check(|effects, end| at_least_once(effects, end, "mails"))
}

fn at_least_once(effects: &Effects, end: &End, who: &str) -> Result<(), String> {
    let effects = effects.of(who);
    let without = end
        .handled(who)
        .iter()
        .find(|event| !effects.contains_key(*event));
    without.map_or(Ok(()), |event| {
        Err(format!("{who}: {event} is done and had no effect"))
    })
}

fn exactly_once(effects: &Effects, end: &End, who: &str) -> Result<(), String> {
    at_least_once(effects, end, who)?;
    for (event, count) in effects.of(who) {
        if count > 1 || !end.handled(who).contains(&event) {
            return Err(format!(
                "{who}: {event} had its effect {count} times; done: {}",
                end.handled(who).contains(&event)
            ));
        }
    }
    Ok(())
}

fn never_twice(effects: &Effects, who: &str) -> Result<(), String> {
    let twice = effects.of(who).into_iter().find(|(_, count)| *count > 1);
    twice.map_or(Ok(()), |(event, count)| {
        Err(format!("{who}: {event} had its effect {count} times"))
    })
}

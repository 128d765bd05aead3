//! One redrive: its loop, and what it comes to.

use std::collections::BTreeSet;

use fanline::{System, Timestamp};
use fanline_aws::RealSystem;

use super::{Options, progress::Progress};
use crate::{
    Error,
    dlq::{
        destination::Destinations,
        group::Tally,
        letter::Letter,
        look,
        reader::{Reader, Received},
        send::{Outgoing, Sent, send},
        session::Session,
        settle::{MOST_ENTRIES, delete},
    },
    queue::Queue,
};

/// Enough for sending and deleting ten, with retries; after a kill they are visible again so soon.
const HOLD_SECONDS: i32 = 30;

/// Refusals that are shown one by one.
const MOST_REASONS: usize = 10;

/// What became of the dead letters that were meant.
#[derive(Debug, Default)]
pub(super) struct Redriven {
    pub(super) sent: u64,
    /// Not sent, still dead letters.
    pub(super) refused: u64,
    /// Sent, but dead letters still.
    pub(super) not_deleted: u64,
    /// Became dead letters while this ran.
    pub(super) arrived_since: u64,
    /// Those that the filter did not take.
    others: Tally,
    pub(super) failed: Option<Error>,
}

impl Redriven {
    /// What the summary does not say, a line each.
    pub(super) fn remarks(&self, queue: &Queue, in_flight: u64) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.sent + self.refused == 0 {
            remarks.extend(self.others.nothing_fits());
        }
        if self.not_deleted > 0 {
            remarks.push(format!(
                "{} were sent but are still in {}; redriven again they are recognised by their event id",
                self.not_deleted, queue.name
            ));
        }
        if self.arrived_since > 0 {
            remarks.push(format!(
                "{} became dead letters while this ran and were left; the cause may still be there",
                self.arrived_since
            ));
        }
        remarks.extend(look::in_flight(in_flight));
        remarks
    }
}

pub(super) struct Run<'a> {
    session: &'a Session,
    destinations: &'a Destinations,
    options: &'a Options,
    /// What was sent later came from this run and has failed again, or is new: without this, a
    /// worker that fails at once would keep it running for ever. By the clock of this machine, so
    /// one that is wrong leaves some, or takes some once more.
    started: Timestamp,
    progress: Progress,
    redriven: Redriven,
    /// FIFO groups that must wait, since one of theirs could not be sent.
    blocked: BTreeSet<String>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        session: &'a Session,
        destinations: &'a Destinations,
        options: &'a Options,
    ) -> Self {
        Self {
            session,
            destinations,
            options,
            started: RealSystem.now(),
            progress: Progress::start(),
            redriven: Redriven::default(),
            blocked: BTreeSet::new(),
        }
    }

    /// Until nothing is left that is meant, or an interrupt.
    pub(super) async fn finish(mut self) -> Redriven {
        let mut reader = self.session.reader(HOLD_SECONDS);
        while let Some(most) = self.next_share().await {
            let received = match reader.next(most).await {
                Ok(received) => received,
                Err(error) => {
                    self.redriven.failed = Some(error);
                    break;
                }
            };
            if received.is_empty() {
                break;
            }
            self.handle(&mut reader, received).await;
            if self.redriven.failed.is_some() {
                break;
            }
            let expected = self.session.queue.waiting.max(self.redriven.sent);
            self.progress.show(self.redriven.sent, expected);
        }
        self.progress.clear();
        reader.give_back().await;
        self.redriven
    }

    /// How many may be received now, after a wait for their turn; none at the end.
    async fn next_share(&self) -> Option<usize> {
        let stop = &self.session.stop;
        let mut most = MOST_ENTRIES;
        if let Some(rate) = self.options.rate {
            most = most.min(rate as usize);
            // Nothing is held while waiting.
            tokio::select! {
                () = tokio::time::sleep_until(self.progress.due(self.redriven.sent, rate)) => {}
                () = stop.asked() => return None,
            }
        }
        let left = self.options.max.unwrap_or(u64::MAX) - self.redriven.sent;
        most = most.min(usize::try_from(left).unwrap_or(most));
        (most > 0 && !stop.is_set()).then_some(most)
    }

    async fn handle(&mut self, reader: &mut Reader<'_>, received: Vec<Received>) {
        let meant: Vec<Received> = received
            .into_iter()
            .filter(|received| self.is_meant(&received.letter))
            .collect();
        let mut parts: Vec<(&Queue, Vec<&Received>)> = Vec::new();
        for one in &meant {
            match self.destinations.for_letter(&one.letter) {
                Ok(to) => match parts.iter_mut().find(|(queue, _)| queue.url == to.url) {
                    Some((_, part)) => part.push(one),
                    None => parts.push((to, vec![one])),
                },
                Err(reason) => self.refuse(&one.letter, &reason),
            }
        }
        for (to, part) in parts {
            let outgoing: Vec<_> = part
                .iter()
                .map(|one| Outgoing::unchanged(&one.letter))
                .collect();
            let sent = send(&self.session.sqs, to, &outgoing).await;
            self.settle(reader, &part, sent).await;
            if self.redriven.failed.is_some() {
                return;
            }
        }
    }

    fn is_meant(&mut self, letter: &Letter) -> bool {
        if letter.sent_at.is_some_and(|sent_at| sent_at > self.started) {
            self.redriven.arrived_since += 1;
            return false;
        }
        if let Some(group) = &letter.group
            && self.session.queue.fifo
            && self.blocked.contains(group)
        {
            self.refuse(letter, "an earlier message of its group could not be sent");
            return false;
        }
        let is_meant = self.options.filter.takes(letter, self.started);
        if !is_meant {
            self.redriven.others.add(letter);
        }
        is_meant
    }

    /// Deletes what was sent, and nothing else.
    async fn settle(&mut self, reader: &mut Reader<'_>, part: &[&Received], sent: Sent) {
        for (place, reason) in &sent.refused {
            self.refuse(&part[*place].letter, reason);
        }
        self.redriven.sent += sent.accepted.len() as u64;
        self.redriven.failed = sent.failed;
        let accepted = sent.accepted.iter().map(|place| part[*place]);
        let handles: Vec<String> = accepted.clone().map(|one| one.handle.clone()).collect();
        if let Err((count, reason)) = delete(&self.session.sqs, &self.session.queue, &handles).await
        {
            self.redriven.not_deleted += count as u64;
            // Going on would make more of them.
            self.redriven.failed.get_or_insert(reason);
            return;
        }
        accepted.for_each(|one| reader.forget(&one.letter.message_id));
    }

    fn refuse(&mut self, letter: &Letter, reason: &str) {
        self.redriven.refused += 1;
        self.blocked.extend(letter.group.clone());
        if self.redriven.refused as usize <= MOST_REASONS {
            self.progress.clear();
            eprintln!("fanline: {} stays: {reason}", letter.id());
        }
    }
}

//! Looking at dead letters without changing anything, and saying what could not be seen.

use fanline::System;
use fanline_aws::RealSystem;

use super::{filter::Filter, group::Tally, letter::Letter, session::Session};
use crate::Error;

/// Long enough to look at some thousands, short enough to wait for after a kill.
const HOLD_SECONDS: i32 = 60;

/// When to stop looking, and what to keep.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) looked_at: Option<u64>,
    pub(super) found: Option<u64>,
    /// A whole queue of bodies may not fit into memory.
    pub(super) without_bodies: bool,
}

impl Limits {
    fn cut(self, mut letter: Letter) -> Letter {
        if self.without_bodies {
            letter.body = String::new();
            letter.attributes.clear();
        }
        letter
    }
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Those that the filter takes.
    pub(super) letters: Vec<Letter>,
    /// All that were looked at.
    pub(super) looked_at: u64,
    /// Others that could not be seen, by SQS's own count.
    pub(super) unseen: u64,
    /// What is left to say, a line each.
    pub(super) remarks: Vec<String>,
}

/// Looks at dead letters; all of them are visible again afterwards.
///
/// # Errors
/// If the queue cannot be received from.
pub(super) async fn look(
    session: &Session,
    filter: &Filter,
    limits: Limits,
) -> Result<Look, Error> {
    let mut reader = session.reader(HOLD_SECONDS);
    let mut look = Look::default();
    let mut others = Tally::default();
    let now = RealSystem.now();
    let ended = loop {
        let looked_at = reader.looked_at();
        let left = limits
            .looked_at
            .unwrap_or(u64::MAX)
            .saturating_sub(looked_at);
        let is_enough = limits
            .found
            .is_some_and(|found| look.letters.len() as u64 >= found);
        if left == 0 || is_enough {
            break Ok(());
        }
        match reader
            .next(usize::try_from(left).unwrap_or(usize::MAX))
            .await
        {
            Ok(new) if new.is_empty() => break Ok(()),
            Ok(new) => {
                for received in new {
                    match filter.takes(&received.letter, now) {
                        true => look.letters.push(limits.cut(received.letter)),
                        false => others.add(&received.letter),
                    }
                }
            }
            Err(error) => break Err(error),
        }
    };
    reader.give_back().await;
    ended?;
    look.looked_at = reader.looked_at();
    look.unseen = session.queue.waiting.saturating_sub(look.looked_at);
    if let Some(found) = limits.found {
        look.letters
            .truncate(usize::try_from(found).unwrap_or(usize::MAX));
    }
    look.remarks = remarks(session, &look, limits);
    if look.letters.is_empty() {
        look.remarks.splice(0..0, others.nothing_fits());
    }
    Ok(look)
}

fn remarks(session: &Session, look: &Look, limits: Limits) -> Vec<String> {
    let (queue, unseen, looked_at) = (&session.queue, look.unseen, look.looked_at);
    let mut remarks = Vec::new();
    if unseen > 0 {
        remarks.push(if session.stop.is_set() {
            format!(
                "interrupted: looked at {looked_at} of about {}",
                queue.waiting
            )
        } else if limits.looked_at.is_some_and(|most| looked_at >= most) {
            format!(
                "looked at {looked_at} of about {}; --max N looks at more",
                queue.waiting
            )
        } else if limits
            .found
            .is_some_and(|most| look.letters.len() as u64 >= most)
        {
            format!("looked at {looked_at} of about {}", queue.waiting)
        } else if queue.fifo {
            behind_others(unseen)
        } else {
            format!("about {unseen} more were not handed out; SQS's count may be late, try again")
        });
    }
    remarks.extend(in_flight(queue.in_flight));
    remarks
}

/// What cannot be seen in a FIFO queue.
pub(super) fn behind_others(count: u64) -> String {
    format!(
        "about {count} more are behind others of their group: of a FIFO group SQS shows the first 10 until these are gone"
    )
}

/// What somebody else holds.
pub(super) fn in_flight(count: u64) -> Option<String> {
    (count > 0).then(|| {
        format!(
            "{count} more in flight: another command or consumer has them, or one that was killed had; they are visible again when their visibility timeout ends"
        )
    })
}

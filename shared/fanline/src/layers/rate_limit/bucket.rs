//! A token bucket and the length of the line before it, without I/O and without a clock.
//!
//! It remembers one time, when it will be full again; how many tokens are in it follows from that. What
//! one could get wrong is to take a token for someone who may leave: tokens go to who is first in line,
//! at the moment they are there.

use std::{num::NonZeroU32, time::Duration};

use jiff::Timestamp;

use crate::{delivery::remaining, layers::after};

#[derive(Debug)]
pub(super) struct Bucket {
    /// One token comes in each.
    interval: Duration,
    /// How many tokens fit.
    burst: NonZeroU32,
    full_at: Timestamp,
    waiting: u32,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(interval: Duration, burst: NonZeroU32) -> Self {
        Self {
            interval,
            burst,
            full_at: Timestamp::MIN,
            waiting: 0,
        }
    }

    /// When there is a token for whoever comes now and lets all go first that wait: `now`, or later.
    pub(super) fn next_free(&self, now: Timestamp) -> Timestamp {
        self.token_at(self.waiting, now)
    }

    pub(super) fn join(&mut self) {
        self.waiting = self.waiting.saturating_add(1);
    }

    pub(super) fn leave(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Takes a token, or says when there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let at = self.token_at(0, now);
        if now < at {
            return Err(at);
        }
        self.full_at = after(self.full_at(now).max(now), self.interval);
        Ok(())
    }

    fn token_at(&self, ahead: u32, now: Timestamp) -> Timestamp {
        let missing = remaining(self.full_at(now), now);
        let wanted = self.interval.saturating_mul(ahead.saturating_add(1));
        let capacity = self.capacity();
        after(now, missing.saturating_add(wanted).saturating_sub(capacity))
    }

    /// Never later than an empty bucket needs: if it seems so, the clock was set back.
    fn full_at(&self, now: Timestamp) -> Timestamp {
        self.full_at.min(after(now, self.capacity()))
    }

    /// How long an empty bucket takes to fill.
    fn capacity(&self) -> Duration {
        self.interval.saturating_mul(self.burst.get())
    }
}

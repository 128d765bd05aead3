//! Time that moves only when told to, or as soon as nothing is left to do; random numbers that repeat.

use std::{
    sync::Mutex,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use fanline::{System, Timestamp};
use tokio::time::Instant;

/// A clock set by hand and a counter for randomness: the same test, the same ids.
#[derive(Debug)]
pub struct ManualSystem {
    now: Mutex<Timestamp>,
    next: AtomicU64,
}

impl ManualSystem {
    /// Starts at `now`; two systems with different seeds never produce the same ids.
    pub fn new(now: Timestamp, seed: u32) -> Self {
        Self {
            now: Mutex::new(now),
            next: AtomicU64::new(u64::from(seed) << 32),
        }
    }

    /// Moves the clock forward.
    ///
    /// # Panics
    /// If the clock would pass the year 9999.
    pub fn advance(&self, duration: Duration) {
        let mut now = self.now.lock().expect("no test panics while it holds this");
        *now = now.checked_add(duration).expect("time within jiff's range");
    }
}

impl Default for ManualSystem {
    /// 2026-02-14T10:30:00Z, seed 0.
    fn default() -> Self {
        let now = Timestamp::from_second(1_771_065_000).expect("a valid time");
        Self::new(now, 0)
    }
}

impl System for ManualSystem {
    fn now(&self) -> Timestamp {
        *self.now.lock().expect("no test panics while it holds this")
    }

    fn random(&self) -> u128 {
        // SplitMix64's finalizer spreads the counter over all bits.
        let mut bits = self.next.fetch_add(1, Ordering::Relaxed);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(bits ^ (bits >> 31)) << 64 | u128::from(bits)
    }
}

/// Tokio's clock: in a runtime that starts paused, time passes as soon as nothing is left to do.
#[derive(Debug)]
pub struct VirtualSystem {
    started: Instant,
    epoch: ManualSystem,
}

impl Default for VirtualSystem {
    /// Begins where [`ManualSystem`] does.
    fn default() -> Self {
        Self {
            started: Instant::now(),
            epoch: ManualSystem::default(),
        }
    }
}

impl VirtualSystem {
    /// Time since it was made.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl System for VirtualSystem {
    fn now(&self) -> Timestamp {
        let now = self.epoch.now().checked_add(self.elapsed());
        now.unwrap_or(Timestamp::MAX)
    }

    fn random(&self) -> u128 {
        self.epoch.random()
    }
}

//! One line on a terminal that counts, and the wait that keeps to a rate.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use tokio::time::Instant;

/// Between two changes of the line.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Progress {
    is_terminal: bool,
    started: Instant,
    shown: Option<Instant>,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            started: Instant::now(),
            shown: None,
        }
    }

    /// When so many messages have had their time at this rate.
    pub(super) fn due(&self, sent: u64, rate: u32) -> Instant {
        self.started + Duration::from_secs_f64(sent as f64 / f64::from(rate))
    }

    pub(super) fn show(&mut self, sent: u64, expected: u64) {
        let is_early = self.shown.is_some_and(|shown| shown.elapsed() < PAUSE);
        if !self.is_terminal || is_early {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = self.started.elapsed().as_secs_f64().max(0.1);
        let rate = sent as f64 / seconds;
        eprint!("\r\x1b[K{sent} of about {expected} redriven, {rate:.0} per second");
        let _ = std::io::stderr().flush();
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if self.shown.take().is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

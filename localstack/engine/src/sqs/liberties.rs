//! What AWS leaves open on standard queues, made use of on purpose.
//!
//! AWS promises best-effort order and delivery at least once. An emulator that always delivers
//! in order and once hides the mistakes of those who rely on it; the seed decides where this one
//! does otherwise. FIFO queues have no such freedom.

use fastrand::Rng;

/// Freedoms of a standard queue; none is taken by default.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Liberties {
    /// Messages are handed out in any order.
    pub any_order: bool,
    /// A receive may return fewer messages than it asked for and could have had, and a short
    /// poll none at all, as it asks only some of SQS's servers.
    pub partial_receives: bool,
    /// The share of receives, from 0 to 1, after which the message can be received a second time
    /// at once, and of deletes after which it turns up again.
    pub duplicates: f64,
}

impl Liberties {
    /// Whether this receive or delete leads to a duplicate.
    pub(super) fn duplicates(self, random: &mut Rng) -> bool {
        self.duplicates > 0.0 && random.f64() < self.duplicates
    }

    /// How many of the messages that a receive may take it gets.
    pub(super) fn share(self, random: &mut Rng, most: usize, waits: bool) -> usize {
        if !self.partial_receives || most == 0 {
            return most;
        }
        random.usize(usize::from(waits)..=most)
    }
}

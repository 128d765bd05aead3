//! Figures about a queue: what it holds now, and what happened since it was created.
//!
//! `arrived = deleted + expired + moved + purged + held`, always; a property test holds it.

/// How many messages are in which state now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Could be received now.
    pub available: usize,
    /// Received, neither deleted nor visible again.
    pub in_flight: usize,
    /// Sent, not yet visible.
    pub delayed: usize,
}

impl Counts {
    /// All messages the queue holds.
    pub fn total(&self) -> usize {
        self.available + self.in_flight + self.delayed
    }
}

/// What happened to the messages of a queue since it was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueTotals {
    /// Messages that arrived: sent, published to, or moved here.
    pub arrived: u64,
    /// Times a message was handed to a consumer.
    pub receives: u64,
    /// Deleted by a consumer.
    pub deleted: u64,
    /// Dropped at the end of the retention period.
    pub expired: u64,
    /// Moved to another queue, by redrive policy or move task.
    pub moved: u64,
    /// Dropped by PurgeQueue.
    pub purged: u64,
}

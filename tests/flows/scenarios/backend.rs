//! Where scenarios run, as far as they need to know.

use crate::{cloud::Cloud, http::Site};

/// What a scenario needs to be deployed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stack {
    /// The project's template.
    Main,
    /// The project's template, in a way that [`Backend::redeploy`] can replace it.
    Replaceable,
    /// `templates/fifo.yaml`.
    Fifo,
}

/// A deployed stack and what can be done to it.
pub(super) trait Backend {
    /// Whether functions get a body as it was sent; else it may be JSON written anew.
    const KEEPS_BODIES: bool;

    /// Its queues, topics and tables.
    fn cloud(&self) -> &Cloud;

    /// A function's URL.
    async fn site(&self, function: &str) -> Site;

    /// Processes of a function that run now.
    fn processes(&self, function: &str) -> Vec<u32>;

    /// Replaces the functions by new ones, while what is in queues and tables stays. As on AWS, the old
    /// ones finish what they have in hand.
    async fn redeploy(&mut self);

    /// Ends it, and says how many messages a queue has handed out since the scenario began, redeliveries included.
    async fn end_counting(self, queues: &[&str]) -> Vec<u64>;

    /// Ends what was started for the scenario alone.
    async fn end(self);
}

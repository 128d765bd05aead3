//! `fanline simulate`: workers in a world that a seed decides, again and again, until a promise is broken.
//!
//! What could be got wrong is a failure that cannot be seen again: whatever is shown names the scenario and the seed.

mod command;
mod scenario;
mod tally;

pub use command::{Options, run};

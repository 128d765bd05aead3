//! What tests of Fanline workers are made of: a dedup store and a queue in memory, a clock set by
//! hand, faults on request, and the contracts that every store and every queue must keep.
//!
//! For dev-dependencies only: nothing here forgets, expires or fails unless it is told to.

pub mod contract;
mod faulty;
mod memory;
mod messages;
mod queue;
mod system;

pub use faulty::{Fault, FaultyStore};
pub use memory::{MemoryStore, MemoryTransaction};
pub use messages::{envelope, message};
pub use queue::MemoryQueue;
pub use system::{ManualSystem, VirtualSystem};

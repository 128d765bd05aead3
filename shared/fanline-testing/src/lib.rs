//! What tests of Fanline workers are made of: an in-memory dedup store, a clock set by hand,
//! faults on request, and the contract that every dedup store must keep.
//!
//! For dev-dependencies only: nothing here forgets, expires or fails unless it is told to.

pub mod contract;
mod faulty;
mod memory;
mod messages;
mod system;

pub use faulty::{Fault, FaultyStore};
pub use memory::{MemoryStore, MemoryTransaction};
pub use messages::{envelope, message};
pub use system::ManualSystem;

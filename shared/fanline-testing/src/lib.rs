//! What tests of Fanline workers are made of: a [`Harness`] that runs a worker in memory, and the parts of it
//! for tests that go further: dedup store, queue, payload store and topic in memory, a clock set by hand,
//! faults on request, and the contracts that each of them must keep. [`sim`] puts workers into a world that a seed decides.
//!
//! For tests, and for the command that simulates: nothing here forgets, expires or fails unless it is told to.

pub mod contract;
mod faulty;
mod harness;
mod memory;
mod messages;
mod payloads;
mod publisher;
mod queue;
pub mod sim;
mod system;

pub use faulty::{Fault, FaultyStore};
pub use harness::{Buried, Harness, NthCall, Step, crash_at};
pub use memory::{MemoryStore, MemoryTransaction};
pub use messages::{envelope, message};
pub use payloads::MemoryPayloads;
pub use publisher::RecordingPublisher;
pub use queue::MemoryQueue;
pub use system::{ManualSystem, VirtualSystem};

/// That guide's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/simulation.md")]
struct SimulationGuide;

//! Simulation: workers, queues, dedup table and clock in one world that a seed decides, faults included.
//!
//! [`Simulation`] says what is simulated, [`Faults`] what goes wrong, [`Property`] what must hold all the same. A run
//! that breaks a promise becomes a [`Failure`]: as small as it gets, with the story of the event. The guide is
//! `docs/simulation.md`.

mod background;
mod cloud;
mod commands;
mod dice;
mod failure;
mod fault;
mod handle;
mod host;
mod injector;
mod ledger;
mod network;
mod picture;
mod property;
mod queue;
mod run;
pub mod scenarios;
mod simulation;
mod store;
mod timeline;
mod watch;
mod world;

pub use failure::Failure;
pub use fault::{Fault, Faults};
pub use handle::{Handle, Lost};
pub use injector::Injected;
pub use ledger::Counts;
pub use network::Service;
pub use property::{Property, Violation};
pub use run::Run;
pub use simulation::{End, Simulation};
pub use timeline::{Step, Timeline};

//! Batches through the whole pipeline, on the in-memory store.

mod crashes;
mod order;
mod outcomes;
mod properties;
mod world;

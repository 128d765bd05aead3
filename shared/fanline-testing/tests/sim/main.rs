//! The simulation itself: that it keeps its own promises.

mod mapping;

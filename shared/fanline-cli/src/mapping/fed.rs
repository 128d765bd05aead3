//! What a function that no queue feeds was given, and what became of it: changes of a table, or
//! messages of a topic that invokes it directly.
//!
//! Each item that was given ends in exactly one of succeeded and given up, so what is neither is
//! still on its way.

use std::sync::Arc;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fed {
    /// Items are there for the function.
    Given {
        /// The function's name.
        function: Arc<str>,
        /// How many.
        count: u64,
    },
    /// The function handled items.
    Succeeded {
        /// The function's name.
        function: Arc<str>,
        /// How many.
        count: u64,
    },
    /// The function did not handle items, which it is given again.
    Retried {
        /// The function's name.
        function: Arc<str>,
        /// How many.
        count: u64,
        /// Why, in one line.
        reason: String,
    },
    /// Items that the function is not given again.
    GivenUp {
        /// The function's name.
        function: Arc<str>,
        /// How many.
        count: u64,
        /// Why, and where they went, in one line.
        reason: String,
    },
    /// Something that a person should know.
    Problem {
        /// What happened and what is done about it, in one line.
        text: String,
    },
}

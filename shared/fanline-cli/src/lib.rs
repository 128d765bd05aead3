//! What the `fanline` command is made of, as a library, so that tests and other tools can call it.

pub mod template;

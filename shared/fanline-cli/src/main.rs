//! The `fanline` command.
fn main() {}

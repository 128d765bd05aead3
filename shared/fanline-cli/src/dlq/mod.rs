//! `fanline dlq`: why messages are dead letters, and back to their queue with them.
//!
//! Everything is done by receiving, sending and deleting, so that it works wherever SQS does. The
//! one thing to get wrong: a message is deleted only after it was sent, and what was only looked
//! at is given back.

mod destination;
mod edit;
mod filter;
mod group;
mod letter;
mod list;
mod look;
mod purge;
mod reader;
mod redrive;
mod send;
mod session;
mod settle;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub use filter::Filter;

use crate::Error;

/// Arguments of `fanline dlq`.
#[derive(Args, Debug)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Shows what is in a dead-letter queue, grouped by reason and type.
    List(list::Options),
    /// Shows one dead letter: why it failed, its attributes, its body.
    Show(show::Options),
    /// Changes the body of one dead letter and sends it back.
    Edit(edit::Options),
    /// Sends dead letters back to the queue they failed in.
    Redrive(redrive::Options),
    /// Deletes dead letters for good.
    Purge(purge::Options),
}

/// Runs one of the subcommands.
///
/// # Errors
/// If the queue cannot be found or used.
pub async fn run(options: Options) -> Result<ExitCode, Error> {
    match options.command {
        Command::List(options) => list::run(options).await,
        Command::Show(options) => show::run(options).await,
        Command::Edit(options) => edit::run(options).await,
        Command::Redrive(options) => redrive::run(options).await,
        Command::Purge(options) => purge::run(options).await,
    }
}

//! `fanline queues`: how full queues are, and their dead-letter queues.

use std::process::ExitCode;

use clap::Args;

use crate::Error;

/// Arguments of `fanline queues`.
#[derive(Args, Debug)]
pub struct Options {}

/// Shows them.
///
/// # Errors
/// If SQS cannot be asked.
pub async fn run(_options: Options) -> Result<ExitCode, Error> {
    Ok(ExitCode::SUCCESS)
}

//! The `fanline` command: arguments in, one or two lines of error out.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use fanline_cli::{check, dev, dlq, engine, publish, queues, simulate};

/// Builds, runs and feeds serverless workers on SNS, SQS, Lambda and DynamoDB.
#[derive(Parser)]
#[command(name = "fanline", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compares template.yaml with what the functions' binaries say of themselves.
    Check(check::Options),
    /// Runs everything template.yaml declares on this machine and shows what becomes of each event.
    Dev(dev::Options),
    /// Shows the dead letters of a queue, mends them, brings them back or deletes them.
    Dlq(dlq::Options),
    /// Serves SQS, SNS and DynamoDB on one port of this machine.
    Engine(engine::Options),
    /// Publishes one event, or a file of them, to a topic.
    Publish(publish::Options),
    /// Shows how full queues and their dead-letter queues are.
    Queues(queues::Options),
    /// Proves by simulation that workers lose nothing and do nothing twice.
    Simulate(simulate::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Arguments::parse().command {
        Command::Check(options) => check::run(options).await,
        Command::Dev(options) => dev::run(options).await,
        Command::Dlq(options) => dlq::run(options).await,
        Command::Engine(options) => engine::run(options).await,
        Command::Publish(options) => publish::run(options).await,
        Command::Queues(options) => queues::run(options).await,
        Command::Simulate(options) => simulate::run(options).await,
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fanline: {error}");
            ExitCode::FAILURE
        }
    }
}

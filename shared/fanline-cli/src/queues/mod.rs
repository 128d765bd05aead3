//! `fanline queues`: how full queues are, and their dead-letter queues.
//!
//! There is no age of the oldest message: SQS tells it to CloudWatch alone. What one could receive
//! to find out is a message that a worker then does not get, and seldom the oldest one.

mod row;

use std::{io::IsTerminal, process::ExitCode, time::Duration};

use aws_sdk_sqs::Client;
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    Error, aws,
    interrupt::Stop,
    output::{is_read, say},
    queue::{self, Queue},
};

/// Between two looks of --watch.
const PAUSE: Duration = Duration::from_secs(2);

/// Queues that are asked at once.
const CALLS_AT_ONCE: usize = 10;

/// Shows how many messages wait in queues and how many are dead letters. Receives nothing.
#[derive(Args, Debug)]
#[command(after_help = "Example: fanline queues --prefix email- --watch")]
pub struct Options {
    /// These queues only: names, URLs or ARNs.
    #[arg(value_name = "QUEUE")]
    queues: Vec<String>,
    /// Queues whose names begin so.
    #[arg(long, value_name = "TEXT", conflicts_with = "queues")]
    prefix: Option<String>,
    /// Look again every 2 seconds until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// One JSON array on stdout; with --watch one in a line at each look.
    #[arg(long)]
    json: bool,
    /// Where SQS is: `cargo fanline dev` prints its address; default is AWS.
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL")]
    endpoint_url: Option<String>,
}

/// Shows them once, or until an interrupt.
///
/// # Errors
/// If SQS cannot be asked, or a queue does not exist.
pub async fn run(options: Options) -> Result<ExitCode, Error> {
    let config = aws::config(options.endpoint_url.as_deref()).await?;
    let sqs = Client::new(&config);
    if !options.watch {
        say(shown(&look(&sqs, &options).await?, options.json));
        return Ok(ExitCode::SUCCESS);
    }
    let stop = Stop::on_interrupt();
    let redraws = std::io::stdout().is_terminal() && !options.json;
    let mut lines_drawn = 0;
    while !stop.is_set() {
        let text = tokio::select! {
            queues = look(&sqs, &options) => shown(&queues?, options.json),
            () = stop.asked() => break,
        };
        if redraws && lines_drawn > 0 {
            // Up so many lines, then clear to the end of the screen.
            print!("\x1b[{lines_drawn}A\x1b[J");
        }
        if !is_read(&text) {
            break;
        }
        lines_drawn = text.lines().count();
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.asked() => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The queues that are asked for, and the dead-letter queues of those, if they are others.
async fn look(sqs: &Client, options: &Options) -> Result<Vec<row::Row>, Error> {
    let found: Vec<Queue> = if options.queues.is_empty() {
        let urls = queue::urls(sqs, options.prefix.as_deref().unwrap_or_default()).await?;
        let calls: Vec<_> = urls.iter().map(|url| Queue::at(sqs, url)).collect();
        let calls = stream::iter(calls).buffered(CALLS_AT_ONCE);
        calls.try_collect().await?
    } else {
        let calls: Vec<_> = options
            .queues
            .iter()
            .map(|text| Queue::find(sqs, text))
            .collect();
        let calls = stream::iter(calls).buffered(CALLS_AT_ONCE);
        calls.try_collect().await?
    };
    let missing = row::missing(&found);
    let calls: Vec<_> = missing.iter().map(|arn| Queue::find(sqs, arn)).collect();
    // One that is gone, or in another region, is no reason to show nothing.
    let others = stream::iter(calls).buffered(CALLS_AT_ONCE);
    let others: Vec<Queue> = others.filter_map(async |found| found.ok()).collect().await;
    Ok(row::rows(&found, &others))
}

fn shown(rows: &[row::Row], json: bool) -> String {
    match (json, rows.is_empty()) {
        (true, _) => serde_json::to_string(rows).unwrap_or_default(),
        (false, true) => "no queues".to_owned(),
        (false, false) => row::show(rows),
    }
}

//! What every subcommand starts with: a client, the dead-letter queue, and an ear for Ctrl-C.

use aws_sdk_sqs::Client;
use clap::Args;

use super::reader::Reader;
use crate::{Error, aws, interrupt::Stop, queue::Queue};

/// Where the dead letters are.
#[derive(Args, Clone, Debug)]
pub(super) struct Place {
    /// Dead-letter queue, or the queue that it belongs to: name, URL or ARN.
    #[arg(value_name = "QUEUE")]
    queue: String,
    /// Where SQS is: `cargo fanline dev` prints its address; default is AWS.
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL")]
    endpoint_url: Option<String>,
}

pub(super) struct Session {
    pub(super) sqs: Client,
    pub(super) queue: Queue,
    pub(super) stop: Stop,
}

impl Session {
    /// Finds the dead-letter queue and says on stderr what the user should know of it.
    pub(super) async fn open(place: &Place) -> Result<Self, Error> {
        let config = aws::config(place.endpoint_url.as_deref()).await?;
        let sqs = Client::new(&config);
        let queue = dead_letter_queue(&sqs, &place.queue).await?;
        let stop = Stop::on_interrupt();
        Ok(Self { sqs, queue, stop })
    }

    pub(super) fn reader(&self, hold_seconds: i32) -> Reader<'_> {
        Reader::new(&self.sqs, &self.queue, &self.stop, hold_seconds)
    }
}

/// A queue with a redrive policy is meant to stand for its dead-letter queue, unless it is one
/// itself.
async fn dead_letter_queue(sqs: &Client, text: &str) -> Result<Queue, Error> {
    let queue = Queue::find(sqs, text).await?;
    let Some(redrive) = &queue.redrive else {
        return Ok(queue);
    };
    if !queue.sources(sqs).await?.is_empty() {
        eprintln!(
            "fanline: {} is a dead-letter queue with a redrive policy of its own: what is received {} times, also by this command, moves on to {}",
            queue.name,
            redrive.most_receives,
            aws::last_part(&redrive.target_arn)
        );
        return Ok(queue);
    }
    let dead_letters = Queue::find(sqs, &redrive.target_arn).await?;
    eprintln!(
        "fanline: {} has its dead letters in {}",
        queue.name, dead_letters.name
    );
    Ok(dead_letters)
}

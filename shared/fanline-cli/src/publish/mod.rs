//! `fanline publish`: one event from the command line, or a file of them.

pub mod events_file;

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use fanline::{Metadata, publish::Outgoing};
use fanline_aws::{Publisher, RealSystem};
use serde_json::{Value, json};

use crate::{Error, aws};
use events_file::EventsFile;

/// Arguments of `fanline publish`.
#[derive(Args, Debug)]
pub struct Options {
    /// Topic, by name or ARN. With --file, the topic of lines that name none.
    #[arg(long, required_unless_present = "file")]
    topic: Option<String>,
    /// Event type, for example user.signed_up.
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "file")]
    event_type: Option<String>,
    /// The event's data as JSON.
    #[arg(long, value_name = "JSON", required_unless_present = "file")]
    data: Option<String>,
    /// Version of the data's schema.
    #[arg(long, value_name = "N", default_value_t = 1)]
    event_version: u32,
    /// Who the event is from.
    #[arg(long, default_value = "fanline publish")]
    source: String,
    /// Correlation id for the event and all that follows from it.
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// JSON Lines file of events, as `fanline dev --events` takes it.
    #[arg(long, conflicts_with_all = ["event_type", "data"])]
    file: Option<PathBuf>,
    /// Where SNS is: `cargo fanline dev` prints its address; default is AWS.
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL")]
    endpoint_url: Option<String>,
}

/// Publishes and prints the event id of each event, one per line.
///
/// # Errors
/// If the file cannot be read or SNS not be reached. What else was not published is named on
/// stderr; the exit code is then 1.
pub async fn run(options: Options) -> Result<ExitCode, Error> {
    let (events, mut complete) = match &options.file {
        Some(path) => {
            let file = EventsFile::read(path)?.with_default_topic(options.topic.as_deref());
            for problem in &file.problems {
                eprintln!("fanline: {problem}; skipped");
            }
            let complete = file.problems.is_empty();
            (file.expanded(), complete)
        }
        None => (vec![single(&options)?], true),
    };
    let config = aws::config(options.endpoint_url.as_deref()).await?;
    let client = aws_sdk_sns::Client::new(&config);
    for (topic, outgoing) in by_topic(events) {
        let topic_arn = topic_arn(&client, &topic).await?;
        let publisher = Publisher::new(client.clone(), topic_arn, &options.source);
        let refused = match publisher.send(&outgoing).await {
            Ok(()) => Vec::new(),
            Err(error) => error.refused,
        };
        for event in &refused {
            complete = false;
            eprintln!(
                "fanline: {} not published: {}",
                event.event_id, event.reason
            );
        }
        let is_refused = |index: usize| refused.iter().any(|event| event.index == index);
        for (index, event) in outgoing.iter().enumerate() {
            if !is_refused(index) {
                println!("{}", event.event_id);
            }
        }
    }
    Ok(if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Groups events by topic, keeping their order within each.
pub fn by_topic(events: Vec<(String, Outgoing)>) -> Vec<(String, Vec<Outgoing>)> {
    let mut topics: Vec<(String, Vec<Outgoing>)> = Vec::new();
    for (topic, event) in events {
        match topics.iter_mut().find(|(name, _)| *name == topic) {
            Some((_, events)) => events.push(event),
            None => topics.push((topic, vec![event])),
        }
    }
    topics
}

fn single(options: &Options) -> Result<(String, Outgoing), Error> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let data: Value = serde_json::from_str(&text(&options.data))
        .map_err(|error| Error::new(format!("--data is not JSON: {error}")))?;
    let mut metadata = Metadata::new(&RealSystem, &options.source, options.event_version);
    metadata.correlation_id.clone_from(&options.correlation_id);
    let event_type = text(&options.event_type);
    let event = json!({"type": event_type, "data": data, "metadata": metadata});
    Ok((text(&options.topic), events_file::outgoing(&event)))
}

/// The ARN of a topic given by name or ARN.
///
/// # Errors
/// If there is no such topic; the error lists those there are.
pub async fn topic_arn(client: &aws_sdk_sns::Client, topic: &str) -> Result<String, Error> {
    if topic.starts_with("arn:") {
        return Ok(topic.to_owned());
    }
    let mut names = Vec::new();
    let mut pages = client.list_topics().into_paginator().items().send();
    while let Some(found) = pages.next().await {
        let found = found.map_err(|error| aws::call_error("sns ListTopics", &error))?;
        let arn = found.topic_arn.unwrap_or_default();
        if aws::last_part(&arn) == topic {
            return Ok(arn);
        }
        names.push(aws::last_part(&arn).to_owned());
    }
    let known = match names.is_empty() {
        true => "there are no topics".to_owned(),
        false => format!("topics: {}", names.join(", ")),
    };
    Err(Error::new(format!("no topic {topic:?}; {known}")))
}

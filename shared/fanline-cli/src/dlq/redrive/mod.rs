//! `fanline dlq redrive`: back to the queue they failed in.
//!
//! Receive, send, delete, ten at a time: cut short anywhere, a message is in the dead-letter queue
//! or in both, and its event id recognises the second.

mod progress;
mod run;

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{
    destination::Destinations,
    filter::Filter,
    group::{groups, show},
    look::{Limits, look},
    session::{Place, Session},
};
use crate::{Error, output::say};
use run::{Redriven, Run};

/// Sends dead letters back to the queue they failed in, as they were, and deletes them.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: fanline dlq redrive email-service-dlq --type user.signed_up --older-than 10m --rate 20"
)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// Queue to send to instead, of the same type: name, URL or ARN.
    #[arg(long, value_name = "QUEUE")]
    to: Option<String>,
    /// No more than so many messages per second, so that the worker keeps up.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// No more than so many messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,
    /// Show which would be sent where; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: Filter,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Error> {
    let session = Session::open(&options.place).await?;
    let destinations = Destinations::of(&session, options.to.as_deref()).await?;
    if options.dry_run {
        return dry_run(&session, &destinations, &options).await;
    }
    let run = Run::new(&session, &destinations, &options);
    let redriven = run.finish().await;
    report(&session, &destinations, &redriven, options.json).await;
    let is_complete = redriven.refused == 0 && redriven.not_deleted == 0;
    match redriven.failed {
        Some(error) => Err(error),
        None if is_complete => Ok(session.stop.code()),
        None => Ok(ExitCode::FAILURE),
    }
}

async fn dry_run(
    session: &Session,
    destinations: &Destinations,
    options: &Options,
) -> Result<ExitCode, Error> {
    let limits = Limits {
        found: options.max,
        without_bodies: true,
        ..Limits::default()
    };
    let look = look(session, &options.filter, limits).await?;
    let count = look.letters.len();
    let groups = groups(&look.letters);
    if options.json {
        let to: Vec<_> = destinations.all().map(|queue| &queue.name).collect();
        let object = json!({
            "queue": session.queue.name, "to": to, "dry_run": true, "would_redrive": count, "groups": groups,
        });
        say(object);
    } else if count > 0 {
        say(show(&groups));
    }
    for letter in &look.letters {
        if let Err(reason) = destinations.for_letter(letter) {
            eprintln!("fanline: {} would stay: it {reason}", letter.id());
        }
    }
    look.remarks
        .iter()
        .for_each(|remark| eprintln!("fanline: {remark}"));
    eprintln!(
        "fanline: dry run: {count} of {} looked at would go from {} to {}; nothing is changed",
        look.looked_at,
        session.queue.name,
        destinations.names()
    );
    Ok(session.stop.code())
}

async fn report(session: &Session, destinations: &Destinations, redriven: &Redriven, json: bool) {
    // A failed look must not hide what was done.
    let after = session.queue.again(&session.sqs).await.ok();
    let left = after.as_ref().map(|queue| queue.waiting + queue.delayed);
    let in_flight = after.as_ref().map_or(0, |queue| queue.in_flight);
    if json {
        let to: Vec<_> = destinations.all().map(|queue| &queue.name).collect();
        let object = json!({
            "queue": session.queue.name, "to": to, "redriven": redriven.sent,
            "refused": redriven.refused, "not_deleted": redriven.not_deleted,
            "arrived_since": redriven.arrived_since, "left": left, "in_flight": in_flight,
        });
        say(object);
    } else {
        let left = left.map_or_else(|| "?".to_owned(), |left| left.to_string());
        say(format!(
            "{} redriven to {}, {} refused, {left} left in {}",
            redriven.sent,
            destinations.names(),
            redriven.refused,
            session.queue.name
        ));
    }
    for remark in redriven.remarks(&session.queue, in_flight) {
        eprintln!("fanline: {remark}");
    }
}

//! `fanline dlq purge`: deletes dead letters for good.

use std::process::ExitCode;

use clap::Args;
use fanline::{System, Timestamp};
use fanline_aws::RealSystem;
use serde_json::json;

use super::{
    filter::Filter,
    group::{Tally, groups, show},
    letter::Letter,
    look::{Limits, in_flight, look},
    session::{Place, Session},
    settle::{MOST_ENTRIES, delete},
};
use crate::{Error, output::say};

/// Enough for deleting ten, with retries; after a kill they are visible again so soon.
const HOLD_SECONDS: i32 = 30;

/// Deletes dead letters for good. Shows what it would delete, and deletes only with --yes.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: fanline dlq purge email-service-dlq --type user.deleted --older-than 3d --yes"
)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// Delete them. They cannot be brought back.
    #[arg(long)]
    yes: bool,
    /// No more than so many messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: Filter,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Error> {
    let session = Session::open(&options.place).await?;
    match options.yes {
        true => purge(&session, &options).await,
        false => dry_run(&session, &options).await,
    }
}

async fn dry_run(session: &Session, options: &Options) -> Result<ExitCode, Error> {
    let limits = Limits {
        found: options.max,
        without_bodies: true,
        ..Limits::default()
    };
    let look = look(session, &options.filter, limits).await?;
    let (count, groups) = (look.letters.len(), groups(&look.letters));
    if options.json {
        let object = json!({
            "queue": session.queue.name, "dry_run": true, "would_delete": count, "groups": groups,
        });
        say(object);
    } else if count > 0 {
        say(show(&groups));
    }
    look.remarks
        .iter()
        .for_each(|remark| eprintln!("fanline: {remark}"));
    eprintln!(
        "fanline: dry run: {count} of {} looked at would be deleted from {}; --yes deletes them for good",
        look.looked_at, session.queue.name
    );
    Ok(session.stop.code())
}

async fn purge(session: &Session, options: &Options) -> Result<ExitCode, Error> {
    let started = RealSystem.now();
    let mut reader = session.reader(HOLD_SECONDS);
    let (mut deleted, mut others) = (0_u64, Tally::default());
    let mut failed = None;
    while failed.is_none() {
        let left = options.max.unwrap_or(u64::MAX) - deleted;
        if left == 0 {
            break;
        }
        let most = usize::try_from(left).unwrap_or(MOST_ENTRIES);
        let received = match reader.next(most).await {
            Ok(received) if received.is_empty() => break,
            Ok(received) => received,
            Err(error) => {
                failed = Some(error);
                break;
            }
        };
        let (meant, rest): (Vec<_>, Vec<_>) = received
            .into_iter()
            .partition(|one| is_meant(&options.filter, &one.letter, started));
        rest.iter().for_each(|one| others.add(&one.letter));
        let handles: Vec<String> = meant.iter().map(|one| one.handle.clone()).collect();
        match delete(&session.sqs, &session.queue, &handles).await {
            Ok(()) => {
                deleted += meant.len() as u64;
                meant
                    .iter()
                    .for_each(|one| reader.forget(&one.letter.message_id));
            }
            Err((count, error)) => {
                deleted += (meant.len() - count) as u64;
                failed = Some(error);
            }
        }
    }
    reader.give_back().await;
    report(session, options, deleted, &others).await;
    failed.map_or_else(|| Ok(session.stop.code()), Err)
}

/// What came after the command was given was not meant by it.
fn is_meant(filter: &Filter, letter: &Letter, started: Timestamp) -> bool {
    let is_younger = letter.sent_at.is_some_and(|sent_at| sent_at > started);
    !is_younger && filter.takes(letter, started)
}

async fn report(session: &Session, options: &Options, deleted: u64, others: &Tally) {
    let queue = &session.queue;
    // A failed look must not hide what was done.
    let after = queue.again(&session.sqs).await.ok();
    let left = after.as_ref().map(|queue| queue.waiting + queue.delayed);
    if options.json {
        say(json!({"queue": queue.name, "deleted": deleted, "left": left}));
    } else {
        let left = left.map_or_else(|| "?".to_owned(), |left| left.to_string());
        say(format!("{deleted} deleted, {left} left in {}", queue.name));
    }
    let nothing = others.nothing_fits().filter(|_| deleted == 0);
    let others_have = in_flight(after.map_or(0, |queue| queue.in_flight));
    for remark in nothing.into_iter().chain(others_have) {
        eprintln!("fanline: {remark}");
    }
}

//! `fanline dlq list`: what there is, by reason and type, or one by one.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{
    filter::Filter,
    group::{brief, groups, moment, show},
    letter::Letter,
    look::{Limits, Look, look},
    session::{Place, Session},
    show::document,
};
use crate::{
    Error,
    output::say,
    table::{Align, table},
};

/// Looks at dead letters and puts them back. SQS counts each look as a receive.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: fanline dlq list email-service-dlq --type \"user.*\" --reason rejected --newer-than 2h"
)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// One line for each dead letter.
    #[arg(long)]
    each: bool,
    /// Look at no more than so many messages.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    max: u64,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: Filter,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Error> {
    let session = Session::open(&options.place).await?;
    let limits = Limits {
        looked_at: Some(options.max),
        without_bodies: !(options.each && options.json),
        ..Limits::default()
    };
    let look = look(&session, &options.filter, limits).await?;
    if options.json {
        say(as_json(&session, &look, options.each));
    } else {
        match (look.letters.is_empty(), options.each) {
            (true, _) => say(format!("no dead letters in {}", session.queue.name)),
            (_, true) => say(lines(&look.letters)),
            (_, false) => say(show(&groups(&look.letters))),
        }
    }
    for remark in &look.remarks {
        eprintln!("fanline: {remark}");
    }
    Ok(session.stop.code())
}

fn as_json(session: &Session, look: &Look, each: bool) -> Value {
    let mut object = json!({
        "queue": session.queue.name,
        "looked_at": look.looked_at,
        "unseen": look.unseen,
        "in_flight": session.queue.in_flight,
    });
    match each {
        true => object["messages"] = look.letters.iter().map(document).collect(),
        false => object["groups"] = json!(groups(&look.letters)),
    }
    object
}

fn lines(letters: &[Letter]) -> String {
    let head = [
        ("id", Align::Left),
        ("reason", Align::Left),
        ("type", Align::Left),
        ("failed", Align::Left),
        ("attempts", Align::Right),
        ("error", Align::Left),
    ];
    let rows = letters.iter().map(|letter| {
        let note = letter.note.as_ref();
        [
            letter.id().to_owned(),
            letter.reason(),
            letter.type_name().to_owned(),
            moment(letter.failed_at()),
            note.map_or_else(|| "-".to_owned(), |note| note.attempts.to_string()),
            note.map(|note| brief(&note.error)).unwrap_or_default(),
        ]
    });
    table(head, &rows.collect::<Vec<_>>())
}

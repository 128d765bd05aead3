//! `fanline dlq edit`: mend a body and send it back.
//!
//! The one thing to get wrong: the event id. It is what recognises the event as done before, so
//! neither editor nor `--set` may change it.

mod change;
mod editor;
mod hold;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    process::ExitCode,
};

use clap::Args;

use super::{
    destination::Destinations,
    letter::Letter,
    reader::Received,
    send::{Outgoing, send},
    session::{Place, Session},
    settle::delete,
    show::find,
};
use crate::{Error, json_text, output::say, queue::Queue};
use change::{Change, check, parse_change};

/// Between two renewals of the hold there is a third of it.
const HOLD_SECONDS: i32 = 60;

/// Changes the body of one dead letter and sends it back; its event id stays. With an editor, or with --set.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: fanline dlq edit email-service-dlq 0199a1f2 --set data.email=ann@example.com"
)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// Its event id or message id, as `list` shows it.
    id: String,
    /// A field and its new value, as JSON or else as text; may be repeated. Without it the body
    /// opens in $VISUAL, $EDITOR or vi.
    #[arg(long, value_name = "PATH=VALUE", value_parser = parse_change)]
    set: Vec<Change>,
    /// Queue to send to instead, of the same type: name, URL or ARN.
    #[arg(long, value_name = "QUEUE")]
    to: Option<String>,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Error> {
    let session = Session::open(&options.place).await?;
    let destinations = Destinations::of(&session, options.to.as_deref()).await?;
    let mut reader = session.reader(HOLD_SECONDS);
    let found = find(&session, &mut reader, &options.id).await;
    if let Ok(found) = &found {
        reader.forget(&found.letter.message_id);
    }
    // Of a FIFO queue the message may wait for those before it.
    reader.give_back().await;
    let found = found?;
    let edited = edit(&session, &destinations, &found, &options).await;
    let is_sent = matches!(edited, Ok(Edited::Sent(_)));
    if !is_sent {
        hold::give_back(&session, &found.handle).await;
    }
    match edited? {
        Edited::Sent(to) => say(format!("{} sent to {}", found.letter.id(), to.name)),
        Edited::Unchanged => say(format!("{} is unchanged; nothing sent", found.letter.id())),
    }
    Ok(ExitCode::SUCCESS)
}

enum Edited<'a> {
    Sent(&'a Queue),
    Unchanged,
}

async fn edit<'a>(
    session: &Session,
    destinations: &'a Destinations,
    found: &Received,
    options: &Options,
) -> Result<Edited<'a>, Error> {
    let letter = &found.letter;
    let to = destinations
        .for_letter(letter)
        .map_err(|reason| Error::new(format!("{}: {reason}", letter.id())))?;
    if !options.set.is_empty() {
        let edited = change::apply(&letter.body, &options.set)?;
        return finish(session, to, found, &edited).await;
    }
    let shown = json_text::pretty(&letter.body);
    let editing = editor::edit(&letter.message_id, &shown);
    let edited = hold::while_it_lasts(session, &found.handle, HOLD_SECONDS, editing).await?;
    if edited.text == shown {
        edited.remove();
        return Ok(Edited::Unchanged);
    }
    match finish(session, to, found, &edited.text).await {
        Ok(done) => {
            edited.remove();
            Ok(done)
        }
        // What was typed is not lost with a mistake in it.
        Err(error) => Err(edited.kept(&error)),
    }
}

/// Sends what the message is to be, if it is another and may be.
async fn finish<'a>(
    session: &Session,
    to: &'a Queue,
    found: &Received,
    edited: &str,
) -> Result<Edited<'a>, Error> {
    if same(edited, &found.letter.body) {
        return Ok(Edited::Unchanged);
    }
    let body = check(&found.letter, edited)?;
    hold::renew(session, &found.handle, HOLD_SECONDS).await?;
    bring_back(session, to, found, body).await?;
    Ok(Edited::Sent(to))
}

fn same(left: &str, right: &str) -> bool {
    left == right
        || json_text::compact(left)
            .is_some_and(|compact| Some(compact) == json_text::compact(right))
}

async fn bring_back(
    session: &Session,
    to: &Queue,
    found: &Received,
    body: String,
) -> Result<(), Error> {
    let mended = Letter {
        body,
        ..found.letter.clone()
    };
    // Another mark than that of the unchanged message, and of another try at mending it.
    let mut hasher = DefaultHasher::new();
    mended.body.hash(&mut hasher);
    let outgoing = Outgoing {
        letter: &mended,
        deduplication_id: format!("edit-{}-{:x}", mended.message_id, hasher.finish()),
    };
    let sent = send(&session.sqs, to, &[outgoing]).await;
    if let Some(error) = sent.failed {
        return Err(error);
    }
    if let Some((_, reason)) = sent.refused.first() {
        return Err(Error::new(format!("{} not sent: {reason}", mended.id())));
    }
    let deleted = delete(
        &session.sqs,
        &session.queue,
        std::slice::from_ref(&found.handle),
    )
    .await;
    deleted.map_err(|(_, reason)| {
        Error::new(format!(
            "{} is sent to {}, but still in {} as it was: {reason}; purge it with --id {}",
            mended.id(),
            to.name,
            session.queue.name,
            mended.message_id
        ))
    })
}

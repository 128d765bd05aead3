//! Events that are too large for the topic: their data is stored, and what refers to it is published.
//!
//! What could be got wrong is the order. A reference is published only once its data can be fetched, and on a
//! FIFO topic an event whose data could not be stored keeps those of its entity waiting.

use std::{borrow::Cow, sync::Arc};

use fanline::{
    claim_check::{CheckedIn, PayloadStore},
    publish::Outgoing,
};
use futures_util::{StreamExt, stream};

use super::{Numbered, Publisher, RefusedEvent, refuse};

/// Payloads that are stored at once, each of them a copy in memory.
const PUTS_AT_ONCE: usize = 4;

/// Where the data of large events goes.
#[derive(Clone, Debug)]
pub(super) struct ClaimCheck {
    pub(super) store: Arc<dyn PayloadStore>,
    /// Events above this size; above what the topic takes if not said.
    pub(super) above: Option<usize>,
}

/// What is to be published for each event, in order: itself, or what refers to its data.
pub(super) async fn check_in<'events>(
    publisher: &Publisher,
    events: &'events [Outgoing],
) -> Vec<Result<Cow<'events, Outgoing>, RefusedEvent>> {
    let Some(claim_check) = &publisher.claim_check else {
        return events
            .iter()
            .map(|event| Ok(Cow::Borrowed(event)))
            .collect();
    };
    let checking: Vec<_> = events
        .iter()
        .enumerate()
        .map(|event| claim_check.check_in(event, publisher.size_limit))
        .collect();
    stream::iter(checking)
        .buffered(PUTS_AT_ONCE)
        .collect()
        .await
}

impl ClaimCheck {
    async fn check_in<'events>(
        &self,
        event: Numbered<'events>,
        size_limit: usize,
    ) -> Result<Cow<'events, Outgoing>, RefusedEvent> {
        let as_it_is = Cow::Borrowed(event.1);
        if event.1.size() <= self.above.unwrap_or(size_limit) {
            return Ok(as_it_is);
        }
        let Some(checked_in) = CheckedIn::new(event.1) else {
            return Ok(as_it_is);
        };
        if let Some(reason) = checked_in.outgoing.misfit(size_limit, "the topic") {
            let reason = format!("without its data {reason}");
            return Err(refuse(event, &reason, true));
        }
        match store(self.store.as_ref(), &checked_in).await {
            Ok(()) => Ok(Cow::Owned(checked_in.outgoing)),
            Err(NotStored { reason, is_final }) => Err(refuse(event, &reason, is_final)),
        }
    }
}

/// Why data is not in the store.
pub(crate) struct NotStored {
    pub(crate) reason: String,
    /// Whether it never will be.
    pub(crate) is_final: bool,
}

/// Stores the data of an event, if it is not too large for the store.
pub(crate) async fn store(
    store: &dyn PayloadStore,
    checked_in: &CheckedIn,
) -> Result<(), NotStored> {
    let (bytes, most) = (checked_in.reference.bytes(), store.size_limit());
    if bytes > most {
        return Err(NotStored {
            reason: format!(
                "{bytes} bytes of data, the payload store takes {most}; make it smaller"
            ),
            is_final: true,
        });
    }
    let key = checked_in.reference.key();
    store
        .put(key, &checked_in.data)
        .await
        .map_err(|problem| NotStored {
            reason: format!("its data could not be stored: {problem}"),
            is_final: false,
        })
}

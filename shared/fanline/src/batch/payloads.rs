//! Fetching what messages only refer to, before the batch is planned.
//!
//! What could be got wrong is to let one reference decide over the rest of the batch. So fetching has half
//! of the time, the data of a batch has a bound that is kept by what the references say before anything is
//! fetched, and what cannot be fetched fails its own record alone.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{Times, route::Routed};
use crate::{
    Outcome, Processor,
    claim_check::{DataRef, Fetched, PayloadStore},
    delivery::remaining,
    retry::jittered,
};

/// Enough to hide round trips; more would share the same bandwidth.
const FETCHES_AT_ONCE: usize = 4;

/// What had no room comes back within this time.
const SPREAD: Duration = Duration::from_secs(30);

/// Where a worker finds data that is too large for messages.
#[derive(Clone)]
pub(crate) struct Payloads {
    pub(crate) store: Arc<dyn PayloadStore>,
    /// Of all data that is fetched for one batch.
    pub(crate) most_bytes: u64,
}

impl Processor {
    /// Gives each routed event that has only a reference its data, or an outcome. Costs nothing without
    /// such events.
    pub(super) async fn fetch_payloads(&self, routed: &mut [Routed<'_>], times: &Times) {
        let references: Vec<(usize, DataRef)> = routed
            .iter()
            .enumerate()
            .filter_map(|(index, routed)| Some((index, routed.data_ref()?.clone())))
            .collect();
        if references.is_empty() {
            return;
        }
        let half = remaining(times.claim_until, times.started) / 2;
        let until = times.started.checked_add(half).unwrap_or(times.claim_until);
        let mut bytes_left = self
            .payloads
            .as_ref()
            .map_or(0, |payloads| payloads.most_bytes);
        let fetches: Vec<_> = references
            .into_iter()
            .map(|(index, reference)| {
                let admitted = self.admit(&reference, &mut bytes_left);
                async move {
                    match admitted {
                        Ok(store) => (index, self.fetch(store, &reference, until).await),
                        Err(outcome) => (index, Err(outcome)),
                    }
                }
            })
            .collect();
        let mut fetched = stream::iter(fetches).buffer_unordered(FETCHES_AT_ONCE);
        while let Some((index, fetched)) = fetched.next().await {
            routed[index].receive(fetched);
        }
    }

    /// Whether there is a store, and room for this data beside what else the batch fetches.
    fn admit(
        &self,
        reference: &DataRef,
        bytes_left: &mut u64,
    ) -> Result<&dyn PayloadStore, Outcome> {
        let Some(payloads) = &self.payloads else {
            return Err(rejected(
                "its data is in a payload store and this worker has none; with fanline-aws, set FANLINE_PAYLOAD_BUCKET or FANLINE_PAYLOAD_TABLE to the publisher's",
            ));
        };
        let (bytes, most) = (reference.bytes(), payloads.most_bytes);
        if bytes > most {
            return Err(rejected(&format!(
                "its data has {bytes} bytes, this worker takes {most} a batch; give it more memory or publish less in one event"
            )));
        }
        match bytes_left.checked_sub(bytes) {
            Some(left) => *bytes_left = left,
            None => return Err(self.without_room(most)),
        }
        Ok(payloads.store.as_ref())
    }

    /// With fewer beside it, it fits. It waits, so as not to come back with the same.
    fn without_room(&self, most_bytes: u64) -> Outcome {
        let wait = jittered(Duration::ZERO, SPREAD, self.system.random());
        Outcome::Retried {
            reason: format!(
                "its data has no room beside that of the rest of its batch, which may have {most_bytes} bytes; give the worker more memory, or receive smaller batches"
            ),
            after: Some(wait),
        }
    }

    async fn fetch(
        &self,
        store: &dyn PayloadStore,
        reference: &DataRef,
        until: Timestamp,
    ) -> Result<Box<RawValue>, Outcome> {
        let limit = remaining(until, self.system.now());
        let fetching = store.fetch(reference.key(), reference.bytes());
        let data = match tokio::time::timeout(limit, fetching).await {
            Ok(Ok(Fetched::Found(data))) => data,
            Ok(Ok(Fetched::Damaged(problem))) => return Err(damaged(&problem)),
            Ok(Ok(Fetched::Missing)) => {
                return Err(rejected(
                    "its data has expired or was never in this worker's payload store; the store must keep data for as long as queue and dead-letter queue keep messages",
                ));
            }
            Ok(Err(problem)) => return Err(unavailable(&problem)),
            Err(_) => return Err(unavailable("the payload store did not answer in time")),
        };
        reference
            .check(&data)
            .map_err(|problem| damaged(&problem))?;
        RawValue::from_string(data).map_err(|_| damaged("it is not JSON"))
    }
}

fn rejected(reason: &str) -> Outcome {
    let reason = reason.to_owned();
    Outcome::Rejected { reason }
}

fn damaged(problem: &str) -> Outcome {
    rejected(&format!(
        "what is in the payload store is not its data: {problem}"
    ))
}

fn unavailable(problem: &str) -> Outcome {
    let reason = format!("its data could not be fetched: {problem}");
    Outcome::Unavailable { reason }
}

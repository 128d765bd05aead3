//! Queues as resources: create, delete, list, attributes, tags, purge.
//!
//! CreateQueue with the attributes a queue already has succeeds; with others it must
//! fail, or a deployment would believe in settings that were never applied.

use super::attempts::Attempts;
use super::attributes::{COMPUTED, QueueAttributes, is_known, unknown};
use super::deduplication::Deduplication;
use super::error::{SqsErrorKind, invalid, missing, no_such_queue};
use super::queue::Queue;
use super::request::*;
use super::store::Store;
use super::{Sqs, SqsError, SqsResponse};
use crate::EpochMillis;
use crate::identity::is_plain_name;
use std::collections::BTreeMap;
use std::sync::Arc;

type Answer = Result<SqsResponse, SqsError>;

const PURGE_PAUSE: EpochMillis = 60_000;
const DELETION_PAUSE: EpochMillis = 60_000;
const MOST_TAGS: usize = 50;

impl Sqs {
    pub(super) fn create_queue(
        &mut self,
        now: EpochMillis,
        base_url: &str,
        call: CreateQueue,
    ) -> Answer {
        let fifo = check_queue_name(&call.queue_name, &call.attributes)?;
        if let Some(queue) = self.queues.get(call.queue_name.as_str()) {
            if queue.attributes.with(&call.attributes)? != queue.attributes {
                return Err(SqsErrorKind::QueueNameExists.because(format!(
                    "A queue already exists with the same name and a different value for attribute {}",
                    differing(&queue.attributes, &call.attributes)
                )));
            }
        } else {
            self.check_deleted_recently(now, &call.queue_name)?;
            let attributes = QueueAttributes::defaults(fifo).with(&call.attributes)?;
            self.check_redrive(&self.identity.queue_arn(&call.queue_name), &attributes)?;
            check_tags(&BTreeMap::new(), &call.tags)?;
            let name: Arc<str> = call.queue_name.as_str().into();
            self.next_queue_id += 1;
            let queue = Queue {
                name: name.clone(),
                arn: self.identity.queue_arn(&name).into(),
                // The random part keeps handles of an earlier run of the engine from fitting.
                id: u64::from(self.random.u32(..)) << 32 | self.next_queue_id,
                attributes,
                tags: call.tags,
                created: now,
                modified: now,
                purged: None,
                store: Store::new(fifo),
                deduplication: Deduplication::default(),
                attempts: Attempts::default(),
                last_sequence: 0,
                new_originals: Vec::new(),
            };
            self.add(queue);
        }
        Ok(SqsResponse::QueueUrl {
            queue_url: self.url(base_url, &call.queue_name),
        })
    }

    /// A queue's name is free again a minute after it was deleted.
    fn check_deleted_recently(&mut self, now: EpochMillis, name: &str) -> Result<(), SqsError> {
        self.deleted.retain(|_, at| now < *at + DELETION_PAUSE);
        if self.deleted.contains_key(name) {
            return Err(SqsErrorKind::QueueDeletedRecently.because(
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
            ));
        }
        Ok(())
    }

    pub(super) fn delete_queue(&mut self, now: EpochMillis, url: &str) -> Answer {
        let name = self.queue(url)?.name.clone();
        self.queues.remove(&name);
        self.deleted.retain(|_, at| now < *at + DELETION_PAUSE);
        self.deleted.insert(name.clone(), now);
        self.wake(&name);
        Ok(SqsResponse::Empty {})
    }

    pub(super) fn get_queue_url(&mut self, base_url: &str, call: &GetQueueUrl) -> Answer {
        let name = call.queue_name.as_str();
        if name.is_empty() {
            return Err(missing("QueueName"));
        }
        let owner = call.queue_owner.as_ref();
        let is_ours = owner.is_none_or(|owner| *owner == self.identity.account);
        if !is_ours || !self.queues.contains_key(name) {
            return Err(no_such_queue());
        }
        Ok(SqsResponse::QueueUrl {
            queue_url: self.url(base_url, name),
        })
    }

    pub(super) fn list_queues(&mut self, base_url: &str, call: &ListQueues) -> Answer {
        let prefix = call.queue_name_prefix.as_deref().unwrap_or_default();
        let names = self.queues.keys().filter(|name| name.starts_with(prefix));
        let (page, next_token) = page(names, call.max_results, call.next_token.as_deref())?;
        Ok(SqsResponse::QueueUrls {
            queue_urls: page.iter().map(|name| self.url(base_url, name)).collect(),
            next_token,
        })
    }

    pub(super) fn get_attributes(&mut self, now: EpochMillis, call: &GetQueueAttributes) -> Answer {
        let queue = self.queue_at(now, &call.queue_url)?;
        if let Some(name) = call.attribute_names.iter().find(|name| !is_known(name)) {
            return Err(unknown(name));
        }
        let wants = |name: &str| {
            call.attribute_names
                .iter()
                .any(|wanted| wanted == "All" || wanted == name)
        };
        let mut attributes = queue.attributes.to_map();
        attributes.retain(|name, _| wants(name));
        let counts = queue.store.counts();
        let computed = [
            counts.available.to_string(),
            counts.delayed.to_string(),
            counts.in_flight.to_string(),
            (queue.created / 1000).to_string(),
            (queue.modified / 1000).to_string(),
            queue.arn.to_string(),
        ];
        let computed = COMPUTED.iter().zip(computed);
        attributes.extend(
            computed
                .filter(|(name, _)| wants(name))
                .map(|(name, value)| ((*name).to_owned(), value)),
        );
        Ok(SqsResponse::Attributes { attributes })
    }

    pub(super) fn set_attributes(&mut self, now: EpochMillis, call: &SetQueueAttributes) -> Answer {
        if call.attributes.is_empty() {
            return Err(missing("Attributes"));
        }
        let queue = self.queue_at(now, &call.queue_url)?;
        let (name, arn) = (queue.name.clone(), queue.arn.clone());
        let changed = queue.attributes.with(&call.attributes)?;
        self.check_redrive(&arn, &changed)?;
        let queue = self.queue(&call.queue_url)?;
        // On a FIFO queue, and only there, the delay also counts for messages that are waiting.
        if changed.fifo && changed.delay_seconds != queue.attributes.delay_seconds {
            let delay = u64::from(changed.delay_seconds) * 1000;
            queue.store.delay_all(now, delay);
        }
        queue.attributes = changed;
        queue.modified = now;
        self.wake(&name);
        Ok(SqsResponse::Empty {})
    }

    pub(super) fn by_arn(&self, arn: &str) -> Option<&Queue> {
        self.queues.get(self.identity.queue_of_arn(arn)?)
    }

    pub(super) fn tag_queue(&mut self, call: TagQueue) -> Answer {
        let queue = self.queue(&call.queue_url)?;
        check_tags(&queue.tags, &call.tags)?;
        queue.tags.extend(call.tags);
        Ok(SqsResponse::Empty {})
    }

    pub(super) fn untag_queue(&mut self, call: &UntagQueue) -> Answer {
        let queue = self.queue(&call.queue_url)?;
        queue.tags.retain(|key, _| !call.tag_keys.contains(key));
        Ok(SqsResponse::Empty {})
    }

    pub(super) fn list_tags(&mut self, url: &str) -> Answer {
        Ok(SqsResponse::Tags {
            tags: self.queue(url)?.tags.clone(),
        })
    }

    pub(super) fn purge_queue(&mut self, now: EpochMillis, url: &str) -> Answer {
        let queue = self.queue_at(now, url)?;
        if queue.purged.is_some_and(|at| now < at + PURGE_PAUSE) {
            return Err(SqsErrorKind::PurgeQueueInProgress.because(format!(
                "Only one PurgeQueue operation on {} is allowed every 60 seconds.",
                queue.name
            )));
        }
        queue.purged = Some(now);
        queue.store.purge();
        Ok(SqsResponse::Empty {})
    }

    pub(super) fn list_dead_letter_sources(
        &mut self,
        base_url: &str,
        call: &ListDeadLetterSourceQueues,
    ) -> Answer {
        let target = self.queue(&call.queue_url)?.arn.clone();
        let names = self.sources_of(&target).map(|queue| &queue.name);
        let (page, next_token) = page(names, call.max_results, call.next_token.as_deref())?;
        Ok(SqsResponse::DeadLetterSources {
            queue_urls: page.iter().map(|name| self.url(base_url, name)).collect(),
            next_token,
        })
    }
}

/// One page of names in their order; the token is the last name of the page before. Without
/// MaxResults there is one page of at most a thousand, and no token, as AWS documents.
fn page<'a>(
    names: impl Iterator<Item = &'a Arc<str>>,
    max_results: Option<i64>,
    token: Option<&str>,
) -> Result<(Vec<&'a Arc<str>>, Option<String>), SqsError> {
    let most = match max_results {
        None => 1000,
        Some(most @ 1..=1000) => most as usize,
        Some(most) => return Err(invalid("MaxResults", most, "Must be from 1 to 1000.")),
    };
    let mut rest = names.filter(|name| token.is_none_or(|token| &***name > token));
    let page: Vec<&Arc<str>> = rest.by_ref().take(most).collect();
    let has_more = max_results.is_some() && rest.next().is_some();
    let last = page.last().filter(|_| has_more);
    let next_token = last.map(|name| name.to_string());
    Ok((page, next_token))
}

/// Whether the queue is to be FIFO.
fn check_queue_name(name: &str, attributes: &BTreeMap<String, String>) -> Result<bool, SqsError> {
    if name.is_empty() {
        return Err(missing("QueueName"));
    }
    let fifo = attributes
        .get("FifoQueue")
        .is_some_and(|flag| flag == "true");
    let stem = name.strip_suffix(".fifo");
    if fifo && stem.is_none() {
        return Err(invalid(
            "QueueName",
            name,
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
        ));
    }
    if !is_plain_name(if fifo { stem.unwrap_or(name) } else { name }, 80) || name.len() > 80 {
        return Err(invalid(
            "QueueName",
            name,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
        ));
    }
    Ok(fifo)
}

fn differing(existing: &QueueAttributes, given: &BTreeMap<String, String>) -> String {
    let is_different = |(name, value): &(&String, &String)| {
        let alone = BTreeMap::from([((*name).clone(), (*value).clone())]);
        existing
            .with(&alone)
            .is_ok_and(|changed| changed != *existing)
    };
    let different = given.iter().find(is_different);
    different.map_or_else(String::new, |(name, _)| name.clone())
}

fn check_tags(
    existing: &BTreeMap<String, String>,
    added: &BTreeMap<String, String>,
) -> Result<(), SqsError> {
    let new = added
        .keys()
        .filter(|key| !existing.contains_key(*key))
        .count();
    if existing.len() + new > MOST_TAGS {
        return Err(SqsErrorKind::InvalidParameterValue
            .because(format!("Too many tags: a queue can have {MOST_TAGS}.")));
    }
    let bad = |(key, value): &(&String, &String)| {
        !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256
    };
    match added.iter().find(bad) {
        Some((key, _)) => Err(invalid(
            "Tags",
            key,
            "A key has 1 to 128 characters, a value at most 256.",
        )),
        None => Ok(()),
    }
}

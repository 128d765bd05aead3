//! Order per entity where the queue keeps none: each event has a number, and what has been done is known.
//!
//! The last number is an item of the dedup table, changed in the handler's own transaction. What could be
//! got wrong is to wait for a missing event for ever: its number may never come. So a gap is waited
//! for a number of attempts, and then passed over or given up.

use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, Update};
use fanline::{
    Failure,
    dedup::{Claim, CommitAnswer, Refusal},
};

use super::item::{Item, text};

const LAST: &str = "last_sequence";

/// The place of an event among those of its entity: 1, 2, 3 …
///
/// An event that comes after a later one was done is stale: it is acknowledged as a duplicate, without
/// effect. One that comes too early (a gap) is tried again by the retry plan; if what is missing has not come
/// by the third attempt, it is processed all the same. An entity of which nothing is known begins
/// at 1, so the first event that a new consumer gets of an old entity is such a gap.
///
/// The last number of each entity stays in the dedup table for good: one small item for each entity and
/// consumer.
///
/// ```
/// use fanline_aws::dynamodb::Sequence;
///
/// let patient = Sequence::new("order-7", 3).gap_attempts(4).or_reject();
/// # let _ = patient;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    entity: String,
    number: u64,
    gap_attempts: u32,
    rejects: bool,
}

impl Sequence {
    /// The `number`th event of `entity`. Numbers start at 1 and have no holes.
    pub fn new(entity: impl Into<String>, number: u64) -> Self {
        Self {
            entity: entity.into(),
            number,
            gap_attempts: 3,
            rejects: false,
        }
    }

    /// At which attempt it is no longer waited for what is missing. Not above the attempts of the retry
    /// plan.
    #[must_use]
    pub fn gap_attempts(mut self, attempts: u32) -> Self {
        self.gap_attempts = attempts;
        self
    }

    /// Makes a dead letter of an event before which others are missing, instead of processing it.
    #[must_use]
    pub fn or_reject(mut self) -> Self {
        self.rejects = true;
        self
    }
}

/// A sequence of one delivery, which decides what a refusal means.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    sequence: Sequence,
    attempt: u32,
    /// Whether a gap is no longer minded.
    passes_gaps: bool,
}

/// What a refused guard comes to.
pub(super) enum Verdict {
    Final(CommitAnswer),
    /// Try the transaction again with this guard.
    Again(Guard),
}

impl Guard {
    pub(super) fn new(sequence: Sequence, attempt: u32) -> Self {
        Self {
            sequence,
            attempt,
            passes_gaps: false,
        }
    }

    /// Moves the last number on, if this is the next one.
    pub(super) fn update(&self, table: &str, claim: &Claim) -> Result<Update, String> {
        let number = |number: u64| aws_sdk_dynamodb::types::AttributeValue::N(number.to_string());
        let Sequence {
            entity,
            number: own,
            ..
        } = &self.sequence;
        // Of one consumer; its name stands before the key.
        let consumer = claim.id.split('#').next().unwrap_or_default();
        let condition = match (self.passes_gaps, own) {
            (true, _) => "attribute_not_exists(#last) OR #last < :own",
            (false, 0 | 1) => "attribute_not_exists(#last) OR #last = :previous",
            (false, _) => "#last = :previous",
        };
        let update = Update::builder()
            .table_name(table)
            .key("id", text(format!("{consumer}#sequence#{entity}")))
            .update_expression("SET #last = :own")
            .condition_expression(condition)
            .expression_attribute_names("#last", LAST)
            .expression_attribute_values(":own", number(*own))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = match self.passes_gaps {
            true => update,
            false => update.expression_attribute_values(":previous", number(own.saturating_sub(1))),
        };
        update.build().map_err(|error| error.to_string())
    }

    /// The condition was false; this is the item with the last number.
    pub(super) fn refused(self, item: Option<&Item>) -> Verdict {
        let last = item.and_then(|item| item.get(LAST)?.as_n().ok()?.parse::<u64>().ok());
        let Sequence { entity, number, .. } = &self.sequence;
        if last.is_some_and(|last| last >= *number) {
            return Verdict::Final(CommitAnswer::Refused(Refusal::Done));
        }
        let last = last.map_or_else(|| "none".to_owned(), |last| last.to_string());
        let gap = format!("event {number} of entity {entity} came, the last one done is {last}");
        let failure = match (
            self.attempt < self.sequence.gap_attempts,
            self.sequence.rejects,
        ) {
            (true, _) => Failure::retry(gap),
            (false, true) => Failure::reject(gap),
            (false, false) => {
                return Verdict::Again(Self {
                    passes_gaps: true,
                    ..self
                });
            }
        };
        Verdict::Final(CommitAnswer::Failed(failure))
    }
}

//! Why a transaction did not commit, told apart.
//!
//! DynamoDB gives a reason for each action, in their order; the first action is the dedup record. What
//! could be got wrong is the order of looking: a duplicate whose conditions are false, too, is a
//! duplicate.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::CancellationReason,
};
use fanline::{
    Failure, Timestamp,
    dedup::{Claim, CommitAnswer, Record, Status},
};

use super::item::{self, Item};
use crate::describe;

/// What no retry of this transaction can mend: a fault of the handler or of the deployment.
const FAULTS: [&str; 3] = [
    "ValidationException",
    "ResourceNotFoundException",
    "AccessDeniedException",
];

#[derive(Debug)]
pub(super) enum Verdict {
    Final(CommitAnswer),
    /// The condition of this write is false (0 is the handler's first), and this is the item.
    ConditionFalse {
        write: usize,
        item: Option<Item>,
    },
    /// Another transaction was in the way.
    Contention,
    /// The table gives no more for now.
    Throttled(String),
    /// The same transaction is still running.
    InProgress,
}

pub(super) fn verdict(
    error: &SdkError<TransactWriteItemsError>,
    claim: &Claim,
    now: Timestamp,
) -> Verdict {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            by_reasons(canceled.cancellation_reasons(), claim, now)
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => Verdict::InProgress,
        service => {
            let code = service.and_then(ProvideErrorMetadata::code);
            let reason = describe(error);
            Verdict::Final(match code.is_some_and(|code| FAULTS.contains(&code)) {
                true => {
                    CommitAnswer::Failed(Failure::retry(format!("transaction refused: {reason}")))
                }
                false => CommitAnswer::Unavailable(reason),
            })
        }
    }
}

fn by_reasons(reasons: &[CancellationReason], claim: &Claim, now: Timestamp) -> Verdict {
    let code = |reason: &CancellationReason| reason.code.clone().unwrap_or_default();
    if let Some(item) = reasons.first().and_then(|reason| reason.item.as_ref()) {
        return Verdict::Final(against(item, claim, now));
    }
    let mut writes = reasons.iter().skip(1).enumerate();
    let refused = writes.find(|(_, reason)| code(reason) == "ConditionalCheckFailed");
    if let Some((write, reason)) = refused {
        let item = reason.item.clone().filter(|item| !item.is_empty());
        return Verdict::ConditionFalse { write, item };
    }
    let met: Vec<String> = reasons
        .iter()
        .map(code)
        .filter(|code| !matches!(code.as_str(), "" | "None"))
        .collect();
    if met.iter().all(|code| code == "TransactionConflict") {
        return Verdict::Contention;
    }
    let described: Vec<String> = reasons
        .iter()
        .enumerate()
        .filter(|(_, reason)| !matches!(code(reason).as_str(), "" | "None"))
        .map(|(index, reason)| {
            let message = reason.message.as_deref().unwrap_or_default();
            format!("action {index}: {}: {message}", code(reason))
        })
        .collect();
    let described = format!("transaction cancelled: {}", described.join("; "));
    let transient = [
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ];
    match met.iter().all(|code| transient.contains(&code.as_str())) {
        true => Verdict::Throttled(described),
        false => Verdict::Final(CommitAnswer::Failed(Failure::retry(described))),
    }
}

fn against(item: &Item, claim: &Claim, now: Timestamp) -> CommitAnswer {
    let record = match item::record(item) {
        Ok(record) => record,
        Err(problem) => return CommitAnswer::Unavailable(problem),
    };
    match Record::commit(Some(&record), claim, now) {
        Err(refusal) => CommitAnswer::Refused(refusal),
        // One's own, whose first answer was lost.
        Ok(_) if record.owner == claim.owner && record.status == Status::Done => {
            CommitAnswer::Committed
        }
        Ok(_) => CommitAnswer::Unavailable("the dedup record lapsed during the call".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use fanline::dedup::Refusal;

    use super::*;

    fn claim() -> Claim {
        Claim {
            id: "consumer#e-1".to_owned(),
            owner: "me".to_owned(),
            fingerprint: "f".to_owned(),
            lease_until: Timestamp::from_second(100).unwrap(),
            expires_at: Timestamp::from_second(1_000).unwrap(),
        }
    }

    fn reason(code: &str) -> CancellationReason {
        CancellationReason::builder().code(code).build()
    }

    fn of(reasons: &[CancellationReason]) -> Verdict {
        by_reasons(reasons, &claim(), Timestamp::from_second(50).unwrap())
    }

    #[test]
    fn duplicate_is_a_duplicate_whatever_else_is_false() {
        let done = item::done(&Claim {
            owner: "another".to_owned(),
            ..claim()
        });
        let duplicate = CancellationReason::builder()
            .code("ConditionalCheckFailed")
            .set_item(Some(done))
            .build();
        let verdict = of(&[duplicate, reason("ConditionalCheckFailed")]);
        assert!(
            matches!(
                verdict,
                Verdict::Final(CommitAnswer::Refused(Refusal::Done))
            ),
            "{verdict:?}"
        );
    }

    #[test]
    fn reasons_are_told_apart() {
        let none = || reason("None");
        let item = Item::from([("a".to_owned(), AttributeValue::Bool(true))]);
        let refused = CancellationReason::builder()
            .code("ConditionalCheckFailed")
            .set_item(Some(item.clone()))
            .build();
        match of(&[none(), none(), refused]) {
            Verdict::ConditionFalse {
                write: 1,
                item: Some(found),
            } => assert_eq!(found, item),
            other => panic!("{other:?}"),
        }
        let contention = of(&[none(), reason("TransactionConflict")]);
        assert!(matches!(contention, Verdict::Contention));
        for code in ["ThrottlingError", "ProvisionedThroughputExceeded"] {
            let throttled = of(&[reason(code), reason("TransactionConflict")]);
            assert!(matches!(throttled, Verdict::Throttled(_)), "{code}");
        }
        match of(&[none(), reason("ItemCollectionSizeLimitExceeded")]) {
            Verdict::Final(CommitAnswer::Failed(failure)) => assert_eq!(
                failure.to_string(),
                "transaction cancelled: action 1: ItemCollectionSizeLimitExceeded: "
            ),
            other => panic!("{other:?}"),
        }
    }
}

//! The dedup store on DynamoDB: conditions in the statements, verdicts by the state machine.

use std::{fmt, sync::Arc};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use fanline::{
    System, Timestamp,
    dedup::{
        Claim, ClaimAnswer, DedupStore, Record, Refusal, SettleAnswer, SettleAs, Settlement,
        Transaction,
    },
};
use futures_util::future::BoxFuture;

use super::{
    DynamoTransaction,
    item::{self, DONE, LEASED, milliseconds, seconds, text},
    statements::{self, Answer, Statement},
};

/// Dedup records in a DynamoDB table.
///
/// Costs for a batch of up to 25 messages: one BatchExecuteStatement to claim if all are
/// new, a second if some were seen before; one to complete or release. Each write of a
/// record under 1 KB is one write unit: two per new message, one per duplicate (the INSERT
/// that is refused) plus one for its refused UPDATE.
#[derive(Clone)]
pub struct DynamoStore {
    client: Client,
    table: Arc<str>,
    system: Arc<dyn System>,
    insert: Arc<str>,
    take_over: Arc<str>,
    complete: Arc<str>,
    release: Arc<str>,
    renew: Arc<str>,
}

impl fmt::Debug for DynamoStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DynamoStore({})", self.table)
    }
}

impl DynamoStore {
    /// A store on `table`. Makes no call.
    pub fn new(client: Client, table: impl Into<Arc<str>>, system: Arc<dyn System>) -> Self {
        let table: Arc<str> = table.into();
        // Statements are the same for every message, so that DynamoDB sees few of them.
        // The names `status` and `owner` are reserved words: quoted.
        Self {
            insert: format!(
                r#"INSERT INTO "{table}" VALUE {{'id': ?, 'status': '{LEASED}', 'owner': ?, 'lease_until': ?, 'expires_at': ?, 'fingerprint': ?}}"#
            )
            .into(),
            take_over: format!(
                r#"UPDATE "{table}" SET "status" = '{LEASED}' SET "owner" = ? SET "lease_until" = ? SET "expires_at" = ? SET "fingerprint" = ? WHERE "id" = ? AND ("expires_at" <= ? OR ("status" = '{LEASED}' AND "lease_until" <= ?))"#
            )
            .into(),
            complete: format!(
                r#"UPDATE "{table}" SET "status" = '{DONE}' WHERE "id" = ? AND "owner" = ?"#
            )
            .into(),
            release: format!(
                r#"UPDATE "{table}" SET "lease_until" = 0 SET "attempts" = ? SET "last_error" = ? WHERE "id" = ? AND "owner" = ? AND "status" = '{LEASED}'"#
            )
            .into(),
            // What was given back has the time 0.
            renew: format!(
                r#"UPDATE "{table}" SET "lease_until" = ? WHERE "id" = ? AND "owner" = ? AND "status" = '{LEASED}' AND "lease_until" > 0"#
            )
            .into(),
            client,
            table,
            system,
        }
    }

    async fn execute(&self, statements: &[Statement]) -> Vec<Answer> {
        statements::execute(&self.client, self.system.as_ref(), statements).await
    }

    fn insert(&self, claim: &Claim) -> Statement {
        Statement {
            text: Arc::clone(&self.insert),
            parameters: vec![
                text(&claim.id),
                text(&claim.owner),
                milliseconds(claim.lease_until),
                seconds(claim.expires_at),
                text(&claim.fingerprint),
            ],
        }
    }

    fn take_over(&self, claim: &Claim, now: Timestamp) -> Statement {
        Statement {
            text: Arc::clone(&self.take_over),
            parameters: vec![
                text(&claim.owner),
                milliseconds(claim.lease_until),
                seconds(claim.expires_at),
                text(&claim.fingerprint),
                text(&claim.id),
                seconds(now),
                milliseconds(now),
            ],
        }
    }

    fn settlement(&self, settlement: &Settlement) -> Statement {
        let (id, owner) = (text(&settlement.id), text(&settlement.owner));
        match &settlement.end {
            SettleAs::Complete => Statement {
                text: Arc::clone(&self.complete),
                parameters: vec![id, owner],
            },
            SettleAs::Release { attempts, error } => Statement {
                text: Arc::clone(&self.release),
                parameters: vec![
                    AttributeValue::N(attempts.to_string()),
                    text(error),
                    id,
                    owner,
                ],
            },
            SettleAs::Renew { lease_until } => Statement {
                text: Arc::clone(&self.renew),
                parameters: vec![milliseconds(*lease_until), id, owner],
            },
        }
    }

    async fn claim_all(&self, claims: &[Claim], now: Timestamp) -> Vec<ClaimAnswer> {
        let inserts: Vec<_> = claims.iter().map(|claim| self.insert(claim)).collect();
        let inserted = self.execute(&inserts).await;
        let existing: Vec<&Claim> = claims
            .iter()
            .zip(&inserted)
            .filter(|(_, answer)| **answer == Answer::Exists)
            .map(|(claim, _)| claim)
            .collect();
        // DuplicateItem never brings the old item; a false WHERE of UPDATE does.
        let updates: Vec<_> = existing
            .iter()
            .map(|claim| self.take_over(claim, now))
            .collect();
        let mut updated = self.execute(&updates).await.into_iter();
        let decided = claims
            .iter()
            .zip(inserted)
            .map(|(claim, answer)| match answer {
                Answer::Exists => {
                    let gone = || Answer::ConditionFalse(None);
                    claim_answer(claim, updated.next().unwrap_or_else(gone), now)
                }
                other => claim_answer(claim, other, now),
            });
        decided.collect()
    }
}

fn claim_answer(claim: &Claim, answer: Answer, now: Timestamp) -> ClaimAnswer {
    let item = match answer {
        Answer::Executed => return ClaimAnswer::Claimed,
        Answer::Unavailable(reason) => return ClaimAnswer::Unavailable(reason),
        Answer::ConditionFalse(Some(item)) => item,
        Answer::Exists | Answer::ConditionFalse(None) => {
            let reason = "the dedup record was deleted between two calls".to_owned();
            return ClaimAnswer::Unavailable(reason);
        }
    };
    let record = match item::record(&item) {
        Ok(record) => record,
        Err(problem) => return ClaimAnswer::Unavailable(problem),
    };
    match Record::claim(Some(&record), claim, now) {
        Err(refusal) => ClaimAnswer::Refused(refusal),
        // One's own claim, whose first answer was lost.
        Ok(_) if record.owner == claim.owner => ClaimAnswer::Claimed,
        Ok(_) => ClaimAnswer::Unavailable("the dedup record lapsed between two calls".to_owned()),
    }
}

fn settle_answer(settlement: &Settlement, answer: Answer) -> SettleAnswer {
    let item = match answer {
        Answer::Executed => return SettleAnswer::Settled,
        Answer::Unavailable(reason) => return SettleAnswer::Unavailable(reason),
        Answer::Exists | Answer::ConditionFalse(None) => {
            return SettleAnswer::Refused(Refusal::NotOwner);
        }
        Answer::ConditionFalse(Some(item)) => item,
    };
    let record = match item::record(&item) {
        Ok(record) => record,
        Err(problem) => return SettleAnswer::Unavailable(problem),
    };
    let next = match &settlement.end {
        SettleAs::Complete => Record::complete(Some(&record), &settlement.owner),
        SettleAs::Release { attempts, error } => {
            Record::release(Some(&record), &settlement.owner, *attempts, error)
        }
        SettleAs::Renew { lease_until } => {
            Record::renew(Some(&record), &settlement.owner, *lease_until)
        }
    };
    SettleAnswer::Refused(next.err().unwrap_or(Refusal::NotOwner))
}

impl DedupStore for DynamoStore {
    fn claim<'a>(&'a self, claims: &'a [Claim], now: Timestamp) -> BoxFuture<'a, Vec<ClaimAnswer>> {
        Box::pin(self.claim_all(claims, now))
    }

    fn settle<'a>(&'a self, settlements: &'a [Settlement]) -> BoxFuture<'a, Vec<SettleAnswer>> {
        Box::pin(async move {
            let statements: Vec<_> = settlements
                .iter()
                .map(|entry| self.settlement(entry))
                .collect();
            let answers = self.execute(&statements).await;
            let decided = settlements.iter().zip(answers);
            decided
                .map(|(entry, answer)| settle_answer(entry, answer))
                .collect()
        })
    }

    fn transaction(&self) -> Option<Arc<dyn Transaction>> {
        Some(Arc::new(DynamoTransaction::new(
            self.client.clone(),
            Arc::clone(&self.table),
            Arc::clone(&self.system),
        )))
    }
}

//! The dedup record as a pure state machine: `(record, event, now) -> record or refusal`.
//!
//! Every store executes exactly these transitions. What must hold: only the owner of a live
//! or lapsed lease changes a leased record, and nothing changes a done one until it expires.

use jiff::Timestamp;

/// What the table holds for one key of one consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Leased or done.
    pub status: Status,
    /// The fence: a token made for one claim, proof of holding the lease.
    pub owner: String,
    /// End of the lease. A lease that was given back ends at the epoch.
    pub lease_until: Timestamp,
    /// From here on the record counts as absent, whether or not the TTL has deleted it.
    pub expires_at: Timestamp,
    /// Hash of the event's data.
    pub fingerprint: String,
    /// Receive count of the last attempt that was given back.
    pub attempts: u32,
    /// Why the last attempt was given back.
    pub last_error: Option<String>,
}

/// Leased or done; an absent record is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Somebody handles it, or did and failed.
    Leased,
    /// Its effect has happened.
    Done,
}

/// A wish to handle one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// `consumer#key`: two consumers never share a key space.
    pub id: String,
    /// A token no other claim has.
    pub owner: String,
    /// Hash of the event's data.
    pub fingerprint: String,
    /// When the claimant will certainly have stopped.
    pub lease_until: Timestamp,
    /// How long the key stays known.
    pub expires_at: Timestamp,
}

/// Why a transition is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// Done before with the same data: a duplicate.
    Done,
    /// Done before with other data: the key was reused.
    Conflict,
    /// Another claim's lease is live.
    Busy {
        /// When it ends.
        until: Timestamp,
    },
    /// The record belongs to another claim, or is gone.
    NotOwner,
}

impl Record {
    /// Takes the lease: of an absent, expired or lapsed record, or of one's own (a claim
    /// whose first answer was lost and is sent again).
    pub fn claim(current: Option<&Self>, claim: &Claim, now: Timestamp) -> Result<Self, Refusal> {
        let Some(record) = current else {
            return Ok(Self::new(claim));
        };
        let expired = record.expires_at <= now;
        let live = !expired && record.lease_until > now;
        match record.status {
            Status::Done if !expired => Err(record.refuse_done(claim)),
            Status::Leased if live && record.owner == claim.owner => Ok(record.clone()),
            Status::Leased if live => Err(Refusal::Busy {
                until: record.lease_until,
            }),
            Status::Leased | Status::Done => Ok(Self {
                attempts: record.attempts,
                last_error: record.last_error.clone(),
                ..Self::new(claim)
            }),
        }
    }

    /// Goes to done in one step, together with the handler's writes, without a lease.
    pub fn commit(current: Option<&Self>, claim: &Claim, now: Timestamp) -> Result<Self, Refusal> {
        match current {
            Some(record) if record.status == Status::Done && record.owner == claim.owner => {
                Ok(record.clone())
            }
            _ => Ok(Self {
                status: Status::Done,
                ..Self::claim(current, claim, now)?
            }),
        }
    }

    /// Marks the effect as having happened. A lapsed lease that nobody took is still one's
    /// own; completing twice is completing once.
    pub fn complete(current: Option<&Self>, owner: &str) -> Result<Self, Refusal> {
        let record = Self::owned(current, owner)?;
        Ok(Self {
            status: Status::Done,
            ..record.clone()
        })
    }

    /// Gives the lease back after a failure, keeping what is known of it.
    pub fn release(
        current: Option<&Self>,
        owner: &str,
        attempts: u32,
        error: &str,
    ) -> Result<Self, Refusal> {
        let record = Self::owned(current, owner)?;
        if record.status == Status::Done {
            return Err(Refusal::Done);
        }
        Ok(Self {
            lease_until: Timestamp::UNIX_EPOCH,
            attempts,
            last_error: Some(error.to_owned()),
            ..record.clone()
        })
    }

    /// Puts off the end of a lease. One that lapsed and that nobody took is still one's own; one that
    /// was given back is not.
    pub fn renew(
        current: Option<&Self>,
        owner: &str,
        lease_until: Timestamp,
    ) -> Result<Self, Refusal> {
        let record = Self::owned(current, owner)?;
        match record.status {
            Status::Done => Err(Refusal::Done),
            Status::Leased if record.lease_until == Timestamp::UNIX_EPOCH => Err(Refusal::NotOwner),
            Status::Leased => Ok(Self {
                lease_until,
                ..record.clone()
            }),
        }
    }

    fn new(claim: &Claim) -> Self {
        Self {
            status: Status::Leased,
            owner: claim.owner.clone(),
            lease_until: claim.lease_until,
            expires_at: claim.expires_at,
            fingerprint: claim.fingerprint.clone(),
            attempts: 0,
            last_error: None,
        }
    }

    fn owned<'a>(current: Option<&'a Self>, owner: &str) -> Result<&'a Self, Refusal> {
        current
            .filter(|record| record.owner == owner)
            .ok_or(Refusal::NotOwner)
    }

    fn refuse_done(&self, claim: &Claim) -> Refusal {
        if self.fingerprint == claim.fingerprint {
            Refusal::Done
        } else {
            Refusal::Conflict
        }
    }
}

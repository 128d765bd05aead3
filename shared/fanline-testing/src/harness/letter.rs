//! A dead letter as a test looks at it.

use std::collections::BTreeMap;

use fanline::{
    Attribute, DeadLetter,
    dead_letter::{FailureNote, Reason, unpack},
};

/// A message in the dead-letter queue, with what it says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Buried {
    /// As it was received.
    pub body: String,
    /// Its own attributes, without the note.
    pub attributes: BTreeMap<String, Attribute>,
    /// Why it is here; None only if body and attributes fill the 1 MiB that SQS takes.
    pub note: Option<FailureNote>,
}

impl Buried {
    /// Why it was given up.
    pub fn reason(&self) -> Option<Reason> {
        self.note.as_ref().map(|note| note.reason)
    }

    /// The last error.
    pub fn error(&self) -> Option<&str> {
        self.note.as_ref().map(|note| note.error.as_str())
    }
}

impl From<DeadLetter> for Buried {
    fn from(letter: DeadLetter) -> Self {
        let (attributes, note) = unpack(letter.attributes);
        Self {
            body: letter.body,
            attributes,
            note,
        }
    }
}

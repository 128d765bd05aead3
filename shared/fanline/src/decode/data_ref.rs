//! Reading the reference of an event whose data is not in its message.

use super::{Undecodable, fields::Fields};
use crate::claim_check::DataRef;

/// The field that has it.
pub(super) const DATA_REF: &str = "dataRef";

/// The reference, if it is one to this event's own data. Whoever publishes must not be able to make a
/// worker read something else.
pub(super) fn read(fields: &Fields<'_>, event_id: &str) -> Result<DataRef, Undecodable> {
    if fields.has("data") {
        return Err(fields.error(DATA_REF, "none beside data", "both"));
    }
    let reference = fields.object(DATA_REF)?;
    let bytes = reference.number("bytes")?;
    let sha256 = reference.text("sha256")?.into_owned();
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if sha256.len() != 64 || !sha256.bytes().all(is_digit) {
        return Err(reference.error(
            "sha256",
            "64 lower-case hexadecimal digits",
            "another string",
        ));
    }
    let expected = DataRef::of_hash(event_id, bytes, sha256);
    match reference.text("key")? == expected.key() {
        true => Ok(expected),
        false => {
            let own = "the key of this event id and hash";
            Err(reference.error("key", own, "another one"))
        }
    }
}

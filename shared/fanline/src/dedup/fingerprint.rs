//! A short hash of an event's data: tells a redelivery from a reused key.

use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};

/// 128 bits of SHA-256 over the event's type and its data with object keys in order, so that a
/// producer which serialises the same data in another order is still recognised.
pub(crate) fn fingerprint(event_type: &str, data: &RawValue) -> String {
    let canonical = match serde_json::from_str::<Value>(data.get()) {
        Ok(value) => {
            let mut bytes = Vec::with_capacity(data.get().len());
            write_canonical(&value, &mut bytes);
            bytes
        }
        // Valid JSON that serde_json's Value refuses (a number out of range): its own text.
        Err(_) => data.get().as_bytes().to_vec(),
    };
    let digest = Sha256::new()
        .chain_update(event_type)
        .chain_update([0])
        .chain_update(canonical)
        .finalize();
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn write_canonical(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_unstable_by_key(|(name, _)| name.as_str());
            bytes.push(b'{');
            for (name, value) in entries {
                bytes.extend_from_slice(Value::from(name.as_str()).to_string().as_bytes());
                bytes.push(b':');
                write_canonical(value, bytes);
                bytes.push(b',');
            }
            bytes.push(b'}');
        }
        Value::Array(items) => {
            bytes.push(b'[');
            for item in items {
                write_canonical(item, bytes);
                bytes.push(b',');
            }
            bytes.push(b']');
        }
        scalar => bytes.extend_from_slice(scalar.to_string().as_bytes()),
    }
}

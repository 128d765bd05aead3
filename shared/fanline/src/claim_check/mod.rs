//! Claim check: data too large for a message waits in a store, the message carries a reference to it.
//!
//! On the wire the envelope has `dataRef` in place of `data`:
//!
//! ```json
//! { "type": "report.finished",
//!   "dataRef": { "key": "01J…/9f86…", "bytes": 3145728, "sha256": "9f86…" },
//!   "metadata": { … } }
//! ```
//!
//! What could be got wrong is whom to believe. A message may come from anybody who may publish, so it
//! names neither bucket nor table: a worker looks only into the store it was given, only under the key
//! that belongs to the event's id and the data's hash, reads no more than the reference says, and gives
//! its handler nothing whose hash is another.
//!
//! Nobody deletes data. Every subscriber has its own copy of the message, each may fail, wait in a
//! dead-letter queue and be redriven: only time can tell that nobody needs the data any more. So the
//! store lets it go by a lifecycle rule or a TTL, after at least the retention of queue and
//! dead-letter queue together.

mod check_in;
mod reference;
mod store;

pub use check_in::CheckedIn;
pub use reference::DataRef;
pub use store::{Fetched, PayloadStore};

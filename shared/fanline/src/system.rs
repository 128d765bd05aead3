//! Time and randomness, handed in from outside.
//!
//! Nothing in this crate reads a clock or an entropy source by itself: a test or
//! a simulation that owns the [`System`] owns every decision the worker makes.

use jiff::Timestamp;
use uuid::Uuid;

/// Where a worker gets the time and its random numbers from.
///
/// ```
/// use fanline::{System, Timestamp};
///
/// struct Noon;
/// impl System for Noon {
///     fn now(&self) -> Timestamp { "2026-02-14T12:00:00Z".parse().unwrap() }
///     fn random(&self) -> u128 { 7 }
/// }
/// assert_eq!(Noon.event_id(), Noon.event_id(), "nothing else goes into an id");
/// ```
pub trait System: Send + Sync + 'static {
    /// The current time. May jump; nothing in Fanline needs it to be monotonic.
    fn now(&self) -> Timestamp;

    /// 128 random bits. Event ids and lease owners rest on them being unique.
    fn random(&self) -> u128;

    /// A new event id: UUIDv7, so ids made later sort later.
    fn event_id(&self) -> String {
        let milliseconds = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        let random = self.random().to_be_bytes();
        let mut ten_bytes = [0; 10];
        ten_bytes.copy_from_slice(&random[..10]);
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &ten_bytes)
            .into_uuid()
            .to_string()
    }

    /// A token that no other claim has: proof of who holds a lease.
    fn fence(&self) -> String {
        Uuid::from_u128(self.random()).simple().to_string()
    }
}

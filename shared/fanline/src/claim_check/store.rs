//! Where data waits that is too large for a message.
//!
//! `fanline_testing::contract` holds every implementation to what is said here.

use std::fmt;

use futures_util::future::BoxFuture;

/// A store of payloads: the data of events as JSON text, each under a key of its own.
///
/// A key never gets other data, since the data's hash is part of it: to put twice is to put once, and
/// renews how long the payload stays. What is put can be fetched as soon as `put` has returned, and a
/// payload of which only a part is written is not there. Errors are for outages: what they concern is
/// tried again.
///
/// ```
/// use std::{collections::BTreeMap, sync::Mutex};
///
/// use fanline::claim_check::{Fetched, PayloadStore};
/// use futures_util::future::BoxFuture;
///
/// #[derive(Debug, Default)]
/// struct InMemory(Mutex<BTreeMap<String, String>>);
///
/// impl PayloadStore for InMemory {
///     fn size_limit(&self) -> u64 { 1024 }
///
///     fn put<'a>(&'a self, key: &'a str, data: &'a str) -> BoxFuture<'a, Result<(), String>> {
///         self.0.lock().unwrap().insert(key.to_owned(), data.to_owned());
///         Box::pin(async { Ok(()) })
///     }
///
///     fn fetch<'a>(&'a self, key: &'a str, bytes: u64) -> BoxFuture<'a, Result<Fetched, String>> {
///         let found = self.0.lock().unwrap().get(key).cloned();
///         let fetched = match found {
///             Some(data) if data.len() as u64 == bytes => Fetched::Found(data),
///             Some(data) => Fetched::Damaged(format!("it has {} bytes, not {bytes}", data.len())),
///             None => Fetched::Missing,
///         };
///         Box::pin(async { Ok(fetched) })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = InMemory::default();
/// store.put("e-1/9f86", "{}").await.unwrap();
/// assert_eq!(store.fetch("e-1/9f86", 2).await, Ok(Fetched::Found("{}".into())));
/// assert_eq!(store.fetch("e-2/9f86", 2).await, Ok(Fetched::Missing));
/// # });
/// ```
pub trait PayloadStore: fmt::Debug + Send + Sync + 'static {
    /// Most bytes of one payload. A publisher refuses larger ones before it puts them.
    fn size_limit(&self) -> u64;

    /// Stores a payload.
    fn put<'a>(&'a self, key: &'a str, data: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// Fetches a payload that has so many bytes. Of one that has more, no more is read than it takes to know.
    fn fetch<'a>(&'a self, key: &'a str, bytes: u64) -> BoxFuture<'a, Result<Fetched, String>>;
}

/// What is found under a key.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The payload.
    Found(String),
    /// Nothing: it was never put, or its time is over.
    Missing,
    /// Something that cannot be this payload; says what is wrong with it.
    Damaged(String),
}

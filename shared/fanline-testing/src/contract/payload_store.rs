//! The contract of [`PayloadStore`].

use std::sync::Arc;

use fanline::claim_check::{DataRef, Fetched, PayloadStore};

/// Puts a store through every case. `run` must differ between runs on the same store.
///
/// # Panics
/// If the store breaks the contract.
pub async fn payload_store(store: Arc<dyn PayloadStore>, run: &str) {
    let store = store.as_ref();
    what_is_put_is_fetched_as_it_is(store, run).await;
    what_was_never_put_is_missing(store, run).await;
    putting_again_changes_nothing(store, run).await;
    another_length_is_noticed(store, run).await;
    many_at_once_do_not_mix(store, run).await;
    the_largest_fits(store, run).await;
}

async fn put(store: &dyn PayloadStore, event_id: &str, data: &str) -> DataRef {
    let reference = DataRef::new(event_id, data);
    let put = store.put(reference.key(), data).await;
    assert_eq!(put, Ok(()));
    reference
}

async fn fetch(store: &dyn PayloadStore, reference: &DataRef) -> Fetched {
    let fetched = store.fetch(reference.key(), reference.bytes()).await;
    fetched.expect("the store answers")
}

/// Not with assert_eq: nobody wants to read a megabyte.
async fn assert_kept(store: &dyn PayloadStore, reference: &DataRef, data: &str) {
    let fetched = fetch(store, reference).await;
    assert!(
        fetched == Fetched::Found(data.to_owned()),
        "payload of {} bytes is not what was put",
        data.len()
    );
}

/// Text of so many bytes, in characters of one to four bytes and some that JSON escapes.
fn text(bytes: usize) -> String {
    let inner = bytes - 2;
    let mut text: String = "\u{1f980}é✓x\\n".chars().cycle().take(inner / 4).collect();
    text.truncate(text.floor_char_boundary(inner));
    text.push_str(&"y".repeat(inner - text.len()));
    format!("\"{text}\"")
}

async fn what_is_put_is_fetched_as_it_is(store: &dyn PayloadStore, run: &str) {
    // Around the sizes at which stores cut data into pieces.
    let sizes = [
        2, 3, 1_000, 349_999, 350_000, 350_001, 399_999, 700_003, 999_999,
    ];
    for bytes in sizes {
        let data = text(bytes);
        assert_eq!(data.len(), bytes);
        let reference = put(store, &format!("{run}-{bytes}"), &data).await;
        assert_kept(store, &reference, &data).await;
    }
}

async fn what_was_never_put_is_missing(store: &dyn PayloadStore, run: &str) {
    let reference = DataRef::new(&format!("{run}-missing"), "{}");
    assert_eq!(fetch(store, &reference).await, Fetched::Missing);
}

async fn putting_again_changes_nothing(store: &dyn PayloadStore, run: &str) {
    let (id, data) = (format!("{run}-again"), text(800_000));
    let reference = put(store, &id, &data).await;
    assert_eq!(put(store, &id, &data).await, reference);
    // The same event with other data: both are there.
    let other = put(store, &id, "{}").await;
    assert_kept(store, &reference, &data).await;
    assert_kept(store, &other, "{}").await;
}

async fn another_length_is_noticed(store: &dyn PayloadStore, run: &str) {
    let data = text(800_000);
    let reference = put(store, &format!("{run}-length"), &data).await;
    for bytes in [0, 1, 799_999, 800_001, store.size_limit()] {
        let fetched = store.fetch(reference.key(), bytes).await;
        assert!(
            matches!(fetched, Ok(Fetched::Damaged(_))),
            "asked for {bytes} bytes of 800000"
        );
    }
}

async fn many_at_once_do_not_mix(store: &dyn PayloadStore, run: &str) {
    let both = async |number: usize| {
        let data = text(380_000 + number);
        let reference = put(store, &format!("{run}-many-{number}"), &data).await;
        assert_kept(store, &reference, &data).await;
    };
    tokio::join!(both(1), both(2), both(3), both(4), both(5));
}

async fn the_largest_fits(store: &dyn PayloadStore, run: &str) {
    let limit = usize::try_from(store.size_limit()).expect("it fits into memory");
    let data = text(limit);
    let reference = put(store, &format!("{run}-largest"), &data).await;
    assert_kept(store, &reference, &data).await;
}

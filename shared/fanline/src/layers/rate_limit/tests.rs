use proptest::prelude::*;

use super::*;
use crate::{Timestamp, delivery::remaining, layers::after};

const INTERVAL: Duration = Duration::from_millis(100);

fn start() -> Timestamp {
    Timestamp::from_second(1_771_065_000).unwrap()
}

fn bucket(burst: u32) -> Bucket {
    Bucket::new(INTERVAL, NonZeroU32::new(burst).unwrap())
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

proptest! {
    /// In no window of time more than the burst and what came in meanwhile.
    #[test]
    fn never_more_than_burst_and_rate(
        burst in 1_u32..6,
        pauses in proptest::collection::vec(0_u64..400, 1..80),
    ) {
        let mut bucket = bucket(burst);
        let mut now = start();
        let mut taken = Vec::new();
        for pause in pauses {
            now = after(now, milliseconds(pause));
            if bucket.take(now).is_ok() {
                taken.push(now);
            }
        }
        for (first, from) in taken.iter().enumerate() {
            for (last, to) in taken.iter().enumerate().skip(first) {
                let came_in = remaining(*to, *from).as_nanos() / INTERVAL.as_nanos();
                let calls = u128::try_from(last - first + 1).unwrap();
                prop_assert!(calls <= u128::from(burst) + came_in, "{calls} in {from} to {to}");
            }
        }
    }

    /// Who waits until the time named finds a token, and not a moment before; no token is lost.
    #[test]
    fn a_token_is_there_when_it_was_promised(
        burst in 1_u32..6,
        ahead in 0_u32..20,
        pauses in proptest::collection::vec(0_u64..400, 0..40),
    ) {
        let mut bucket = bucket(burst);
        let mut now = start();
        for pause in pauses {
            now = after(now, milliseconds(pause));
            let _taken_or_not = bucket.take(now);
        }
        (0..ahead).for_each(|_| bucket.join());
        let promised = bucket.next_free(now);
        for _ in 0..ahead {
            while let Err(at) = bucket.take(now) {
                prop_assert!(now < at);
                now = at;
            }
            bucket.leave();
        }
        match bucket.take(now) {
            Ok(()) => prop_assert!(promised <= now),
            Err(at) => {
                prop_assert_eq!(at, promised);
                prop_assert!(bucket.take(at).is_ok());
            }
        }
    }

    /// Whoever leaves the line takes nothing along: those behind move up.
    #[test]
    fn nobody_waits_for_those_who_left(burst in 1_u32..6, waiting in 0_u32..20, leaving in 0_u32..20) {
        let leaving = leaving.min(waiting);
        let (mut left, mut never_came) = (bucket(burst), bucket(burst));
        (0..waiting).for_each(|_| left.join());
        (0..leaving).for_each(|_| left.leave());
        (0..waiting - leaving).for_each(|_| never_came.join());
        prop_assert_eq!(left.next_free(start()), never_came.next_free(start()));
    }
}

#[test]
fn clock_that_is_set_back_costs_no_more_than_an_empty_bucket() {
    let mut bucket = bucket(3);
    for _ in 0..3 {
        bucket.take(start()).unwrap();
    }
    let hour = Duration::from_secs(3600);
    let earlier = start().checked_sub(hour).unwrap();
    assert_eq!(bucket.take(earlier), Err(after(earlier, INTERVAL)));
}

#[test]
fn rates_are_never_exceeded_by_rounding() {
    let of = |calls| NonZeroU32::new(calls).unwrap();
    for (limit, nanoseconds) in [
        (RateLimit::per_second(of(3)), 333_333_334),
        (RateLimit::per_second(of(4)), 250_000_000),
        (RateLimit::per_second(NonZeroU32::MAX), 1),
        (RateLimit::per_minute(of(30)), 2_000_000_000),
    ] {
        assert_eq!(limit.interval, Duration::from_nanos(nanoseconds));
    }
}

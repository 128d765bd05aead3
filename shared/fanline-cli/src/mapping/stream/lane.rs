//! Changes that must be handled in order, and what is to be done with them next. Pure: time is
//! passed in.
//!
//! The one thing to get wrong: passing over a change. One leaves the lane only by being handled or
//! by one of the two ways of giving up that the mapping allows; until then everything behind it
//! waits, as AWS documents.

use super::record::Change;
use super::spec::Retries;
use std::collections::VecDeque;
use std::time::Duration;

const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// One partition of a shard: with a parallelization factor above one there are several.
#[derive(Debug)]
pub(super) struct Lane {
    waiting: VecDeque<Change>,
    batch_size: usize,
    retries: Retries,
    /// The most changes of the next batch: fewer while a failed batch is split.
    limit: usize,
    /// Failures of the change at the head since it came there.
    failures: u32,
    not_before: Duration,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Invoke the function with so many changes from the head.
    Invoke(usize),
    /// Give so many changes from the head up.
    GiveUp(usize, GivenUp),
    /// Nothing until then.
    Wait(Duration),
    /// Nothing until another change comes.
    Idle,
}

/// Why changes are given up; the names are AWS's conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenUp {
    RetryAttemptsExhausted,
    MaximumRecordAgeExceeded,
}

impl Lane {
    pub(super) fn new(batch_size: usize, retries: Retries) -> Self {
        let batch_size = batch_size.max(1);
        Self {
            waiting: VecDeque::new(),
            batch_size,
            retries,
            limit: batch_size,
            failures: 0,
            not_before: Duration::ZERO,
        }
    }

    pub(super) fn push(&mut self, change: Change) {
        self.waiting.push_back(change);
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= self.batch_size
    }

    /// Whether the next batch is one that failed, or a part of it: nothing can be added to it.
    pub(super) fn is_retrying(&self) -> bool {
        self.not_before > Duration::ZERO
    }

    /// The first changes, in order.
    pub(super) fn head(&self, count: usize) -> impl Iterator<Item = &Change> {
        self.waiting.iter().take(count)
    }

    /// `now` counts as the changes' times do, from any moment.
    pub(super) fn step(&self, now: Duration) -> Step {
        let Some(longest) = self.retries.maximum_age else {
            return self.step_within_age(now);
        };
        let is_over = |change: &&Change| now.saturating_sub(change.at) > longest;
        match self.waiting.iter().take_while(is_over).count() {
            0 => self.step_within_age(now),
            count => Step::GiveUp(count, GivenUp::MaximumRecordAgeExceeded),
        }
    }

    fn step_within_age(&self, now: Duration) -> Step {
        let count = self.limit.min(self.waiting.len());
        let is_exhausted = self
            .retries
            .maximum_attempts
            .is_some_and(|attempts| self.failures > attempts);
        match count {
            0 => Step::Idle,
            count if is_exhausted => Step::GiveUp(count, GivenUp::RetryAttemptsExhausted),
            _ if now < self.not_before => Step::Wait(self.not_before),
            count => Step::Invoke(count),
        }
    }

    /// Of a batch of `count` the first `handled` were handled. Returns them.
    pub(super) fn settle(&mut self, now: Duration, count: usize, handled: usize) -> Vec<Change> {
        let handled = handled.min(count);
        let done = self.take(handled);
        if handled == count {
            self.start_anew();
            return done;
        }
        // Behind what was handled another change is at the head.
        let failures = if handled > 0 { 0 } else { self.failures };
        let rest = count - handled;
        if self.retries.bisect && (handled > 0 || rest > 1) {
            // Splitting does not count as an attempt. Where the function said what it handled,
            // AWS splits there; otherwise in the middle.
            self.limit = if handled > 0 { rest } else { rest.div_ceil(2) };
            self.failures = failures;
        } else {
            self.limit = rest;
            self.failures = failures + 1;
        }
        let doublings = self.failures.min(10).saturating_sub(1);
        let pause = (FIRST_BACKOFF * 2_u32.pow(doublings)).min(LONGEST_BACKOFF);
        self.not_before = now + pause;
        done
    }

    /// Takes changes out that are given up.
    pub(super) fn give_up(&mut self, count: usize) -> Vec<Change> {
        let given_up = self.take(count);
        self.start_anew();
        given_up
    }

    fn take(&mut self, count: usize) -> Vec<Change> {
        let count = count.min(self.waiting.len());
        self.waiting.drain(..count).collect()
    }

    fn start_anew(&mut self) {
        self.limit = self.batch_size;
        self.failures = 0;
        self.not_before = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change(number: u64, at: Duration) -> Change {
        Change {
            sequence: number.to_string(),
            json: String::new(),
            at,
            partition: 0,
        }
    }

    fn numbers(changes: &[Change]) -> Vec<u64> {
        let numbers = changes.iter().map(|change| change.sequence.parse());
        numbers.map(|number| number.expect("a number")).collect()
    }

    fn retries(maximum_attempts: Option<u32>, bisect: bool) -> Retries {
        Retries {
            maximum_attempts,
            maximum_age: None,
            bisect,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the function does, changes leave in their order, none twice and none unseen.
        #[test]
        fn every_change_is_handled_or_given_up_in_order(
            count in 1u64..40,
            batch_size in 1usize..12,
            attempts in proptest::option::of(0u32..4),
            age in proptest::option::of(1u64..60),
            bisect: bool,
            answers in proptest::collection::vec(0usize..14, 0..200),
        ) {
            let retries = Retries {
                maximum_attempts: attempts,
                maximum_age: age.map(Duration::from_secs),
                bisect,
            };
            let mut lane = Lane::new(batch_size, retries);
            (0..count).for_each(|number| lane.push(change(number, Duration::from_secs(number))));
            let mut left = Vec::new();
            let mut now = Duration::ZERO;
            // When the given answers are used up, everything succeeds: the lane must run empty.
            let mut answers = answers.into_iter().chain(std::iter::repeat(usize::MAX));
            for _ in 0..2000 {
                match lane.step(now) {
                    Step::Invoke(size) => {
                        prop_assert!(size >= 1 && size <= batch_size);
                        let handled = answers.next().unwrap_or(0);
                        left.extend(numbers(&lane.settle(now, size, handled)));
                    }
                    Step::GiveUp(size, GivenUp::RetryAttemptsExhausted) => {
                        prop_assert!(attempts.is_some() && size >= 1);
                        left.extend(numbers(&lane.give_up(size)));
                    }
                    Step::GiveUp(size, GivenUp::MaximumRecordAgeExceeded) => {
                        prop_assert!(age.is_some() && size >= 1);
                        left.extend(numbers(&lane.give_up(size)));
                    }
                    Step::Wait(until) => {
                        prop_assert!(until > now && until - now <= LONGEST_BACKOFF);
                        now = until;
                    }
                    Step::Idle => break,
                }
            }
            prop_assert_eq!(left, (0..count).collect::<Vec<_>>());
            prop_assert_eq!(lane.len(), 0);
        }
    }

    #[test]
    fn a_failed_batch_is_tried_as_often_as_allowed() {
        let mut lane = Lane::new(10, retries(Some(2), false));
        (0..3).for_each(|number| lane.push(change(number, Duration::ZERO)));
        let mut now = Duration::ZERO;
        let mut invocations = 0;
        loop {
            match lane.step(now) {
                Step::Invoke(size) => {
                    assert_eq!(size, 3);
                    invocations += 1;
                    assert!(lane.settle(now, size, 0).is_empty());
                }
                Step::Wait(until) => now = until,
                step => {
                    assert_eq!(step, Step::GiveUp(3, GivenUp::RetryAttemptsExhausted));
                    break;
                }
            }
        }
        assert_eq!(invocations, 3);
    }

    #[test]
    fn a_batch_that_failed_in_part_is_split_where_the_function_said() {
        let mut lane = Lane::new(8, retries(Some(0), true));
        (0..8).for_each(|number| lane.push(change(number, Duration::ZERO)));
        let done = lane.settle(Duration::ZERO, 8, 3);
        assert_eq!(numbers(&done), [0, 1, 2]);
        assert!(lane.is_retrying());
        let Step::Wait(until) = lane.step(Duration::ZERO) else {
            panic!("splitting must not use the only attempt up");
        };
        assert_eq!(lane.step(until), Step::Invoke(5));
        assert!(lane.settle(until, 5, 0).is_empty());
        let Step::Wait(until) = lane.step(until) else {
            panic!("splitting must not use the only attempt up");
        };
        assert_eq!(lane.step(until), Step::Invoke(3), "now in the middle");
    }

    #[test]
    fn splitting_finds_the_poison_and_gives_only_it_up() {
        let mut lane = Lane::new(8, retries(Some(0), true));
        (0..8).for_each(|number| lane.push(change(number, Duration::ZERO)));
        let (mut now, mut handled, mut given_up) = (Duration::ZERO, Vec::new(), Vec::new());
        loop {
            match lane.step(now) {
                Step::Invoke(size) => {
                    let has_poison = lane.head(size).any(|change| change.sequence == "5");
                    let done = if has_poison { 0 } else { size };
                    handled.extend(numbers(&lane.settle(now, size, done)));
                }
                Step::GiveUp(size, _) => given_up.extend(numbers(&lane.give_up(size))),
                Step::Wait(until) => now = until,
                Step::Idle => break,
            }
        }
        assert_eq!(given_up, [5]);
        assert_eq!(handled, [0, 1, 2, 3, 4, 6, 7]);
    }
}
